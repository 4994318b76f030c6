"""A projector that begins with an empty database: the rows of the live run, whatever could not be taken in it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import (
    EpisodesLoaded,
    EventParked,
    EventUnparked,
    LoadError,
    NfoLoaded,
    Part,
    PartFailed,
    PartRequested,
    RecordedEvent,
)
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.projector.rebuild import rebuild
from tests.support.connection import forget_ids_at_once
from tests.support.histories import added, loaded_after
from tests.support.projecting import forget_rows, project, project_with_restarts, rows
from tests.support.waiting import eventually

TOO_LONG_AGO = 1900  # for the database, until it is changed
TOO_MANY = 5000  # likewise
UNREADABLE = b'{"type":"part-failed.v1"}'


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Of a database that takes fewer values than it will later."""
    engine = connect_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE anime_series ADD CONSTRAINT narrow CHECK (year > {TOO_LONG_AGO})"))
        await connection.execute(text(f"ALTER TABLE episodes ADD CONSTRAINT narrow CHECK (number < {TOO_MANY})"))
    yield engine
    await engine.dispose()


async def widen(engine: AsyncEngine) -> None:
    """What a migration may do: from now on, values are taken that were refused."""
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE anime_series DROP CONSTRAINT IF EXISTS narrow"))
        await connection.execute(text("ALTER TABLE episodes DROP CONSTRAINT IF EXISTS narrow"))


async def rebuild_rows(store: EventStore, engine: AsyncEngine) -> None:
    await rebuild(engine, store, lambda _, __: None)


async def load(store: EventStore, key: str, *, episodes: EpisodesLoaded | None = None) -> int:
    """A series that is loaded, perhaps with other episodes; the position of its add."""
    return await load_added(store, key, (await store.append(added(key))).position, episodes)


async def load_added(store: EventStore, key: str, position: int, episodes: EpisodesLoaded | None = None) -> int:
    for event in loaded_after(key, position):
        await store.append(episodes if episodes and isinstance(event, EpisodesLoaded) else event)
    return position


def too_many_episodes(key: str, added_at: int, number: int = TOO_MANY) -> EpisodesLoaded:
    loaded = next(event for event in loaded_after(key, added_at) if isinstance(event, EpisodesLoaded))
    *seasons, last = loaded.seasons
    return replace(loaded, seasons=(*seasons, replace(last, episodes=(replace(last.episodes[0], number=number),))))


async def position_of(store: EventStore, key: str, kind: type) -> int:
    found = [one for one in await store.events_of(key) if isinstance(one, RecordedEvent)]
    return next(one.position for one in found if isinstance(one.event, kind))


async def release(store: EventStore, key: str, position: int) -> None:
    await store.append(EventUnparked(key=key, parked_position=position))


async def parkings(store: EventStore) -> list[tuple[str, int]]:
    events = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return [(event.key, event.parked_position) for event in events if isinstance(event, EventParked)]


async def forget_ids(store: EventStore) -> None:
    """Wait until the log takes what it has for new: a repeat no longer goes unseen."""

    async def is_taken_again() -> bool:
        return not (await store.append(added("probe"), event_id="probe")).duplicate

    await is_taken_again()
    await eventually(is_taken_again, within=30)


@pytest.fixture
async def store(store: EventStore) -> EventStore:
    """A log that knows repeats for a moment only, as every log does when a database is lost later than at once."""
    await forget_ids_at_once(store)
    return store


async def live_run(store: EventStore, engine: AsyncEngine) -> None:
    """Every way in which an event is not taken, and what may be said about it later."""
    await load(store, "bleach")
    unreadable = (await store.js.publish("series.bleach.nfo.failed", UNREADABLE)).seq
    await store.js.publish("series.berserk.added", UNREADABLE)
    adds = {key: (await store.append(added(key, year=TOO_LONG_AGO))).position for key in ("naruto", "gintama")}
    await project(store, engine)
    for key, position in adds.items():
        await load_added(store, key, position)
    for key in ("monster", "haikyu"):
        first = (await store.info()).last_position + 1
        await load(store, key, episodes=too_many_episodes(key, first))
    await project(store, engine)

    # In vain: the one still can't be read, the other one is still refused.
    await release(store, "bleach", unreadable)
    await release(store, "monster", await position_of(store, "monster", EpisodesLoaded))
    await project(store, engine)
    await widen(engine)
    # And with success. What nobody releases stays where it is.
    await release(store, "haikyu", await position_of(store, "haikyu", EpisodesLoaded))
    await release(store, "gintama", adds["gintama"])
    await project(store, engine)


