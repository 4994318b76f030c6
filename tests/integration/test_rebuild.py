"""`rebuild` and `verify` on a real log and a real PostgreSQL, while the log grows and rows are read."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import EventParked, EventUnparked, RecordedEvent, SeriesIdentified, SeriesRemoved
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.streams import ForeignLog
from services.platform.tasks import end
from services.projector.read_model import ReadModel
from services.projector.rebuild import NotRebuilt, Rebuilt, rebuild, verify
from tests.support.histories import added, loaded_after
from tests.support.projecting import (
    execute,
    forget_rows,
    has_caught_up,
    ids,
    load,
    project,
    projecting,
    rows,
    unwatched,
    waits_for_a_lock,
)
from tests.support.waiting import eventually


async def test_lost_rows_come_back_while_series_are_added(store: EventStore, engine: AsyncEngine) -> None:
    """With the ids that their adds were answered with, and nothing of what comes meanwhile is missing."""
    old = await load(store, *(f"old-{number}" for number in range(5)))
    await project(store, engine)
    before = await rows(engine)
    new: dict[str, int] = {}

    async def add() -> None:
        for number in range(50):
            key = f"new-{number}"
            new[key] = (await store.append(added(key))).position

    async with projecting(store, engine):
        adding = asyncio.ensure_future(add())
        await eventually(lambda: len(new) > 10, within=60)
        await forget_rows(engine)
        rebuilt = await rebuild(engine, store, unwatched)
        await adding
        await eventually(lambda: has_caught_up(store, engine), within=60)

    assert rebuilt.generation == 2
    assert await ids(engine) == old | new
    assert [row for row in (await rows(engine))[0] if row["key"] in old] == before[0]
    assert (await rows(engine))[1:] == before[1:]


async def test_a_projector_goes_on_after_a_rebuild(store: EventStore, engine: AsyncEngine) -> None:
    """It gives up what it remembers: what it writes next goes on from the mended rows."""
    added_at = (await store.append(added("bleach"))).position
    async with projecting(store, engine):
        await eventually(lambda: has_caught_up(store, engine), within=60)
        await execute(engine, "UPDATE anime_series SET name = 'Blotch'")
        await rebuild(engine, store, unwatched)
        for event in loaded_after("bleach", added_at):
            await store.append(event)
        await eventually(lambda: has_caught_up(store, engine), within=60)

    assert [(row["name"], row["loading_status"]) for row in (await rows(engine))[0]] == [("Bleach", "completed")]
    assert (await verify(engine, store, unwatched)).count == 0


async def test_a_rebuild_of_what_is_right_changes_nothing_but_the_generation(
    store: EventStore, engine: AsyncEngine
) -> None:
    await load(store, "bleach", "naruto")
    await project(store, engine)
    before, stand = await rows(engine), await ReadModel(engine).checkpoint()

    assert await rebuild(engine, store, unwatched) == Rebuilt(22, stand.generation + 1, 0)
    assert await ReadModel(engine).checkpoint() == replace(stand, generation=stand.generation + 1)
    assert await rows(engine) == before


async def test_a_row_of_a_former_life_is_replaced_with_its_episodes(
    store: EventStore, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is the same, its id is not; also where the former life was written before the new one is read."""
    monkeypatch.setattr("services.projector.refolding._BATCH", 3)
    await load(store, "bleach")
    await project(store, engine)
    old = await rows(engine)
    await store.append(SeriesRemoved(key="bleach"))
    new = await load(store, "bleach")
    await project(store, engine)
    right = await rows(engine)
    await execute(engine, "DELETE FROM anime_series")
    async with engine.begin() as connection:  # as they were before
        columns = ", ".join(old[0][0])
        await connection.execute(
            text(f"INSERT INTO anime_series ({columns}) VALUES ({', '.join(f':{name}' for name in old[0][0])})"), old[0]
        )
        await connection.execute(text("INSERT INTO episodes (series_id, season, number) VALUES (1, 1, 1)"))

    await rebuild(engine, store, unwatched)

    assert await rows(engine) == right
    assert await ids(engine) == new


@pytest.mark.parametrize("step", ["folding", "locking", "writing"])
async def test_a_rebuild_that_is_cut_short_has_changed_nothing(
    store: EventStore, engine: AsyncEngine, step: str
) -> None:
    """Wherever it was; the next one does it all."""
    await load(store, "bleach")
    await project(store, engine)
    right = await rows(engine)
    await execute(engine, "UPDATE anime_series SET name = 'Blotch'")
    before, stand = await rows(engine), await ReadModel(engine).checkpoint()
    held = {"locking": "checkpoint", "writing": "anime_series"}
    folding = asyncio.Event()

    async with engine.connect() as other:
        if step in held:
            await other.execute(text(f"SELECT FROM {held[step]} FOR UPDATE"))
        running = asyncio.ensure_future(rebuild(engine, store, lambda _, __: folding.set()))
        await (eventually(lambda: waits_for_a_lock(engine), within=60) if step in held else folding.wait())
        await end(running)
        assert running.cancelled()

    assert await rows(engine) == before
    assert await ReadModel(engine).checkpoint() == stand
    assert (await rebuild(engine, store, unwatched)).changed == 1
    assert await rows(engine) == right


