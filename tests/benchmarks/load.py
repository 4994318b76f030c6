"""Series through all parts, with an upstream that takes 100 ms a call, beside the ideal time; and adds meanwhile.

`COLDOPEN_BENCH_SERIES` says how many series (100). The ideal is the time of the busiest part's calls when every slot
always waits for one: 100 ms for each of those that it makes one after the other for a series, times series, over slots.
They are counted where they arrive, with one series alone: those that come together, as of optional pictures, are one.
"""

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

from deploy.standin.controls import Call, Kind
from tests.benchmarks.harness import Figure
from tests.benchmarks.requests import add_request, connected
from tests.support.feed import subscribed
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SERIES = int(os.environ.get("COLDOPEN_BENCH_SERIES", "100"))
SLOTS = (5, 20)  # of each part
DELAY = 0.1  # seconds
PACE = 20  # adds a second beside the load, of one part each
ALONE = 10  # seconds of such adds without it
ROUNDS = 3
_NUMBERS = itertools.count()
_API: tuple[Kind, ...] = ("search", "lookup", "show", "details", "page", "season_page")
_IMAGES = frozenset({"poster", "fanart", "banner", "landscape", "season_poster"})


async def run() -> list[Figure]:
    """For each number of slots the time in seconds, and the p99 of adds meanwhile in ms; then the calls of a series."""
    figures: list[Figure] = []
    calls: list[float] = []
    for slots in SLOTS:
        with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
            running = running_stack(Path(folder), same_pictures=True, COLDOPEN_MAX_CONCURRENT_LOADS=str(slots))
            async with running as stack:
                figures += await _figures(stack, slots, calls)
    name = "API calls of a series on TVmaze, pictures not counted"
    return [*figures, Figure(name, "calls", calls, "needed", [2], "≤ 2", smaller_is_better=True)]


async def _figures(stack: Stack, slots: int, calls: list[float]) -> list[Figure]:
    await _load(stack, 1)  # warms up
    stack.standin.delay = DELAY
    stack.standin.controls.forget_calls()
    await _load(stack, 1)
    in_a_row = _calls_in_a_row(stack.standin.controls.recent)
    await _load(stack, SERIES)  # warms up
    stack.standin.controls.forget_calls()
    values = [await _load(stack, SERIES) for _ in range(ROUNDS)]
    asked = sum(stack.standin.controls.count(kind) for kind in _API)
    calls.append(asked / ROUNDS / SERIES)
    alone = await _adds_beside(stack, asyncio.sleep(ALONE))
    beside = await _adds_beside(stack, _load(stack, SERIES))
    ideal = in_a_row * DELAY * SERIES / slots
    with_ = f"{SERIES:,} series, {DELAY * 1e3:.0f} ms a call, {slots} slots a part"
    return [
        Figure(with_, "s", values, f"ideal ({in_a_row} calls in a row)", [ideal], "≤ 1.25", smaller_is_better=True),
        Figure(f"p99 of an add beside {with_}", "ms", [beside], "such adds alone", [alone], "", smaller_is_better=True),
    ]


def _calls_in_a_row(calls: Iterable[Call]) -> int:
    """How many calls the busiest part made one after the other, for one series.

    What is no picture counts as identity's, which comes first: the others find its answers in the cache.
    """
    latest: dict[str, float] = {}
    found: dict[str, int] = {}
    for call in calls:
        part = "images" if call.kind in _IMAGES else "logo" if call.kind == "logo" else "identity"
        if call.at - latest.get(part, 0.0) >= DELAY:
            latest[part] = call.at
            found[part] = found.get(part, 0) + 1
    return max(found.values())


async def _load(stack: Stack, count: int) -> float:
    """Seconds until `count` new series are loaded."""
    names = [f"Loaded {next(_NUMBERS)}" for _ in range(count)]
    keys = {name.lower().replace(" ", "-") for name in names}
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        begun = time.perf_counter()
        await asyncio.gather(*(stack.add(name) for name in names))

        def done() -> bool:
            latest = feed.latest()
            return all(latest.get(key) == "completed" for key in keys)

        await eventually(done, within=120 + count, every=0.05)
        return time.perf_counter() - begun


async def _adds_beside(stack: Stack, work: Awaitable[Any]) -> float:
    """The 99th percentile, in ms, of adds that come at a steady pace while `work` lasts."""
    port = int(stack.url.rpartition(":")[2])
    times: list[float] = []
    working = asyncio.ensure_future(work)
    async with connected("127.0.0.1", port) as connection:
        begun = time.perf_counter()
        while not working.done():
            name = f"Beside {next(_NUMBERS)}"
            stack.standin.catalogue.add(name, 2013)
            request = add_request(f"127.0.0.1:{port}", stack.headers["X-Api-Key"], name, parts=("nfo",))
            times.append(await connection.send(request))
            await asyncio.sleep(max(0.0, begun + len(times) / PACE - time.perf_counter()))
    await working
    return 1e3 * statistics.quantiles(times, n=100)[98]
