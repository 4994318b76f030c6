"""Events a second rebuilt, beside reading and decoding the same events alone.

`COLDOPEN_BENCH_EVENTS` says how many events the log holds: 100,000, in several rounds, then 1,000,000, in one,
or it would take ten minutes more. The tables are empty each time, as if they had been lost.
"""

import os

from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.event_store import EventStore
from services.projector.rebuild import rebuild
from tests.benchmarks.event_log import fill, main, measured, read
from tests.benchmarks.harness import Figure, interleaved
from tests.benchmarks.servers import running_servers

EVENTS = [int(count) for count in os.environ.get("COLDOPEN_BENCH_EVENTS", "100000,1000000").split(",")]
MANY = 500_000  # events, of which one round does
ROUNDS = 3


async def run() -> list[Figure]:
    """For each length the rate, and what it takes of the processor and of memory, beside what reading alone takes."""
    figures: list[Figure] = []
    async with running_servers(sync_interval="1s") as servers:
        for wanted in EVENTS:
            count = await fill(servers.nats_url, wanted)
            figures += await _figures(servers.nats_url, servers.database_url, count)
    return figures


async def _figures(nats_url: str, database_url: str, count: int) -> list[Figure]:
    memory: dict[str, list[float]] = {"rebuild": [], "read": []}
    cost: dict[str, list[float]] = {"rebuild": [], "read": []}

    async def measure(work: str) -> float:
        found = await measured("tests.benchmarks.rebuild", work, nats_url, database_url)
        memory[work].append(found.memory)
        cost[work].append(found.cost)
        return found.rate

    rounds = 1 if count >= MANY else ROUNDS
    values, limits = await interleaved(rounds, lambda: measure("rebuild"), lambda: measure("read"))
    for taken in (*memory.values(), *cost.values()):
        del taken[0]  # the first round warms up
    return [
        Figure(f"rebuild of {count:,} events", "events/s", values, "read and decoded alone", limits, "≥ 0.50"),
        Figure(
            "processor time of the rebuild", "µs/event", cost["rebuild"], "reading alone", cost["read"], "≤ 2", True
        ),
        Figure("memory of the rebuild", "MiB", memory["rebuild"], "reading alone", memory["read"], "", True),
    ]


async def _rebuild(store: EventStore, engine: AsyncEngine, _arguments: list[str]) -> int:
    return (await rebuild(engine, store, lambda _, __: None)).position


if __name__ == "__main__":
    main({"rebuild": _rebuild, "read": read})