async def test_a_second_rebuild_is_refused_at_once(store: EventStore, engine: AsyncEngine) -> None:
    """The first one is held up by a lock, and goes on."""
    await load(store, "bleach")
    async with engine.connect() as other:
        await other.execute(text("SELECT FROM checkpoint FOR UPDATE"))
        first = asyncio.ensure_future(rebuild(engine, store, unwatched))
        await eventually(lambda: waits_for_a_lock(engine), within=60)

        with pytest.raises(NotRebuilt, match="being rebuilt already"):
            await rebuild(engine, store, unwatched)

    assert (await first).changed == 5


async def test_a_reader_that_has_begun_sees_the_rows_as_they_were(
    store: EventStore, engine: AsyncEngine, reader_url: str
) -> None:
    """All of them, however late it asks; and it is not waited for. Who begins afterwards sees the mended ones."""
    await load(store, "bleach", "naruto")
    await project(store, engine)
    await execute(engine, "DELETE FROM episodes")
    await execute(engine, "UPDATE anime_series SET name = 'x'")
    reader = connect_engine(reader_url)
    count = text("SELECT (SELECT count(*) FROM episodes), (SELECT count(*) FROM anime_series WHERE name = 'x')")
    async with reader.connect() as reading:
        await reading.execution_options(isolation_level="REPEATABLE READ")
        await reading.execute(text("SELECT position FROM checkpoint"))

        await rebuild(engine, store, unwatched)

        assert tuple((await reading.execute(count)).one()) == (0, 2)
    async with reader.connect() as reading:
        assert tuple((await reading.execute(count)).one()) == (4, 0)
    await reader.dispose()


async def test_rows_that_predate_the_log_have_to_be_adopted_first(store: EventStore, engine: AsyncEngine) -> None:
    """A rebuild would lose them."""
    await execute(engine, "INSERT INTO anime_series (key, name) VALUES ('bleach', 'Bleach')")

    for anew in (rebuild, verify):
        with pytest.raises(NotRebuilt, match="1 series predate the event log") as refused:
            await anew(engine, store, unwatched)
        assert "services.projector adopt" in refused.value.hint
    assert await ids(engine) == {"bleach": 1}


async def test_rows_of_another_log_are_rebuilt_from_this_one(store: EventStore, engine: AsyncEngine) -> None:
    """That is what a projector says has to be done; to verify them makes no sense."""
    await load(store, "bleach")
    await execute(engine, "UPDATE checkpoint SET log_id = 'another', position = 4711")
    await execute(engine, "INSERT INTO anime_series (id, key, name, position) VALUES (5, 'gone', 'Gone', 7)")

    with pytest.raises(ForeignLog):
        await verify(engine, store, unwatched)
    await rebuild(engine, store, unwatched)

    stand = await ReadModel(engine).checkpoint()
    assert (stand.log_id, stand.position) == ((await store.info()).log_id, 11)
    assert await ids(engine) == {"bleach": 1}


async def test_what_no_projector_has_judged_yet_is_set_aside_as_it_would(
    store: EventStore, engine: AsyncEngine
) -> None:
    """Bodies that can't be read, numbers that no column takes, releases in vain: then the projector goes on."""
    bleach = (await load(store, "bleach"))["bleach"]
    bad = (await store.js.publish("series.bleach.nfo.failed", b"{}")).seq
    await store.append(EventParked(key="bleach", parked_position=bad, reason="not known yet"))
    await store.append(EventUnparked(key="bleach", parked_position=bad))
    large = (await store.append(added("naruto", year=2**40))).position
    fine = (await store.append(added("gintama"))).position
    await store.js.publish("series.Not-A-Key.added", b"{}")
    await store.js.publish("series.bleach-2", b"{}")

    await rebuild(engine, store, unwatched)
    rebuilt = await ids(engine)
    await project(store, engine)
    after = await rows(engine)

    events = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    parked = [event.parked_position for event in events if isinstance(event, EventParked)]
    assert rebuilt == {"bleach": bleach, "gintama": fine}
    assert parked == [bad, bad, large]
    assert (await verify(engine, store, unwatched)).count == 0
    await forget_rows(engine)
    await project(store, engine)
    assert await rows(engine) == after


async def test_memory_holds_few_states_and_rows_are_read_again(
    store: EventStore, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Series whose events are far apart are folded on from what was written of them."""
    monkeypatch.setattr("services.projector.refolding._STATES_KEPT", 2)
    monkeypatch.setattr("services.projector.refolding._BATCH", 3)
    keys = [f"series-{number}" for number in range(7)]
    adds = {key: (await store.append(added(key))).position for key in keys}
    causes = dict(adds)
    for several in zip(*(loaded_after(key, position) for key, position in adds.items()), strict=True):
        for event in several:
            position = (await store.append(replace(event, cause=causes[event.key]))).position
            if isinstance(event, SeriesIdentified):
                causes[event.key] = position
    await project(store, engine)

    assert (await verify(engine, store, unwatched)).count == 0
    await forget_rows(engine)
    assert (await rebuild(engine, store, unwatched)).changed == 5 * len(keys)
    assert await ids(engine) == adds
