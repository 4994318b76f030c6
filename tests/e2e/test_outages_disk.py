"""The library's disk is full, read-only, limited or gone: what fits is loaded, the rest says why and can be retried."""

import os
import resource
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.filesystems import Disk, can_mount, small_filesystem
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SIZE = 48_000_000
ROOM_FOR_AN_NFO = 64 * 1024
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def disk(folder: Path) -> Iterator[Disk | None]:
    """The small disk on which the library lies; None where nobody may mount one: then it lies on an ordinary one."""
    if not can_mount():
        yield None
        return
    with small_filesystem(folder / "library", SIZE) as disk:
        yield disk


@pytest.fixture
def small_disk(disk: Disk | None) -> Disk:
    if disk is None:
        pytest.skip("mounting a file system takes rights that this user does not have")
    return disk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(folder: Path, disk: Disk | None) -> AsyncIterator[Stack]:
    """One installation; its caretaker looks every half second whether there is something to delete."""
    async with running_stack(folder, COLDOPEN_CHECK_INTERVAL="0.5") as stack:
        yield stack


def folder_of(stack: Stack, name: str) -> Path:
    return stack.library / f"{name} (2013)"


def files_of(stack: Stack, name: str) -> dict[str, tuple[int, bytes]]:
    """Name, time of the last change and bytes of everything in the series' folder, hidden files too."""
    there = folder_of(stack, name)
    found = list(there.iterdir()) if there.exists() else []
    return {one.name: (one.stat().st_mtime_ns, one.read_bytes()) for one in found}


async def post(stack: Stack, path: str, body: dict[str, Any]) -> int:
    """The position of what the request recorded last."""
    async with stack.client() as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["position"])


async def retried(stack: Stack, key: str) -> str:
    """What becomes of the series when everything that failed is tried again."""
    before = (await stack.status(key))["position"]
    await post(stack, f"/api/anime/{key}/retry", {})
    return (await stack.settled(key, after=before))[key]


async def check_failed(stack: Stack, name: str, key: str, part: str, code: str, advice: str) -> None:
    """The part failed at its first attempt, and says where, why and what to do."""
    error = (await stack.status(key))["parts"][part]["error"]
    assert (error["kind"], error["code"]) == ("filesystem", code)
    assert str(folder_of(stack, name)) in error["message"]
    assert f"({code}); {advice}, then retry" in error["message"]
    mine = [one for one in await stack.history(key) if one["event"].get("part") == part]
    assert [one["type"] for one in mine] == ["part-started.v1", "part-failed.v1"]


async def check_mended(stack: Stack, name: str, key: str, kept: dict[str, tuple[int, bytes]]) -> None:
    """A retry completes the series; what was there is not written again, and what was loaded not loaded again."""
    loaded = {part for part, one in (await stack.status(key))["parts"].items() if one["status"] == "loaded"}

    assert await retried(stack, key) == "completed"

    await stack.check_files(key)
    after = files_of(stack, name)
    assert {file: after[file] for file in kept} == kept
    starts = [one["event"]["part"] for one in await stack.history(key) if one["type"] == "part-started.v1"]
    assert {part: starts.count(part) for part in loaded} == dict.fromkeys(loaded, 1)


async def test_a_full_disk_takes_what_fits(stack: Stack, small_disk: Disk) -> None:
    """Episodes and NFO are loaded; pictures fail at once and leave nothing half; with room a retry completes them."""
    await stack.add("Before")
    assert await stack.settled("before") == {"before": "completed"}
    before = files_of(stack, "Before")

    with small_disk.full(but=ROOM_FOR_AN_NFO):
        await stack.add("Crowded")
        assert await stack.settled("crowded") == {"crowded": "failed"}
        parts = (await stack.status("crowded"))["parts"]
        kept = files_of(stack, "Crowded")

        assert (parts["episodes"]["status"], parts["nfo"]["status"]) == ("loaded", "loaded")
        await check_failed(stack, "Crowded", "crowded", "images", "ENOSPC", "free some space")
        recorded = {one["path"].rpartition("/")[2] for part in parts.values() for one in part["files"]}
        assert set(kept) == recorded

    await check_mended(stack, "Crowded", "crowded", kept)
    assert files_of(stack, "Before") == before


