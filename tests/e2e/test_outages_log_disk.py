"""The disk of the event log is full: adds are refused in words, nothing is half taken, and with room all goes on."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.support.filesystems import Disk, small_filesystem
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SIZE = 250_000_000  # nats-server promises the cache 128 MB, out of three quarters of what is free at its start
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def disk(folder: Path) -> Iterator[Disk]:
    """Where nats-server of the installation has its store."""
    with small_filesystem(folder / "data" / "nats", SIZE) as disk:
        yield disk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(folder: Path, disk: Disk) -> AsyncIterator[Stack]:
    async with running_stack(folder) as stack:
        yield stack


async def test_a_full_disk_puts_adds_off_until_there_is_room(stack: Stack, disk: Disk) -> None:
    """503 with a time to come again; `coldopen up` starts nats-server anew, and the same adds are taken."""
    await stack.add("Before")
    await stack.settled("before")
    taken: list[str] = ["before"]

    with disk.full():
        refused = await eventually(lambda: _refused(stack, taken), within=60)
        ready = await _ready(stack)
        before = await stack.status("before")
    name = f"Series {len(taken):03}"
    again = await eventually(lambda: _accepted(stack, name), within=90)

    assert refused.headers["retry-after"].isdigit()
    assert "no room on its disk" in refused.json()["detail"]
    assert ready.status_code == 503
    assert "no room on its disk" in ready.json()["checks"]["event_log"]["detail"]
    assert before["loading_status"] == "completed"
    assert again.json()["status"] == "success"
    taken.append(again.json()["key"])
    assert set((await stack.settled(*taken, within=120)).values()) == {"completed"}
    await eventually(lambda: _is_ready(stack), within=30)
    await eventually(lambda: _lists(stack, taken), within=30)


async def _lists(stack: Stack, keys: list[str]) -> bool:
    """Whether just these series are listed; the rows follow the log."""
    async with stack.client() as client:
        listed = (await client.get("/api/anime", params={"limit": 500})).json()
    assert {one["key"] for one in listed["items"]} == set(keys)
    return True


async def _refused(stack: Stack, taken: list[str]) -> httpx2.Response | None:
    """The answer to an add that is refused; what is taken before, since a file's last block has room, is noted."""
    answer = await stack.add(f"Series {len(taken):03}")
    if answer.status_code == 202:
        taken.append(answer.json()["key"])
        return None
    assert answer.status_code == 503, answer.text
    return answer


async def _accepted(stack: Stack, name: str) -> httpx2.Response | None:
    answer = await stack.add(name)
    if answer.status_code == 503:
        assert "retry-after" in answer.headers
        return None
    assert answer.status_code == 202, answer.text
    return answer


async def _ready(stack: Stack) -> httpx2.Response:
    async with stack.client() as client:
        return await client.get("/health/ready")


async def _is_ready(stack: Stack) -> bool:
    return (await _ready(stack)).status_code == 200
