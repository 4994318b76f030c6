"""What is stopped in an orderly way hands back what it holds: nothing is lost or repeated, no attempt is used up."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from contracts.events import PartReleased, PartRetrying, PartStarted, RecordedEvent, SeriesAdded
from deploy.standin import Rule
from tests.support.clients import Promises
from tests.support.feed import following
from tests.support.invariants import check_nothing_lost, read_log
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SERVICES = ("images", "gateway", "nfo", "episodes", "projector", "caretaker")
# What tells each server to end at once and in order; PostgreSQL would wait for its clients at a SIGTERM.
SERVERS = {"nats": signal.SIGTERM, "postgres": signal.SIGINT}
ROUND = (*SERVICES, *SERVERS)
BATCH = 3
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """An installation that gives running loads little time, with a catalogue that takes its own."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), same_pictures=True, COLDOPEN_GRACE="1") as stack:
            stack.standin.delay = 0.2
            yield stack


async def test_a_rolling_restart_costs_nothing(stack: Stack) -> None:
    """Twice each process in turn, while series are added and load: as if nothing had been."""
    names = iter([f"Rolling Series {number:02}" for number in range(100)])
    promises = Promises(stack)
    # One picture takes longer than its process is given: that load is handed back.
    late = "Rolling Series 00"
    stack.standin.misbehave(Rule(behaviour="slow", kind="poster", title=late, seconds=20, times=1))
    async with following(stack.url, stack.headers, snapshot="false") as feed:
        await promises.add(next(names))
        await eventually(lambda: stack.standin.controls.count("poster", late), within=60)
        for process in ROUND * 2:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(restart(stack, process))
                for _ in range(BATCH):
                    tasks.create_task(promises.add(next(names)))
        await eventually(stack.is_ready, within=60, every=0.1)
        keys = list(promises.positions)
        assert set((await stack.settled(*keys, within=150)).values()) == {"completed"}
        await check_nothing_lost(stack, keys, feed)

    log = [one for one in await read_log(stack) if one.event.key in promises.positions]
    assert len(keys) == 1 + 2 * len(ROUND) * BATCH
    assert {one.event.key: one.position for one in log if isinstance(one.event, SeriesAdded)} == promises.positions
    check_no_attempt_was_used_up(log)
    released = [one.event for one in log if isinstance(one.event, PartReleased)]
    assert "rolling-series-00" in {event.key for event in released}
    assert stack.standin.controls.count("poster") <= len(keys) + len(released)
    check_logs(stack)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
async def test_a_stop_in_the_middle_is_finished_after_the_start(stack: Stack, number: signal.Signals) -> None:
    """The whole of it, stopped while it loads, leaves nothing behind; `up` again finishes what was pending."""
    promises = Promises(stack)
    await asyncio.gather(*(promises.add(f"Stopped By {number.name} {one}") for one in range(8)))

    left = await stack.stop(number)
    run = stack.run_file()
    await stack.start()

    assert (left, run) == ([], {})
    await check_complete(stack, promises)
    check_no_attempt_was_used_up(await read_log(stack))
    check_logs(stack)


async def test_a_killed_up_takes_all_along_and_the_next_goes_on(stack: Stack) -> None:
    """kill -9 of `up` alone: what it started stops in order, leaving nothing behind; the next one finishes the work.

    The broker stops at the same time, so what was running can't be handed back and counts as a death.
    """
    promises = Promises(stack)
    await asyncio.gather(*(promises.add(f"Without Supervisor {one}") for one in range(8)))
    up = psutil.Process(stack.run_file()["pid"])
    processes = [up, *up.children(recursive=True)]

    up.kill()
    await eventually(lambda: not any(map(runs, processes)), within=60)
    await stack.start()

    assert len(processes) >= 1 + len(ROUND)
    await check_complete(stack, promises)


async def check_complete(stack: Stack, promises: Promises) -> None:
    """Every series that was taken is complete, under the id that was told."""
    assert set((await stack.settled(*promises.positions, within=150)).values()) == {"completed"}
    await check_nothing_lost(stack, promises.positions)
    added = {one.event.key: one.position for one in await read_log(stack) if isinstance(one.event, SeriesAdded)}
    assert {key: added[key] for key in promises.positions} == promises.positions


def check_no_attempt_was_used_up(log: list[RecordedEvent]) -> None:
    """Nothing failed, nobody died: each load began as the first attempt, however often it was handed back."""
    assert [one.event for one in log if isinstance(one.event, PartRetrying)] == []
    starts = [one.event for one in log if isinstance(one.event, PartStarted)]
    assert [event for event in starts if event.deaths or event.attempt > 1] == []


def check_logs(stack: Stack) -> None:
    """Every process that was told to stop did, in time and with exit code 0; nothing was logged as a mistake."""
    for service in SERVICES:
        for line in (stack.data_dir / "logs" / f"{service}.log").read_text().splitlines():
            if line.startswith("supervisor: "):
                assert "ended (exit code 0)" in line, line
            else:
                assert json.loads(line)["level"] in ("info", "warning"), line
                assert "Traceback" not in line, line


async def restart(stack: Stack, process: str) -> None:
    """Stop a process in order; returns when a new one is there that can itself be stopped in order."""
    pid = stack.pid_of(process)
    os.kill(pid, SERVERS.get(process, signal.SIGTERM))
    await eventually(lambda: stack.pid_of(process) not in (0, pid), within=60)
    await eventually(lambda: process in SERVERS or hears(stack.pid_of(process), signal.SIGTERM), within=60)


def hears(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal: before, as any Python that starts, it would just die of it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def runs(process: psutil.Process) -> bool:
    """Whether it is there and no zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
