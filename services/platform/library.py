"""The library: the folder of series folders that the media server reads.

Nothing outside of it is ever read or written, and nothing at all while its disk is not mounted. The methods run in
threads and raise LoadFailure("filesystem", …) with the errno's name, or `library_absent`, or `outside_library`.
"""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from contracts.events import CatalogueIds, FileRecord
from services.platform import library_files as files
from services.platform.library_adoption import NO_IDS, existing_folder
from services.platform.library_paths import (
    MARKER,
    check_segment,
    disk_failures,
    open_file,
    open_folder,
    opened,
    opened_root,
    resolve_inside,
)

_EXTENSIONS = "3gp asf avi divx flv iso m2ts m4v mkv mov mp4 mpeg mpg mts ogm ogv strm ts vob webm wmv"
VIDEO_EXTENSIONS = frozenset(f".{one}" for one in _EXTENSIONS.split())
_LEVELS = 2  # the series' folder and its seasons

T = TypeVar("T")


class Changed(Exception):
    """Somebody has written the file since it was read: what was made of it is no longer what belongs there."""


class Replaced(NamedTuple):
    """A file that was written, and what was there before, if anything: its record, and its bytes up to a limit."""

    record: FileRecord
    before: FileRecord | None
    former: bytes | None


class Library:
    """Files of series folders, by the folder's name and the file's; no path goes in."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def make_marker(self) -> None:
        """Make the library and its marker file. Only start-up may, and only while nothing was ever loaded."""
        with disk_failures(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            (self._root / MARKER).touch()

    async def write(self, folder: str, name: str, data: bytes) -> FileRecord:
        """Write the whole file or nothing, whatever was there."""
        return await self._run(lambda: self._write(folder, name, data), folder, name)

    async def replace(self, folder: str, name: str, data: bytes, *, limit: int, over: str | None = None) -> Replaced:
        """`write`, and what was there before, of which `limit` bytes are read.

        With `over`, the sha256 of the file that `data` was made from ("" for none), Changed if another is there.
        """
        return await self._run(lambda: self._replace(folder, name, data, limit, over), folder, name)

    async def read(self, folder: str, name: str, limit: int) -> bytes | None:
        """At most `limit` bytes; None if there is no such file."""
        return await self._run(lambda: self._read(folder, name, limit), folder, name)

    async def record_existing(self, folder: str, name: str) -> FileRecord:
        """What is there now, as an *existing* file."""
        return await self._run(lambda: self._record(folder, name), folder, name)

    async def is_whole(self, record: FileRecord) -> bool:
        """Whether the recorded file is there and, as far as its size tells, neither empty nor cut short."""
        folder, _, name = record.path.rpartition("/")
        return await self._run(lambda: self._size(folder, name) >= max(1, record.bytes), folder, name)

    async def remove(self, folder: str, name: str, sha256: str) -> None:
        """Delete the file if it still has these bytes; else leave it."""
        await self._run(lambda: self._remove(folder, name, sha256), folder, name)

    async def set_aside(self, folder: str, name: str, sha256: str) -> str | None:
        """Give the file a temporary name if it still has these bytes; that name, None if it stays."""
        return await self._run(lambda: self._set_aside(folder, name, sha256), folder, name)

    async def put_back(self, folder: str, aside: str, name: str) -> None:
        """Give what was set aside its name again, unless another file has taken it."""
        await self._run(lambda: self._put_back(folder, aside, name), folder, name)

    async def drop(self, folder: str, aside: str) -> None:
        """Delete what was set aside."""
        await self._run(lambda: self._drop(folder, aside), folder, aside)

    async def keep_copy(self, folder: str, name: str) -> str:
        """Copy the file beside itself to the first free of `name.bak`, `name.bak.1`, …; the copy's name.

        A copy that has these very bytes already serves.
        """
        return await self._run(lambda: self._keep_copy(folder, name), folder, name)

    async def remove_empty_folder(self, folder: str) -> bool:
        """Delete the series' folder if nothing is in it; whether it is gone."""
        return await self._run(lambda: self._remove_empty_folder(folder), folder)

    async def remove_leftovers(self, folder: str) -> bool:
        """Delete what a process that died left there under temporary names; whether there was anything."""
        return await self._run(lambda: self._remove_leftovers(folder), folder)

    async def find_existing_folder(self, name: str, year: int | None, ids: CatalogueIds = NO_IDS) -> str | None:
        """The folder that is this series' already, as `existing_folder` chooses it."""
        return await self._run(lambda: self._find_existing_folder(name, year, ids))

    async def videos(self, folder: str) -> list[str]:
        """Paths of its videos relative to the folder, seasons' folders included, sorted; none without a folder."""
        return await self._run(lambda: self._videos(folder), folder)

    async def free_bytes(self) -> int:
        """How much may still be written."""
        return await self._run(lambda: shutil.disk_usage(self._root).free)

    def path_of(self, record_path: str) -> Path:
        """Where the file of a FileRecord really lies, to be served; it may be gone. Blocks for a few stats only."""
        with disk_failures(self._root / record_path):
            return resolve_inside(self._root, record_path)

    async def _run(self, work: Callable[[], T], *path: str) -> T:
        def blocking() -> T:
            with disk_failures(self._root.joinpath(*(part.lstrip("/") for part in path))):
                return work()

        return await asyncio.to_thread(blocking)

    @contextmanager
    def _folder(self, folder: str, *, create: bool = False) -> Iterator[int]:
        with opened_root(self._root) as root_fd:
            if create:
                self._make_folder(root_fd, folder)
            with opened(open_folder(self._root, root_fd, folder)) as fd:
                yield fd

    def _make_folder(self, root_fd: int, folder: str) -> None:
        try:
            os.mkdir(check_segment(self._root, folder), 0o777, dir_fd=root_fd)
        except FileExistsError:
            return
        files.sync_folder(root_fd)

    def _write(self, folder: str, name: str, data: bytes) -> FileRecord:
        check_segment(self._root, name)
        with self._folder(folder, create=True) as fd:
            files.write_whole(fd, name, data)
        sha256 = hashlib.sha256(data).hexdigest()
        return FileRecord(path=f"{folder}/{name}", sha256=sha256, bytes=len(data), state="written")

    def _replace(self, folder: str, name: str, data: bytes, limit: int, over: str | None) -> Replaced:
        # All in one thread: a thread's turn costs more than the work in it, and nothing slow comes in between.
        former = self._read(folder, name, limit)
        before = None if former is None else self._record(folder, name)
        if over is not None and over != (before.sha256 if before else ""):
            raise Changed(name)
        return Replaced(self._write(folder, name, data), before, former)

    def _read(self, folder: str, name: str, limit: int) -> bytes | None:
        with opened_root(self._root) as root_fd:
            try:
                file_fd = open_file(self._root, root_fd, folder, name)
            except FileNotFoundError:
                return None
            with opened(file_fd) as fd:
                return files.read_upto(fd, limit)

    def _record(self, folder: str, name: str) -> FileRecord:
        with opened_root(self._root) as root_fd, opened(open_file(self._root, root_fd, folder, name)) as fd:
            sha256, size = files.digest(fd)
        return FileRecord(path=f"{folder}/{name}", sha256=sha256, bytes=size, state="existing")

    def _size(self, folder: str, name: str) -> int:
        """In bytes; 0 if there is no such file."""
        with opened_root(self._root) as root_fd:
            try:
                file_fd = open_file(self._root, root_fd, folder, name)
            except FileNotFoundError:
                return 0
            with opened(file_fd) as fd:
                return os.fstat(fd).st_size

    def _remove(self, folder: str, name: str, sha256: str) -> None:
        check_segment(self._root, name)
        try:
            with self._folder(folder) as fd:
                files.unlink_if(fd, name, sha256)
        except FileNotFoundError:
            pass  # no folder, no file

    def _set_aside(self, folder: str, name: str, sha256: str) -> str | None:
        check_segment(self._root, name)
        try:
            with self._folder(folder) as fd:
                return files.set_aside(fd, name, sha256)
        except FileNotFoundError:
            return None  # no folder, no file

    def _put_back(self, folder: str, aside: str, name: str) -> None:
        with self._folder(folder) as fd:
            files.put_back(fd, aside, check_segment(self._root, name))

    def _drop(self, folder: str, aside: str) -> None:
        with self._folder(folder) as fd, suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=fd)

    def _keep_copy(self, folder: str, name: str) -> str:
        with (
            opened_root(self._root) as root_fd,
            opened(open_file(self._root, root_fd, folder, name)) as fd,
            self._folder(folder) as folder_fd,
        ):
            return files.keep_copy(folder_fd, fd, f"{name}.bak")

    def _remove_empty_folder(self, folder: str) -> bool:
        try:
            with self._folder(folder) as fd:
                files.remove_leftovers(fd)
            with opened_root(self._root) as root_fd:
                os.rmdir(folder, dir_fd=root_fd)
        except FileNotFoundError:
            return True
        except OSError as error:
            # Something is in it, or it is a symlink that a person made.
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                return False
            raise
        return True

    def _remove_leftovers(self, folder: str) -> bool:
        try:
            with self._folder(folder) as fd:
                return files.remove_leftovers(fd)
        except FileNotFoundError:
            return False

    def _exists_folder(self, folder: str) -> bool:
        try:
            with self._folder(folder):
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _find_existing_folder(self, name: str, year: int | None, ids: CatalogueIds) -> str | None:
        with opened_root(self._root) as fd, os.scandir(fd) as entries:
            return existing_folder((one.name for one in entries if _is_folder(one)), name, year, ids)

    def _videos(self, folder: str) -> list[str]:
        try:
            with self._folder(folder) as fd:
                return files.list_videos(fd, VIDEO_EXTENSIONS, _LEVELS)
        except FileNotFoundError:
            return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # such as a symlink that leads to itself: one bad entry must not keep every series out
