"""Recorded events a second into the read model by the projector itself, in batches of 1 to 500.

Beside what can't be done without, reading and decoding the same events; and beside what any way of writing can be held
against, COPY: the rows that these events come to in the end, written all at once into empty tables with the same
indexes. Both are told in the same unit, events a second. Small batches get a shorter log: a commit for each event takes
long enough.
"""

import asyncio
import time
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.tasks import end
from services.projector.domain import Folded
from services.projector.projector import Projector
from services.projector.read_model import Checkpoint, ReadModel, connect_projector
from tests.benchmarks.event_log import fill, main, measured, read
from tests.benchmarks.harness import Figure, in_turns
from tests.benchmarks.servers import Servers, running_servers

EVENTS = {1: 1_100, 10: 5_500, 100: 11_000, 500: 22_000}  # by the size of a batch
ROUNDS = 3
_TABLES = ("anime_series", "seasons", "episodes")


async def run() -> list[Figure]:
    """For each size two figures, the rate beside each limit; and what the largest batches take of the processor."""
    async with running_servers(sync_interval="1s") as servers:
        engine = connect_engine(servers.database_url, command_timeout=60)
        figures: list[Figure] = []
        try:
            for size, count in EVENTS.items():
                figures += await _figures(servers, engine, size, await fill(servers.nats_url, count))
        finally:
            await engine.dispose()
        return figures


async def _figures(servers: Servers, engine: AsyncEngine, size: int, count: int) -> list[Figure]:
    costs: dict[str, list[float]] = {"project": [], "read": []}

    async def measure(work: str) -> float:
        module = "tests.benchmarks.project"
        found = await measured(module, work, servers.nats_url, servers.database_url, str(size))
        costs[work].append(found.cost)
        return found.rate

    # COPY right after the projector: it takes the rows that this one has left.
    values, copies, reads = await in_turns(
        ROUNDS, partial(measure, "project"), lambda: _copy(engine, count), partial(measure, "read")
    )
    name = f"events into the read model, {size} a batch"
    is_largest = size == max(EVENTS)
    figures = [
        Figure(name, "events/s", values, "read and decoded alone", reads, "≥ 0.50" if is_largest else ""),
        Figure(name, "events/s", values, "COPY of their rows alone", copies, ""),
    ]
    if is_largest:
        name = f"processor time of an event, {size} a batch"
        cost, limit = costs["project"][1:], costs["read"][1:]
        figures.append(Figure(name, "µs", cost, "read and decoded alone", limit, "", smaller_is_better=True))
    return figures


async def _project(store: EventStore, engine: AsyncEngine, arguments: list[str]) -> int:
    """Until the rows are where the log ends."""
    last = (await store.info()).last_position
    read_model = _Watched(engine, last)
    running = asyncio.ensure_future(Projector(store, read_model, max_batch=int(arguments[0])).run())
    await read_model.has_reached.wait()
    await end(running)
    return last


class _Watched(ReadModel):
    """Says when it has reached a position: asking the database again and again would take part in the measurement."""

    def __init__(self, engine: AsyncEngine, position: int) -> None:
        super().__init__(engine)
        self.has_reached = asyncio.Event()
        self._position = position

    async def commit(self, log_id: str, before: Checkpoint, position: int, folded: Folded) -> Checkpoint:
        after = await super().commit(log_id, before, position, folded)
        if after.position >= self._position:
            self.has_reached.set()
        return after


async def _copy(engine: AsyncEngine, count: int) -> float:
    """COPY the rows that `count` events have made into empty tables like theirs: events a second."""
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        rows = {table: [tuple(row) for row in await raw.fetch(f"SELECT * FROM {table}")] for table in _TABLES}
        for table in rows:
            await raw.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
        begun = time.perf_counter()
        async with raw.transaction():
            for table, records in rows.items():
                await raw.copy_records_to_table(f"copied_{table}", records=records)
        taken = time.perf_counter() - begun
        for table in rows:
            await raw.execute(f"DROP TABLE copied_{table}")
    return count / taken


if __name__ == "__main__":
    main({"project": _project, "read": read}, connect_projector)
