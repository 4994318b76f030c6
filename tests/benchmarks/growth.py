"""How cost grows with ten and a hundred times as many series, events and subscribers: the tables in ARCHITECTURE.md.

`COLDOPEN_BENCH_LARGEST` says about how many events the largest log holds (110,000, which are 10,000 series). What
counts is processor time: on a machine whose cores are shared it says more than a clock. The installations of each size
are measured in turns, so that what else the machine does meets them alike.
"""

import os
from contextlib import AsyncExitStack

from tests.benchmarks.event_log import EVENTS_OF_A_SERIES
from tests.benchmarks.growth_installation import installation
from tests.benchmarks.growth_log import log_rows
from tests.benchmarks.growth_operations import operation_rows
from tests.benchmarks.growth_subscribers import subscriber_rows
from tests.benchmarks.shapes import Growth

EVENTS = int(os.environ.get("COLDOPEN_BENCH_LARGEST", "110000"))
SERIES = tuple(EVENTS // EVENTS_OF_A_SERIES // share for share in (100, 10, 1))


async def run() -> list[Growth]:
    """What folding the log costs, what is asked of the processes, and what the subscribers of one gateway cost."""
    async with AsyncExitStack() as stack:
        sizes = [await stack.enter_async_context(installation(series)) for series in SERIES]
        folded = await log_rows(sizes)
        async with AsyncExitStack() as running:
            for one in sizes:
                await one.settle_rows()
                await running.enter_async_context(one.running())
            operations = await operation_rows(sizes)
        return [*operations, *folded, *await subscriber_rows(sizes[0])]
