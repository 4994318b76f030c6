"""Real disks under the library's code and under nats-server: pulled out between look and write, and full."""

import asyncio
from pathlib import Path

import pytest

from contracts.events import RecordedEvent
from deploy.local.keeper import keep_running
from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.broker import NO_BUFFER, connect
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, life_of
from services.platform.failures import LoadFailure
from services.platform.library import Library
from services.platform.library_files import names_in, write_whole
from services.platform.library_paths import open_folder, opened, opened_root
from services.platform.tasks import end
from tests.support.filesystems import small_filesystem
from tests.support.histories import added
from tests.support.waiting import eventually

FOLDER = "Bleach (2004)"
SMALL = 1_000_000
FOR_A_STORE = 250_000_000  # nats-server promises the cache 128 MB, out of three quarters of what is free at its start


async def test_a_disk_pulled_out_between_look_and_write_is_missed(tmp_path: Path) -> None:
    """What was seen on the disk is not written beside it, into the bare mount point."""
    with small_filesystem(tmp_path / "library", SMALL) as disk:
        library = Library(disk.path)
        library.make_marker()
        await library.write(FOLDER, "tvshow.nfo", b"old")
        assert await library.read(FOLDER, "tvshow.nfo", 10) == b"old"
        disk.unmount()

        with pytest.raises(LoadFailure) as caught:
            await library.write(FOLDER, "tvshow.nfo", b"new")

        assert caught.value.error.code == "library_absent"
        assert list(disk.path.iterdir()) == []
        disk.mount()
        assert await library.read(FOLDER, "tvshow.nfo", 10) == b"old"


def test_a_write_that_has_begun_stays_on_its_disk(tmp_path: Path) -> None:
    """From the look for the marker on everything is opened from the disk's own root, mounted or not."""
    with small_filesystem(tmp_path / "library", SMALL) as disk:
        Library(disk.path).make_marker()
        (disk.path / FOLDER).mkdir()

        with opened_root(disk.path) as root:
            disk.unmount()
            with opened(open_folder(disk.path, root, FOLDER)) as folder:
                write_whole(folder, "tvshow.nfo", b"new")
                names = names_in(folder)

        assert names == ["tvshow.nfo"]
        assert list(disk.path.iterdir()) == []


async def test_a_full_disk_leaves_no_folder_fuller(tmp_path: Path) -> None:
    """Neither the file nor its temporary one nor a copy that was to be kept."""
    with small_filesystem(tmp_path / "library", SMALL) as disk:
        library = Library(disk.path)
        library.make_marker()
        await library.write(FOLDER, "tvshow.nfo", b"x" * 10_000)

        with disk.full():
            with pytest.raises(LoadFailure, match=r"poster.jpg: No space left on device \(ENOSPC\); free some space"):
                await library.write(FOLDER, "poster.jpg", b"x" * 10_000)
            with pytest.raises(LoadFailure, match="ENOSPC"):
                await library.keep_copy(FOLDER, "tvshow.nfo")

        assert [one.name for one in (disk.path / FOLDER).iterdir()] == ["tvshow.nfo"]


async def test_a_log_on_a_full_disk_takes_nothing_until_there_is_room(tmp_path: Path) -> None:
    """It refuses in words and can be read; with room its keeper starts the server anew, and all that it took is there.

    nats-server itself would take nothing more, room or not, until somebody does that.
    """
    lines: list[str] = []
    with small_filesystem(tmp_path / "data", FOR_A_STORE) as disk:
        server = NatsServer(disk.path)
        await server.start()
        nc = await connect("test", server.url(), pending_size=NO_BUFFER)
        keeper = asyncio.ensure_future(
            keep_running("nats", server, lambda name, line: lines.append(line), is_stuck=server.wants_restart)
        )
        try:
            store = EventStore(nc, timeout=2.0)
            await streams.declare(store.js)
            taken = [f"taken-{number}" for number in range(5)]
            for key in taken:
                await store.append(added(key))
            before = server.pid

            with disk.full():
                with pytest.raises(LogUnavailable, match="no room on its disk"):
                    await add_on_and_on(store, taken)
                with pytest.raises(Conflict):
                    await store.append(added(taken[0]), expect=life_of(taken[0], 0))
                keys, refusal = await keys_of(store), store.refusal
                assert not await server.wants_restart()

            assert keys == taken
            assert refusal is not None  # what it knows of the past, it says all the same
            await eventually(lambda: "runs again" in lines, within=60)
            await eventually(lambda: appended(store, "again"), within=30)
            assert await keys_of(store) == [*taken, "again"]
            assert server.pid not in (None, before)
            assert not await server.wants_restart()
        finally:
            await end(keeper)
            await nc.close()
            await server.stop()


async def add_on_and_on(store: EventStore, taken: list[str]) -> None:
    """Add series and note which; the last block of a file has room for some, however full the disk is."""
    for number in range(1000):
        await store.append(added(key := f"late-{number}", name="A rather long name " * 9))
        taken.append(key)


async def keys_of(store: EventStore) -> list[str]:
    return [one.event.key async for one in store.read_all() if isinstance(one, RecordedEvent)]


async def appended(store: EventStore, key: str) -> bool:
    try:
        await store.append(added(key))
    except LogUnavailable:
        return False
    return True
