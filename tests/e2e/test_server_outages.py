"""nats-server and PostgreSQL die, or fall silent, while series are added: what was answered 202 is kept and loads."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from contracts.events import SeriesAdded
from tests.support.clients import Promises, check_put_off
from tests.support.feed import following
from tests.support.invariants import check_nothing_lost, read_log
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

CLIENTS = 5
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """One installation for all of them."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), same_pictures=True) as stack:
            stack.standin.delay = 0.1
            yield stack


@pytest.mark.parametrize("servers", [("nats",), ("postgres",), ("nats", "postgres")], ids="-and-".join)
async def test_killed_again_and_again_while_series_are_added(stack: Stack, servers: tuple[str, ...]) -> None:
    """Whatever answer a client got, asking again ends in one series of its own, and all complete."""
    names = [f"{' And '.join(servers).title()} Killed {number:02}" for number in range(20)]
    promises = Promises(stack)
    async with following(stack.url, stack.headers, snapshot="false") as feed:
        async with asyncio.TaskGroup() as tasks:
            for first in range(CLIENTS):
                tasks.create_task(promises.add_all(names[first::CLIENTS]))
            for taken in (1, 8, 15):
                await eventually(partial(has_taken, promises, taken), within=60)
                await asyncio.gather(*(stack.kill(server) for server in servers))
        await check_kept(stack, promises)
        await check_nothing_lost(stack, promises.positions, feed)

    assert len(promises.positions) == len(names)
    assert servers != ("postgres",) or promises.put_off + promises.lost == 0  # nobody needs it for an add


async def test_a_silent_broker_is_told_in_time_and_comes_back_by_itself(stack: Stack) -> None:
    """Adds are put off, the probe says what is missing; afterwards the same adds are taken, each once."""
    promises = Promises(stack)
    with frozen(stack, "nats"):
        answers = await asyncio.gather(*(stack.add(f"Silent Broker {number}") for number in range(CLIENTS)))
        async with stack.client() as client:
            ready = await client.get("/health/ready")
            live = await client.get("/health/live")
    await asyncio.gather(*(promises.add(f"Silent Broker {number}") for number in range(CLIENTS)))

    for answer in answers:
        check_put_off(answer)
    assert (ready.status_code, live.status_code) == (503, 200)
    checks = ready.json()["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["event_log"]
    await check_kept(stack, promises)


async def test_a_silent_database_stops_no_add_and_no_status(stack: Stack) -> None:
    """Adds are taken, and each series tells its status from the log; lists are put off; then the rows catch up."""
    promises = Promises(stack)
    async with following(stack.url, stack.headers, snapshot="false") as feed:
        with frozen(stack, "postgres"):
            await asyncio.gather(*(promises.add(f"Silent Database {number}") for number in range(CLIENTS)))
            async with stack.client() as client:
                statuses = await asyncio.gather(*map(stack.status, promises.positions))
                ready = await client.get("/health/ready")
                listed = await client.get("/api/anime")
        await check_kept(stack, promises)
        await check_nothing_lost(stack, promises.positions, feed)

    assert promises.put_off + promises.lost == 0
    assert {status["key"] for status in statuses} == set(promises.positions)
    check_put_off(listed)
    assert ready.status_code == 503
    checks = ready.json()["checks"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["read_model"]


async def test_a_power_cut_loses_nothing_that_was_taken(stack: Stack) -> None:
    """kill -9 of everything at once in the middle of adding and loading; `up` again finishes it.

    What a disk keeps of an acknowledged write is not seen here: `sync_interval: always` sees to that.
    """
    promises = Promises(stack)
    names = [f"Power Cut {number}" for number in range(12)]
    adding = asyncio.gather(*(promises.add_all(names[first::CLIENTS], within=150) for first in range(CLIENTS)))
    await eventually(lambda: len(promises.positions) >= CLIENTS, within=60)

    up = psutil.Process(stack.run_file()["pid"])
    everything = [up, *up.children(recursive=True)]
    for process in everything:
        with suppress(psutil.NoSuchProcess):  # `up` has taken it along
            process.kill()
    psutil.wait_procs(everything, timeout=60)
    await stack.start()
    await adding

    await check_kept(stack, promises)
    await check_nothing_lost(stack, promises.positions)


def has_taken(promises: Promises, count: int) -> bool:
    """Whether so many adds were taken."""
    return len(promises.positions) >= count


async def check_kept(stack: Stack, promises: Promises) -> None:
    """Every series that was taken is complete, under the id that was told; and all is ready again by itself."""
    await eventually(stack.is_ready, within=60, every=0.1)
    assert set((await stack.settled(*promises.positions, within=150)).values()) == {"completed"}
    added = {one.event.key: one.position for one in await read_log(stack) if isinstance(one.event, SeriesAdded)}
    assert {key: added[key] for key in promises.positions} == promises.positions


@contextmanager
def frozen(stack: Stack, server: str) -> Iterator[None]:
    """A server that keeps its connections but answers nothing, until the end of the block."""
    parent = psutil.Process(stack.pid_of(server))
    processes = [parent, *parent.children(recursive=True)]
    try:
        for process in processes:
            process.suspend()
        yield
    finally:
        for process in reversed(processes):
            if process.is_running():
                process.resume()
