"""One seed of `just chaos`: fifty series are added while every process dies, and nothing is lost or doubled by it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.chaos.campaign import run
from tests.chaos.scenario import TARGETS, draw
from tests.chaos.striking import stop_all
from tests.support.faults import ROOT
from tests.support.waiting import eventually

SEED = 2
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
WAIT = "print(flush=True); input()"


@pytest.mark.timeout(420)
async def test_nothing_is_lost_in_chaos() -> None:
    """Everything settles; what the seed holds for the broker did happen, and some of what it holds for the catalogue.

    (How much of that depends on what is still to be asked for when it comes.)
    """
    summary = await run(SEED)

    assert all(summary.unruly[what] for what in ("twice", "refused", "deaf"))
    assert summary.calls.total() > 0


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_seed_kills_everything_and_repeats_itself(seed: int) -> None:
    """Each process dies in each scenario, and drawing it again gives the same one."""
    scenario = draw(seed)

    assert {strike.target for strike in scenario.strikes if strike.how == "kill"} == set(TARGETS)
    assert draw(seed) == scenario
    assert draw(seed + 1) != scenario


async def test_a_campaign_that_is_told_to_stop_leaves_nothing_behind(data_dir: Path) -> None:
    """SIGTERM ends it and all processes of its installation, in the middle of its start too."""
    campaign = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos", "1"),
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(data_dir)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    started = psutil.Process(campaign.pid)
    await eventually(lambda: len(started.children(recursive=True)) > 1, within=60)
    children = started.children(recursive=True)

    campaign.terminate()
    code = await asyncio.wait_for(campaign.wait(), 60)

    assert code != 0
    await eventually(lambda: not any(child.is_running() for child in children), within=20)


async def test_what_does_not_stop_is_killed() -> None:
    """The others have been told to stop as well, and were let."""
    deaf, hearing = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for code in (f"import signal; {DEAF}; {WAIT}", WAIT)
    ]
    for process in (deaf, hearing):
        assert process.stdout is not None
        await process.stdout.readline()

    killed = await stop_all([deaf, hearing], within=1)

    assert killed == [deaf.pid]
    assert (deaf.returncode, hearing.returncode) == (-signal.SIGKILL, -signal.SIGTERM)
