"""The projector on a real log and a real PostgreSQL: rows equal the fold, frames leave no gap."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace
from nats.aio.msg import Msg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.api import Frame
from contracts.events import (
    Episode,
    EpisodesLoaded,
    EventParked,
    Part,
    PartRequested,
    RecordedEvent,
    Season,
    SeriesRemoved,
)
from contracts.presentation import encode_update
from contracts.state import SeriesState
from contracts.subjects import FEED_SUBJECT
from deploy.local.postgres import Postgres
from services.platform.event_store import EventStore, life_of
from services.platform.tasks import end
from services.projector import domain
from services.projector.adopt import adopt
from services.projector.projector import Projector
from services.projector.read_model import Checkpoint, GuardFailed, ReadModel, connect_projector
from tests.support.builders import series_state
from tests.support.histories import added, loaded_after
from tests.support.projecting import has_caught_up, has_reached, projecting
from tests.support.waiting import eventually


async def load_series(store: EventStore, key: str) -> None:
    position = (await store.append(added(key))).position
    for event in loaded_after(key, position):
        await store.append(event, expect=life_of(key, position))


async def frames_from_now(store: EventStore) -> list[Frame]:
    """The frames that are published, as they come."""
    frames: list[Frame] = []

    async def on_frame(message: Msg) -> None:
        frames.append(msgspec.json.decode(message.data, type=Frame))

    await store.nc.subscribe(FEED_SUBJECT, cb=on_frame)
    return frames


async def caught_up(store: EventStore, engine: AsyncEngine) -> None:
    await eventually(lambda: has_caught_up(store, engine), within=20)


async def rows(engine: AsyncEngine) -> dict[str, SeriesState]:
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT key, state FROM anime_series"))
        return {row.key: msgspec.json.decode(row.state, type=SeriesState) for row in found}


async def folded(store: EventStore) -> dict[str, SeriesState]:
    keys = {one.event.key async for one in store.read_all() if isinstance(one, RecordedEvent)}
    return {key: state for key in keys if (state := await store.state_of(key)) is not None}


async def test_rows_equal_the_fold_of_the_log(store: EventStore, engine: AsyncEngine) -> None:
    """Columns say what exists, episodes are there, and the id is the position of the add."""
    await load_series(store, "bleach")
    async with projecting(store, engine):
        await caught_up(store, engine)

    assert await rows(engine) == await folded(store)
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT * FROM anime_series"))).one()
        episodes = (await connection.execute(text("SELECT season, number, on_disk FROM episodes ORDER BY 1, 2"))).all()
    assert (row.id, row.loading_status, row.position) == (1, "completed", 11)
    assert (row.has_nfo, row.episodes_loaded, row.logo_loaded, row.images_loaded) == (True, True, False, True)
    assert row.nfo_created_at is not None
    assert (row.tvmaze_id, row.imdb_id, row.year, row.folder) == (1, "tt0000001", 2013, "Bleach (2013)")
    assert [tuple(one) for one in episodes] == [(0, 1, False), (1, 1, True)]


async def test_frames_tell_every_change_without_a_gap(store: EventStore, engine: AsyncEngine) -> None:
    """Each frame goes on where the one before ended, and its updates are those of its positions, in order."""
    frames = await frames_from_now(store)
    async with projecting(store, engine):
        await load_series(store, "bleach")
        await load_series(store, "naruto")
        await caught_up(store, engine)
        await eventually(lambda: frames and frames[-1].position == 22 and frames[-1].after == 22, within=5)

    assert {frame.log for frame in frames} == {(await store.info()).log_id}
    changes = [frame for frame in frames if frame.after != frame.position]
    assert [frame.after for frame in changes[1:]] == [frame.position for frame in changes[:-1]]
    positions = [msgspec.json.decode(update)["position"] for frame in changes for update in frame.updates]
    assert positions == list(range(1, 23))
    last = await store.state_of("naruto")
    assert last is not None
    assert bytes(changes[-1].updates[-1]) == encode_update(last)


async def test_who_is_behind_tells_only_the_newest_of_each_series(store: EventStore, engine: AsyncEngine) -> None:
    """A full batch tells of each series once, where it stands then; a smaller one every change. None leaves a gap."""
    frames = await frames_from_now(store)
    await load_series(store, "bleach")
    await load_series(store, "naruto")
    async with projecting(store, engine, max_batch=4):
        await caught_up(store, engine)
        await eventually(lambda: frames and frames[-1].position == 22 and frames[-1].after == 22, within=5)

    changes = [frame for frame in frames if frame.after != frame.position]
    full = [frame for frame in changes if frame.position - frame.after == 4]
    assert full
    for frame in changes:
        positions = list(range(frame.after + 1, frame.position + 1))  # up to 11 they are of one series, then of another
        newest = [position for position in positions if position in (11, positions[-1])]
        told = [msgspec.json.decode(update)["position"] for update in frame.updates]
        assert told == (newest if frame in full else positions)
    assert [frame.after for frame in changes[1:]] == [frame.position for frame in changes[:-1]]


async def test_many_changes_soon_after_each_other_share_their_commits(store: EventStore, engine: AsyncEngine) -> None:
    """However fast they come, there are two hundred commits a second at most."""
    frames = await frames_from_now(store)
    async with projecting(store, engine):
        await store.append(added("first"))
        await eventually(lambda: frames)
        begun = asyncio.get_running_loop().time()
        for number in range(200):
            await store.append(added(f"series-{number}"))
        await eventually(lambda: frames[-1].position == 201)
        taken = asyncio.get_running_loop().time() - begun

    changes = [frame for frame in frames if frame.after != frame.position]
    assert len(changes) <= 2 + taken * 200


async def test_rows_are_found_by_their_key_however_few_there_were(database_url: str) -> None:
    """A statement keeps the plan that it got while the table was empty."""
    engine = connect_projector(database_url)
    try:
        async with engine.connect() as connection:
            keys = ", ".join(f"'series-{number}'" for number in range(50))
            query = text(f"EXPLAIN SELECT key, state FROM anime_series WHERE key = ANY(ARRAY[{keys}])")
            plan = " ".join(row[0] for row in await connection.execute(query))
    finally:
        await engine.dispose()

    assert "Index Cond" in plan
    assert "Seq Scan" not in plan


async def test_a_frame_that_would_be_too_large_leaves_its_updates_out(store: EventStore, engine: AsyncEngine) -> None:
    """Gateways then fetch the rows; the frame says so."""
    frames = await frames_from_now(store)
    for number in range(30):
        await store.append(added(f"series-{number}"))
    async with projecting(store, engine, max_frame=5_000):
        await caught_up(store, engine)
        await eventually(lambda: any(not frame.complete for frame in frames))

    incomplete = [frame for frame in frames if not frame.complete]
    assert all(frame.updates == [] for frame in incomplete)


async def test_a_restart_goes_on_where_it_stopped(store: EventStore, engine: AsyncEngine) -> None:
    """Stopped after any batch and started anew, the rows are those of one uninterrupted run."""
    for number in range(5):
        await load_series(store, f"series-{number}")
        async with projecting(store, engine, max_batch=3):
            await asyncio.sleep(0.03 * number)
    async with projecting(store, engine):
        await caught_up(store, engine)

    assert await rows(engine) == await folded(store)


async def test_two_projectors_do_no_harm(store: EventStore, engine: AsyncEngine) -> None:
    """Whoever commits first wins; the other forgets what it holds and goes on from the row."""
    async with projecting(store, engine, max_batch=4), projecting(store, engine, max_batch=3):
        for number in range(8):
            await load_series(store, f"series-{number}")
        await caught_up(store, engine)

    assert await rows(engine) == await folded(store)


@pytest.mark.parametrize("had", [False, True], ids=["a new series", "another life of a series"])
async def test_whoever_does_not_know_the_checkpoint_writes_nothing(engine: AsyncEngine, had: bool) -> None:
    """Such as a projector that was frozen while another went on."""
    model, empty = ReadModel(engine), Checkpoint(None, 1, 0)
    series = series_state(key="bleach")
    change = domain.Folded({series.key: series}, {}, frozenset({series.key} if had else ()), [])
    stand = await model.commit("a-log", empty, 5, domain.NOTHING)

    for wrong in (empty, replace(stand, generation=2), replace(stand, position=4), replace(stand, log_id="another")):
        with pytest.raises(GuardFailed, match="position=5"):
            await model.commit("a-log", wrong, 6, change)

    assert (await model.checkpoint(), await rows(engine)) == (stand, {})


async def test_a_series_added_again_starts_with_new_rows(store: EventStore, engine: AsyncEngine) -> None:
    """A removal hides the row; the next life has its own id and none of the old episodes."""
    async with projecting(store, engine):
        await load_series(store, "bleach")
        await store.append(SeriesRemoved(key="bleach"), expect=life_of("bleach", 1))
        await caught_up(store, engine)
        assert (await rows(engine))["bleach"].removed
        again = (await store.append(added("bleach"))).position
        await caught_up(store, engine)

    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT id, removed, loading_status FROM anime_series"))).one()
        assert (await connection.execute(text("SELECT count(*) FROM episodes"))).scalar_one() == 0
    assert tuple(row) == (again, False, "pending")


async def test_an_unreadable_event_is_parked_once_and_its_successors_are_folded(
    store: EventStore, engine: AsyncEngine
) -> None:
    """The log says that it is skipped, its series shows it, and a projector that starts anew does not park it again."""
    await store.append(added("bleach"))
    await store.js.publish("series.bleach.nfo.failed", b'{"type":"part-failed.v1","key":"bleach"}')
    await load_series(store, "naruto")
    async with projecting(store, engine):
        await caught_up(store, engine)
    async with projecting(store, engine):
        await caught_up(store, engine)

    parked = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    assert [event.parked_position for event in parked if isinstance(event, EventParked)] == [2]
    states = await rows(engine)
    assert list(states["bleach"].parked) == [2]
    assert states["naruto"].loading_status == "completed"


@pytest.mark.parametrize("max_batch", [1, 2, 500])
async def test_an_event_that_the_database_refuses_is_parked(
    store: EventStore, engine: AsyncEngine, max_batch: int
) -> None:
    """A value that no column takes stops only its own event: the batch is halved down to it, and what was folded
    behind it meanwhile is folded again."""
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE anime_series ADD CHECK (year < 3000)"))
    await store.append(added("bleach"))
    await store.append(added("naruto", year=3000))
    for key in ("one-piece", "dark", "monster"):
        await load_series(store, key)
    async with projecting(store, engine, max_batch=max_batch):
        await eventually(lambda: has_reached(engine, 36), within=20)

    assert sorted(await rows(engine)) == ["bleach", "dark", "monster", "one-piece"]
    parked = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    assert [event.parked_position for event in parked if isinstance(event, EventParked)] == [2]


async def test_who_finds_the_checkpoint_moved_folds_nothing_on(store: EventStore, engine: AsyncEngine) -> None:
    """Another process commits while a batch is on its way and the next is folded: both are worth nothing."""
    for number in range(20):
        await load_series(store, f"series-{number}")
    model = MeddledWith(engine)
    running = asyncio.ensure_future(Projector(store, model, max_batch=10).run())
    await caught_up(store, engine)
    await end(running)

    assert model.failures == 1
    assert await rows(engine) == await folded(store)


class MeddledWith(ReadModel):
    """Once, another moves the checkpoint on just before this process does: by the batch that this one would write."""

    failures = 0

    async def commit(self, log_id: str, before: Checkpoint, position: int, folded: domain.Folded) -> Checkpoint:
        if before.position >= 50 and not self.failures:
            await super().commit(log_id, before, position, folded)
        try:
            return await super().commit(log_id, before, position, folded)
        except GuardFailed:
            self.failures += 1
            raise


async def test_the_newest_episodes_take_the_place_of_the_former(store: EventStore, engine: AsyncEngine) -> None:
    """Loaded again, whether that comes in a batch of its own or in that of the first; a season that is gone is gone."""
    async with projecting(store, engine):
        await load_series(store, "bleach")
        await caught_up(store, engine)
    await load_series(store, "naruto")
    for key in ("bleach", "naruto"):
        await load_one_episode(store, key)
    async with projecting(store, engine):
        await caught_up(store, engine)

    async with engine.connect() as connection:
        query = "SELECT key, season, title FROM episodes JOIN anime_series s ON s.id = series_id ORDER BY key"
        episodes = [tuple(row) for row in await connection.execute(text(query))]
        seasons = [row.number for row in await connection.execute(text("SELECT number FROM seasons"))]
    assert episodes == [("bleach", 1, "Anew"), ("naruto", 1, "Anew")]
    assert seasons == [1, 1]


async def load_one_episode(store: EventStore, key: str) -> None:
    """Load the episodes again; the catalogue has one by now."""
    state = await store.state_of(key)
    assert state is not None
    guard = life_of(key, state.added)
    asked = await store.append(PartRequested(key=key, part=Part.EPISODES, reason="refresh"), expect=guard)
    seasons = (Season(number=1, episodes=(Episode(number=1, title="Anew"),)),)
    loaded = EpisodesLoaded(key=key, cause=asked.position, attempt=1, seasons=seasons)
    await store.append(loaded, expect=guard)


async def test_a_database_outage_costs_time_only(store: EventStore, postgres: Postgres, database_url: str) -> None:
    """PostgreSQL is killed in the middle and comes back: the projector waits and catches up."""
    engine = connect_projector(database_url)  # as the process has it
    try:
        async with projecting(store, engine):
            await load_series(store, "bleach")
            await postgres.restart()
            await load_series(store, "naruto")
            await caught_up(store, engine)
        assert await rows(engine) == await folded(store)
    finally:
        await engine.dispose()


async def test_rows_that_predate_the_log_are_adopted(store: EventStore, engine: AsyncEngine) -> None:
    """Nothing is folded before; then they are series like the others, with the folder and the parts that they had."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO anime_series (key, name, site, folder, year, has_nfo, tvdb_id) "
                "VALUES ('bleach', 'Bleach', 'aniworld.to', 'Bleach', 2004, true, 74796), "
                "('naruto', 'Naruto', 'aniworld.to', 'Naruto (2002)', 2002, false, NULL)"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO episodes (series_id, season, number, title) "
                "SELECT id, 1, 1, 'The Day' FROM anime_series WHERE key = 'bleach'"
            )
        )
    async with projecting(store, engine):
        await asyncio.sleep(0.2)
        assert (await ReadModel(engine).checkpoint()).position == 0

    first, second = await adopt(engine, store), await adopt(engine, store)
    async with projecting(store, engine):
        await caught_up(store, engine)

    assert (first, second) == (2, 0)
    states = await rows(engine)
    assert {key: state.loading_status for key, state in states.items()} == {
        "bleach": "completed",
        "naruto": "completed",
    }
    assert (states["bleach"].folder, states["bleach"].nfo.good, states["bleach"].ids.tvdb) == (
        "Bleach",
        "loaded",
        74796,
    )
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT title FROM episodes"))).scalar_one() == "The Day"
