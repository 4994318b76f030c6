"""A hundred series through all parts, with an upstream that takes 100 ms a call, beside the ideal time."""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harness import Figure
from tests.support.feed import subscribed
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SERIES = 100
SLOTS = 5
DELAY = 0.1
# Identity asks twice (search, details), images fetch twice (poster, fanart), the others at most once.
CALLS_OF_THE_BUSIEST_PART = 2
ROUNDS = 3


async def run() -> list[Figure]:
    """One figure, in seconds."""
    ideal = CALLS_OF_THE_BUSIEST_PART * DELAY * SERIES / SLOTS
    with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
        async with running_stack(Path(folder), same_pictures=True, COLDOPEN_MAX_CONCURRENT_LOADS=str(SLOTS)) as stack:
            stack.standin.delay = DELAY
            values = [await _load(stack, number) for number in range(ROUNDS + 1)][1:]
    name = f"{SERIES} series, {DELAY * 1e3:.0f} ms a call, {SLOTS} slots a part"
    return [Figure(name, "s", values, "ideal", [ideal], "≤ 1.25", smaller_is_better=True)]


async def _load(stack: Stack, number: int) -> float:
    names = [f"Round {number} Series {one}" for one in range(SERIES)]
    keys = {name.lower().replace(" ", "-") for name in names}
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        begun = time.perf_counter()
        await asyncio.gather(*(stack.add(name) for name in names))

        def done() -> bool:
            latest = feed.latest()
            return all(latest.get(key) == "completed" for key in keys)

        await eventually(done, within=120, every=0.05)
        return time.perf_counter() - begun
