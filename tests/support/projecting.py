"""A projector on a log and a database, run as far as a test wants, and the rows that it leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.event_store import EventStore
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

# Without what the database adds by itself.
EPISODE = "series_id, season, number, title, air_date, runtime, absolute_number, on_disk"
ROWS = (
    "SELECT * FROM anime_series ORDER BY id",
    f"SELECT {EPISODE} FROM episodes ORDER BY series_id, season, number",
    "SELECT * FROM seasons ORDER BY series_id, number",
)


async def forget_rows(engine: AsyncEngine) -> None:
    """What is left of a database that was lost: the tables."""
    async with engine.begin() as connection:
        # The checkpoint first, as the projector does: the other way round each would wait for the other.
        await connection.execute(text("UPDATE checkpoint SET log_id = NULL, position = 0"))
        await connection.execute(text("TRUNCATE anime_series, episodes, seasons"))


async def rows(engine: AsyncEngine) -> list[list[dict[str, Any]]]:
    """All that the projector writes; the state as its bytes."""
    async with engine.connect() as connection:
        return [[dict(row._mapping) for row in await connection.execute(text(query))] for query in ROWS]


@asynccontextmanager
async def projecting(store: EventStore, engine: AsyncEngine, **options: int) -> AsyncIterator[None]:
    running = asyncio.ensure_future(Projector(store, ReadModel(engine), **options).run())
    try:
        yield
    finally:
        await end(running)
        if not running.cancelled():
            running.result()  # raises what ended it


async def has_reached(engine: AsyncEngine, position: int) -> bool:
    return (await ReadModel(engine).checkpoint()).position >= position


async def has_caught_up(store: EventStore, engine: AsyncEngine) -> bool:
    return await has_reached(engine, (await store.info()).last_position)


async def project(store: EventStore, engine: AsyncEngine) -> None:
    """Until nothing is left."""
    async with projecting(store, engine):
        await eventually(lambda: has_caught_up(store, engine), within=60)


async def project_with_restarts(store: EventStore, engine: AsyncEngine, batches: tuple[int, ...] = (1,)) -> None:
    """A projector that is stopped after every few events, and one that goes on from its checkpoint."""
    round_ = 0
    while not await has_caught_up(store, engine):
        size = batches[round_ % len(batches)]
        goal = (await ReadModel(engine).checkpoint()).position + size
        last = (await store.info()).last_position
        async with projecting(store, engine, max_batch=size):
            await eventually(partial(has_reached, engine, min(goal, last)), within=60)
        round_ += 1


def unwatched(_: int, __: int) -> None:
    """A report that nobody reads."""


async def load(store: EventStore, *keys: str) -> dict[str, int]:
    """Record series that are loaded; the positions of their adds."""
    found = {}
    for key in keys:
        position = found[key] = (await store.append(added(key))).position
        for event in loaded_after(key, position):
            await store.append(event)
    return found


async def execute(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def ids(engine: AsyncEngine) -> dict[str, int]:
    return {row["key"]: row["id"] for row in (await rows(engine))[0]}


async def waits_for_a_lock(engine: AsyncEngine) -> bool:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with engine.connect() as connection:
        return bool((await connection.execute(query)).scalar_one())
