"""A process dies between two steps that belong together: the next one finishes what it began, nothing is doubled."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from tests.support.faults import Crash, Faults, Plan
from tests.support.feed import following
from tests.support.invariants import check_nothing_lost
from tests.support.stack import running_stack

COUNT = 6
CRASHES = (
    Crash(service="nfo", seam="claimed", nth=2),
    Crash(service="images", seam="file_written", nth=3),
    Crash(service="episodes", seam="recorded", event="EpisodesLoaded", nth=2),
    Crash(service="projector", seam="committed", nth=3),
)


@pytest.mark.timeout(300)
async def test_every_seam_at_once() -> None:
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        folder = Path(name)
        faults = Faults(folder / "faults", Plan(crashes=CRASHES))
        async with running_stack(folder, **faults.environment) as stack:
            names = [f"Seam Series {number}" for number in range(COUNT)]
            keys = [one.lower().replace(" ", "-") for one in names]
            async with following(stack.url, stack.headers, snapshot="false") as feed:
                await asyncio.gather(*(stack.add(one) for one in names))
                statuses = await stack.settled(*keys, within=120)
                assert set(statuses.values()) == {"completed"}
                await check_nothing_lost(stack, keys, feed)
            assert [faults.count(f"crash-{number}") for number in range(len(CRASHES))] == [1] * len(CRASHES)
