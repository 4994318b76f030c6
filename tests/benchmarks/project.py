"""Recorded events a second into the read model, beside reading and decoding the same events alone."""

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import RecordedEvent
from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.benchmarks.harness import Figure, interleaved
from tests.benchmarks.servers import Servers, running_servers
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

SERIES = 1_000
ROUNDS = 3


async def run() -> list[Figure]:
    """One figure: projection at full speed, durable on both sides."""
    async with running_servers(sync_interval="1s") as servers:
        return [await _figure(servers)]


async def _figure(servers: Servers) -> Figure:
    nc = await connect("bench", servers.nats_url)
    store = EventStore(nc)
    count = await _fill(store)
    engine = connect_engine(servers.database_url)

    async def project() -> float:
        async with engine.begin() as connection:
            await connection.execute(text("TRUNCATE anime_series CASCADE"))
            await connection.execute(text("UPDATE checkpoint SET position = 0"))
        begun = time.perf_counter()
        running = asyncio.ensure_future(Projector(store, ReadModel(engine)).run())
        await eventually(lambda: _reached(engine, count), within=600)
        taken = time.perf_counter() - begun
        await end(running)
        return count / taken

    async def read_only() -> float:
        done = asyncio.Event()

        async def deliver(one: RecordedEvent | Unreadable) -> None:
            if one.position == count:
                done.set()

        begun = time.perf_counter()
        following = await store.follow(0, deliver)
        await done.wait()
        taken = time.perf_counter() - begun
        await following.stop()
        return count / taken

    try:
        values, limits = await interleaved(ROUNDS, project, read_only)
    finally:
        await engine.dispose()
        await nc.close()
    return Figure("events into the read model", "events/s", values, "read and decoded alone", limits, "≥ 0.50")


async def _reached(engine: AsyncEngine, position: int) -> bool:
    return (await ReadModel(engine).checkpoint()).position >= position


async def _fill(store: EventStore) -> int:
    """A thousand series, loaded whole; the number of events."""
    count = 0
    for number in range(SERIES):
        key = f"series-{number}"
        position = (await store.append(added(key))).position
        # Pipelined: the order in the log is that of sending.
        await asyncio.gather(*(store.append(event) for event in loaded_after(key, position)))
        count = position + len(loaded_after(key, position))
    return count
