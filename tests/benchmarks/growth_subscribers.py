"""What the subscribers of one gateway cost it, and how late they hear of an event.

Events come at the pace of a busy moment, by way of the log and the rows. Each number of subscribers has a gateway of
its own, which was just started.
"""

from tests.benchmarks.growth_installation import Installation
from tests.benchmarks.lateness import AUDIENCE, PACE, SECONDS, paced
from tests.benchmarks.processes import memory_mib, running_module
from tests.benchmarks.shapes import Growth
from tests.benchmarks.subscribers import Close, Open, Subscribers, request
from tests.support.waiting import eventually

COUNTS = (10, 100, 1_000)
ROUNDS = 3
_UPDATE = "an update told to all", "µs"
_MEMORY = "memory of a gateway that has them", "MiB"
_MEDIAN = f"an event sent → received, at {PACE} a second, p50", "ms"
_LATEST = f"an event sent → received, at {PACE} a second, p99", "ms"


async def subscriber_rows(one: Installation) -> list[Growth]:
    """The gateway's processor time and memory; then milliseconds that pass."""
    rows = _UPDATE, _MEMORY, _MEDIAN, _LATEST
    async with running_module("tests.benchmarks.subscribers", one.servers.nats_url):
        subscribers = Subscribers(one.nc)
        await eventually(subscribers.is_ready, within=60, every=0.05)
        found = [await _measured(one, subscribers, count) for count in COUNTS]
    return [
        Growth("subscribers of a gateway", COUNTS, *row, tuple(values[row] for values in found), "linear")
        for row in rows
    ]


async def _measured(one: Installation, subscribers: Subscribers, count: int) -> dict[tuple[str, str], list[float]]:
    """The values of each row."""
    found: dict[tuple[str, str], list[float]] = {_UPDATE: [], _MEDIAN: [], _LATEST: []}

    async def hear() -> None:
        median, latest = await paced(one.store, subscribers)
        found[_MEDIAN].append(median)
        found[_LATEST].append(latest)

    async with one.running():
        await subscribers.ask(Open(AUDIENCE, one.gateway.port, request(one.gateway.port), count))
        memory = memory_mib(one.gateway.pid)
        for _ in range(ROUNDS + 1):
            found[_UPDATE].append(1e6 * await one.used(("gateway",), hear) / (PACE * SECONDS))
        await subscribers.ask(Close(AUDIENCE))
    warm = {row: values[1:] for row, values in found.items()}
    return {**warm, _MEMORY: [memory]}
