"""Recorded events a second into the read model by the projector itself, in batches of 1 to 500.

Beside what can't be done without, reading and decoding the same events; and beside what any way of writing can be held
against, COPY: the rows that these events come to in the end, written all at once into empty tables with the same
indexes. Both are told in the same unit, events a second. Small batches get the beginning of the log only: a commit for
each event takes long enough.
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
from services.projector.read_model import Checkpoint, ReadModel
from tests.benchmarks.event_log import fill, main, measured, read
from tests.benchmarks.harness import Figure, in_turns
from tests.benchmarks.servers import Servers, running_servers

EVENTS = 22_000
SIZES = {500: EVENTS, 100: 11_000, 10: 5_500, 1: 1_100}  # how many events go in batches of each size
ROUNDS = 3
_TABLES = ("anime_series", "seasons", "episodes")


async def run() -> list[Figure]:
    """For each size two figures, the rate beside each limit; and what the largest batches take of the processor."""
    async with running_servers(sync_interval="1s") as servers:
        engine = connect_engine(servers.database_url, command_timeout=60)
        try:
            return await _figures(servers, engine, await fill(servers.nats_url, EVENTS))
        finally:
            await engine.dispose()


async def _figures(servers: Servers, engine: AsyncEngine, count: int) -> list[Figure]:
    costs: dict[str, list[float]] = {}

    async def measure(name: str, work: str, *arguments: str) -> float:
        module = "tests.benchmarks.project"
        found = await measured(module, work, servers.nats_url, servers.database_url, *arguments)
        costs.setdefault(name, []).append(found.cost)
        return found.rate

    await measure("all", "project", str(max(SIZES)), str(count))
    rows = await _rows(engine)
    reads, copies, *projections = await in_turns(
        ROUNDS,
        partial(measure, "read", "read"),
        lambda: _copy(engine, rows, count),
        *(partial(measure, str(size), "project", str(size), str(events)) for size, events in SIZES.items()),
    )
    figures = []
    for size, values in zip(SIZES, projections, strict=True):
        name = f"events into the read model, {size} a batch"
        aim = "≥ 0.50" if size == max(SIZES) else ""
        figures += [
            Figure(name, "events/s", values, "read and decoded alone", reads, aim),
            Figure(name, "events/s", values, "COPY of their rows alone", copies, ""),
        ]
    cost, limit = costs[str(max(SIZES))][1:], costs["read"][1:]
    name = f"processor time of an event, {max(SIZES)} a batch"
    return [*figures, Figure(name, "µs", cost, "read and decoded alone", limit, "", smaller_is_better=True)]


async def _project(store: EventStore, engine: AsyncEngine, arguments: list[str]) -> int:
    """Until the rows are at a position."""
    max_batch, position = map(int, arguments)
    read_model = _Watched(engine, position)
    running = asyncio.ensure_future(Projector(store, read_model, max_batch=max_batch).run())
    await read_model.has_reached.wait()
    await end(running)
    return read_model.position


class _Watched(ReadModel):
    """Says when it has reached a position: asking the database again and again would take part in the measurement."""

    def __init__(self, engine: AsyncEngine, aim: int) -> None:
        super().__init__(engine)
        self.has_reached = asyncio.Event()
        self.position = 0
        self._aim = aim

    async def commit(self, log_id: str, before: Checkpoint, position: int, folded: Folded) -> Checkpoint:
        after = await super().commit(log_id, before, position, folded)
        if after.position >= self._aim and not self.has_reached.is_set():
            self.position = after.position
            self.has_reached.set()
        return after


async def _rows(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows there are, by table."""
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        return {table: [tuple(row) for row in await raw.fetch(f"SELECT * FROM {table}")] for table in _TABLES}


async def _copy(engine: AsyncEngine, rows: dict[str, list[tuple[Any, ...]]], count: int) -> float:
    """COPY these rows, which `count` events have made, into empty tables like theirs: events a second."""
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
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
    main({"project": _project, "read": read})