@pytest.mark.parametrize("replay", [project, project_with_restarts, rebuild_rows])
async def test_a_replay_gives_the_rows_of_the_live_run(store: EventStore, engine: AsyncEngine, replay: Any) -> None:
    """Also where the database takes by now what it refused then; and the log has not grown by it."""
    await live_run(store, engine)
    await forget_ids(store)
    await project(store, engine)
    live, end_of_log = await rows(engine), (await store.info()).last_position
    assert {row["key"] for row in live[0]} == {"bleach", "monster", "haikyu", "gintama", "probe"}
    assert len(await parkings(store)) == 8

    await forget_rows(engine)
    await replay(store, engine)

    assert await rows(engine) == live
    assert (await store.info()).last_position == end_of_log


async def test_a_release_lets_only_its_own_event_count(store: EventStore, engine: AsyncEngine) -> None:
    """Also where another one of the series was just refused, and the log says so behind the release only."""
    added_at = await load(store, "bleach", episodes=too_many_episodes("bleach", 1))
    episodes_at, nfo_at = [await position_of(store, "bleach", kind) for kind in (EpisodesLoaded, NfoLoaded)]
    await store.append(EventParked(key="bleach", parked_position=nfo_at, reason="not known yet"))
    await release(store, "bleach", nfo_at)
    await project(store, engine)
    live = await rows(engine)

    assert await parkings(store) == [("bleach", nfo_at), ("bleach", episodes_at)]
    assert [(row["id"], row["has_nfo"], row["episodes_loaded"]) for row in live[0]] == [(added_at, True, False)]
    await forget_rows(engine)
    await widen(engine)
    await project(store, engine)
    assert await rows(engine) == live


async def test_neighbours_do_not_decide_whether_an_event_is_taken(store: EventStore, engine: AsyncEngine) -> None:
    """In one batch with what replaces its numbers, or alone in its batch: the rows and the log are the same."""
    await widen(engine)
    bleach = (await store.append(added("bleach", year=2**40))).position
    await store.append(replace(loaded_after("bleach", bleach)[1], cause=bleach))
    naruto = (await store.info()).last_position + 1
    await load(store, "naruto", episodes=too_many_episodes("naruto", naruto, 2**40))
    again = PartRequested(key="naruto", part=Part.EPISODES, reason="refresh")
    cause = (await store.append(again)).position
    await store.append(replace(too_many_episodes("naruto", naruto), cause=cause))
    await project(store, engine)
    at_once, told = await rows(engine), await parkings(store)

    await forget_rows(engine)
    await project_with_restarts(store, engine)

    assert await rows(engine) == at_once
    assert [row["key"] for row in at_once[0]] == ["naruto"]
    assert max(row["number"] for row in at_once[1]) == TOO_MANY
    assert told == await parkings(store) == [("bleach", bleach), ("naruto", naruto + 7)]


async def test_a_character_that_no_column_takes_costs_nothing_else(store: EventStore, engine: AsyncEngine) -> None:
    """Upstreams send anything: the event counts, with the rest of its text."""
    await widen(engine)
    position = (await store.append(added("bleach", name="Ble\0ach"))).position
    error = LoadError(kind="invalid", code="odd", message="it said \0")
    await store.append(PartFailed(key="bleach", part=Part.IDENTITY, cause=position, attempt=1, error=error))
    await project(store, engine)

    [row] = (await rows(engine))[0]
    assert await parkings(store) == []
    assert (row["name"], row["loading_status"], row["loading_error"]) == ("Bleach", "failed", "identity: it said ")
