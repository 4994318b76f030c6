"""Ways into the library that never lead out of it, and what its disk's errors become. Blocking; POSIX.

Everything is opened step by step from the root's file descriptor without following symlinks, so that none can be put
in the way between a check and the use. A symlink that stays inside the library is resolved first, then opened so too.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.platform.failures import LoadFailure

MARKER = ".coldopen"

_ADVICE = {
    "ENOSPC": "free some space",
    "EDQUOT": "free some space or raise the quota",
    "EFBIG": "allow larger files (ulimit -f)",
    "EACCES": "let the user that runs Coldopen read and write there",
    "EPERM": "let the user that runs Coldopen read and write there",
    "EROFS": "mount the disk writable",
    "EIO": "check the disk",
    "ESTALE": "mount its disk again",
    "ENOTCONN": "mount its disk again",
    "ENOENT": "it is gone: load it again",
    "EISDIR": "a folder or something else has the file's name: rename or remove it",
    "EEXIST": "something else has this name: rename or remove it",
    "ENOTDIR": "a file has the folder's name: rename or remove it",
    "ELOOP": "remove the symlink that is in the way",
}


@contextmanager
def disk_failures(path: Path) -> Iterator[None]:
    """Turn an OSError into LoadFailure("filesystem", <errno name>): what, where, and what to do about it."""
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or errno.EIO, "EIO")
        advice = _ADVICE.get(code, "look after the disk")
        raise LoadFailure(
            "filesystem", code, f"{path}: {error.strerror or error} ({code}); {advice}, then retry"
        ) from error


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """The library's file descriptor. Raises LoadFailure("filesystem", "library_absent") without folder or marker."""
    try:
        root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _absent(root, "does not exist") from error
    with opened(root_fd) as fd:
        try:
            os.stat(MARKER, dir_fd=fd)
        except FileNotFoundError as error:
            raise _absent(root, f"has no {MARKER} file") from error
        yield fd


@contextmanager
def opened(fd: int) -> Iterator[int]:
    """The descriptor, closed at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


def open_folder(root: Path, root_fd: int, folder: str) -> int:
    """A descriptor of the series' folder. Raises LoadFailure("outside_library") or OSError."""
    check_segment(root, folder)
    return _open_inside(root, root_fd, root_fd, folder, os.O_RDONLY | os.O_DIRECTORY)


def open_file(root: Path, root_fd: int, folder: str, name: str) -> int:
    """A descriptor of a regular file, to be read. Raises LoadFailure("outside_library") or OSError."""
    check_segment(root, name)
    with opened(open_folder(root, root_fd, folder)) as folder_fd:
        # O_NONBLOCK: a FIFO of that name must not keep us waiting; regular files don't mind.
        fd = _open_inside(root, root_fd, folder_fd, f"{folder}/{name}", os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EISDIR, "not a regular file")
    return fd


def resolve_inside(root: Path, relative: str) -> Path:
    """The real path of `relative`, which lies truly inside the library. Raises LoadFailure("outside_library")."""
    for part in relative.split("/"):
        check_segment(root, part)
    real_root, real = _real(root), _real(root / relative)
    if real == real_root or not real.is_relative_to(real_root):
        raise _outside(root, relative)
    return real


def _real(path: Path) -> Path:
    # Not Path.resolve(): up to Python 3.12 that raises RuntimeError where symlinks go round in circles.
    return Path(os.path.realpath(path))


def check_segment(root: Path, name: str) -> str:
    """`name`, if it is one path segment and no way up. Raises LoadFailure("outside_library")."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise _outside(root, name)
    return name


def _absent(root: Path, what: str) -> LoadFailure:
    # An unmounted disk is not a deleted library: writing into the bare mount point would fill the wrong disk.
    advice = f"mount its disk, then retry; if it is the right folder: touch '{root / MARKER}'"
    return LoadFailure("filesystem", "library_absent", f"the library {root} {what}: {advice}")


def _outside(root: Path, path: str) -> LoadFailure:
    return LoadFailure(
        "filesystem",
        "outside_library",
        f"{path!r} leads out of the library {root}: replace the symlink by a folder of its own, then retry",
    )


def _open_inside(root: Path, root_fd: int, parent_fd: int, relative: str, flags: int) -> int:
    """Open the last part of `relative`, which lies in `parent_fd`; where it is a symlink, what it leads to inside."""
    try:
        return _walk(parent_fd, (relative.rpartition("/")[2],), flags)
    except OSError as error:
        # A symlink: ELOOP, or ENOTDIR where a folder is wanted.
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
    real = resolve_inside(root, relative)
    return _walk(root_fd, real.relative_to(_real(root)).parts, flags)


def _walk(top_fd: int, parts: tuple[str, ...], flags: int) -> int:
    """Open `parts` one by one below `top_fd`, the last with `flags`; symlinks are errors."""
    current = os.dup(top_fd)
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        with opened(current):
            how = flags if is_last else os.O_RDONLY | os.O_DIRECTORY
            current = os.open(part, how | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
    return current
