"""Real disks that fill up, turn read-only and go away: a tmpfs of a few megabytes, mounted where a test wants it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

_BLOCK = 4096


class Disk:
    """A file system at `path`; what is on it outlives that it is unmounted there."""

    def __init__(self, path: Path, behind: Path) -> None:
        self.path = path
        self._behind = behind
        self._filler = behind / ".filler"

    def mount(self) -> None:
        """Show it at `path`."""
        _run("mount", "--bind", self._behind, self.path)

    def unmount(self) -> None:
        """Leave the bare mount point behind, as a disk does that is pulled out."""
        _run("umount", "--lazy", self.path)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """As after an error of the disk, until the end of the block."""
        _run("mount", "-o", "remount,bind,ro", self.path)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,bind,rw", self.path)

    @contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        """Somebody else's file takes all of it `but` so many bytes, until the end of the block."""
        try:
            with self._filler.open("wb", buffering=0) as file:
                while (left := self.free - but) > 0:
                    file.write(bytes(min(left, 256 * _BLOCK)))
            yield
        finally:
            self._filler.unlink()

    @property
    def free(self) -> int:
        """Bytes that may still be written, in whole blocks."""
        found = os.statvfs(self._behind)
        return found.f_bavail * found.f_frsize


@contextmanager
def small_filesystem(path: Path, size: int) -> Iterator[Disk]:
    """A disk of `size` bytes at `path`, unmounted at the end whatever happened. Skips where nobody may mount."""
    if not can_mount():
        pytest.skip("mounting a file system takes rights that this user does not have")
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coldopen-disk-") as folder, ExitStack() as cleaning:
        behind = Path(folder)
        _mount_tmpfs(behind, size)
        cleaning.callback(_run, "umount", "--lazy", behind)
        disk = Disk(path, behind)
        disk.mount()
        try:
            yield disk
        finally:
            if path.is_mount():
                disk.unmount()


@cache
def can_mount() -> bool:
    """Whether this process may mount a tmpfs here: root may, unless a container forbids it."""
    with tempfile.TemporaryDirectory(prefix="coldopen-disk-") as folder:
        try:
            _mount_tmpfs(Path(folder), _BLOCK)
        except (OSError, subprocess.CalledProcessError):
            return False
        _run("umount", folder)
        return True


def _mount_tmpfs(folder: Path, size: int) -> None:
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "coldopen-test", folder)


def _run(*command: str | Path) -> None:
    subprocess.run([str(one) for one in command], check=True, capture_output=True, timeout=30)