async def test_a_file_that_can_not_be_replaced_stays_whole(stack: Stack, small_disk: Disk) -> None:
    """Whoever asked to overwrite it on a full disk has the old one, and is told."""
    await stack.add("Replaced")
    await stack.settled("replaced")
    poster = folder_of(stack, "Replaced") / "poster.jpg"
    poster.write_bytes((folder_of(stack, "Replaced") / "fanart.jpg").read_bytes())
    before = files_of(stack, "Replaced")

    with small_disk.full():
        asked = await post(stack, "/api/anime/replaced/refresh", {"parts": ["images"], "overwrite": True})
        await stack.settled("replaced", after=asked)
        images = (await stack.status("replaced"))["parts"]["images"]
        during = files_of(stack, "Replaced")

    assert (images["status"], images["error"]["code"]) == ("loaded", "ENOSPC")
    assert str(poster) in images["error"]["message"]
    assert during == before


async def test_a_read_only_disk_fails_what_writes(stack: Stack, small_disk: Disk) -> None:
    """Episodes only read it; the others are loaded when it is writable again."""
    with small_disk.read_only():
        await stack.add("Read Only")
        assert await stack.settled("read-only") == {"read-only": "failed"}

        assert (await stack.status("read-only"))["parts"]["episodes"]["status"] == "loaded"
        for part in ("nfo", "logo", "images"):
            await check_failed(stack, "Read Only", "read-only", part, "EROFS", "mount the disk writable")

    await check_mended(stack, "Read Only", "read-only", {})


async def test_a_library_that_is_closed_to_us_fails_what_writes(stack: Stack) -> None:
    """As on a read-only disk."""
    stack.library.chmod(0o555)
    try:
        if os.access(stack.library, os.W_OK):
            pytest.skip("root may write everywhere")
        await stack.add("Closed")
        assert await stack.settled("closed") == {"closed": "failed"}

        for part in ("nfo", "logo", "images"):
            advice = "let the user that runs Coldopen read and write there"
            await check_failed(stack, "Closed", "closed", part, "EACCES", advice)
    finally:
        stack.library.chmod(0o755)

    await check_mended(stack, "Closed", "closed", {})


@contextmanager
def limited_files(pid: int, size: int) -> Iterator[None]:
    """The process may write no file larger than `size` bytes, until the end of the block."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


async def test_a_file_cut_short_by_a_limit_is_none(stack: Stack) -> None:
    """A write that ends in the middle leaves nothing behind."""
    with limited_files(stack.pid_of("images"), 1000):
        await stack.add("Limited")
        assert await stack.settled("limited") == {"limited": "failed"}
        kept = files_of(stack, "Limited")

        assert set(kept) == {"tvshow.nfo"}
        for part in ("logo", "images"):
            await check_failed(stack, "Limited", "limited", part, "EFBIG", "allow larger files (ulimit -f)")

    await check_mended(stack, "Limited", "limited", kept)


async def test_a_disk_that_is_gone_is_waited_for(stack: Stack, small_disk: Disk) -> None:
    """Nothing is written into its mount point nor counted as deleted; what was removed is deleted when it is back."""
    for name in ("Removed", "Stays"):
        await stack.add(name)
    await stack.settled("removed", "stays")
    removed, before = folder_of(stack, "Removed"), files_of(stack, "Stays")
    log = stack.data_dir / "logs" / "caretaker.log"

    small_disk.unmount()
    try:
        await stack.add("Away")
        asked = await post(stack, "/api/anime/stays/refresh", {"parts": ["nfo", "logo", "images"], "overwrite": True})
        async with stack.client() as client:
            assert (await client.delete("/api/anime/removed", params={"delete_files": True})).status_code == 202
            ready = await client.get("/health/ready")
        await stack.settled("away")
        await stack.settled("stays", after=asked)
        await eventually(lambda: "files_not_deleted" in log.read_text(), within=30)
        parts = (await stack.status("stays"))["parts"] | {"away": (await stack.status("away"))["parts"]["identity"]}
        left_behind = list(stack.library.iterdir())
    finally:
        small_disk.mount()

    assert left_behind == []
    assert removed.exists()
    assert ready.status_code == 503
    assert "mount its disk" in ready.json()["checks"]["library"]["detail"]
    for part in ("nfo", "logo", "images", "away"):
        assert parts[part]["error"]["code"] == "library_absent", part
        assert "mount its disk, then retry" in parts[part]["error"]["message"]
    assert files_of(stack, "Stays") == before
    assert [await retried(stack, key) for key in ("away", "stays")] == ["completed", "completed"]
    await stack.check_files("away")
    await eventually(lambda: not removed.exists(), within=30)
