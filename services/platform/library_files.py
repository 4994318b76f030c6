"""Files that are never half there: temp file, fsync, rename, fsync of the folder. Blocking; POSIX.

All functions take the folder's file descriptor and raise OSError.
"""

import errno
import hashlib
import itertools
import os
import re
import secrets
import socket
import stat
import time
from contextlib import suppress
from pathlib import PurePath

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_TEMP = re.compile(r"^\.coldopen-(?P<host>[0-9a-f]{8})-(?P<pid>\d{1,10})-[0-9a-f]{16}\.tmp$")
_STALE = 3600.0  # seconds after which no writer is still at it
_CHUNK = 1024 * 1024


def write_whole(folder_fd: int, name: str, data: bytes) -> None:
    """Put `data` at `name` so that a reader sees the old file or the new one, and a power cut leaves one of them."""
    remove_leftovers(folder_fd)
    temp = _temporary_name()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    # 0666 less the umask, not the 0600 of tempfile: the media server is another user.
    fd = os.open(temp, flags, 0o666, dir_fd=folder_fd)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.rename(temp, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what to tell
            os.unlink(temp, dir_fd=folder_fd)
        raise
    sync_folder(folder_fd)


def _temporary_name() -> str:
    return f".coldopen-{_HOST}-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def sync_folder(folder_fd: int) -> None:
    """Make names durable, where the file system can."""
    try:
        os.fsync(folder_fd)
    except OSError as error:
        # Network shares often can't sync a folder; that is no reason to refuse to write there.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def names_in(folder_fd: int) -> list[str]:
    """Everything in the folder."""
    return os.listdir(folder_fd)


def remove_leftovers(folder_fd: int) -> bool:
    """Remove temp files of writers that were killed, never one that may still be written; whether there were any."""
    found_any = False
    for name in names_in(folder_fd):
        found = _TEMP.match(name)
        if found is None:
            continue
        try:
            age = time.time() - os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mtime
            # Another host's processes can't be seen from here: only age tells.
            if age > _STALE or (found["host"] == _HOST and _is_dead(int(found["pid"]))):
                os.unlink(name, dir_fd=folder_fd)
                found_any = True
        except FileNotFoundError:
            pass  # another writer was quicker
    return found_any


def _is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False  # alive, and another user's
    return False


def digest(fd: int) -> tuple[str, int]:
    """The hex sha256 and the size in bytes of an open file."""
    total, size = hashlib.sha256(), 0
    while chunk := os.read(fd, _CHUNK):
        total.update(chunk)
        size += len(chunk)
    return total.hexdigest(), size


def read_upto(fd: int, limit: int) -> bytes:
    """The first `limit` bytes of an open file, all of it if it is shorter."""
    data = bytearray()
    while len(data) < limit and (chunk := os.read(fd, min(_CHUNK, limit - len(data)))):
        data += chunk
    return bytes(data)


def keep_copy(folder_fd: int, fd: int, name: str) -> str:
    """Copy an open file to the first free of `name`, `name.1`, …, never over anything; which of them it is.

    A copy that has these very bytes already serves.
    """
    sha256, _ = digest(fd)
    numbered = (f"{name}.{number}" for number in itertools.count(1))
    for copy in itertools.chain([name], numbered):
        if _has_bytes(folder_fd, copy, sha256):
            return copy
        with suppress(FileExistsError):
            _copy(folder_fd, fd, copy)
            return copy
    raise AssertionError("numbers don't end")


def _copy(folder_fd: int, fd: int, name: str) -> None:
    """Copy an open file to `name`, which must not exist. One that a power cut cut short is never taken for a copy."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    copy_fd = os.open(name, flags, 0o666, dir_fd=folder_fd)
    try:
        with os.fdopen(copy_fd, "wb") as file:
            os.lseek(fd, 0, os.SEEK_SET)
            while chunk := os.read(fd, _CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(copy_fd)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what to tell
            os.unlink(name, dir_fd=folder_fd)
        raise
    sync_folder(folder_fd)


def _has_bytes(folder_fd: int, name: str, sha256: str) -> bool:
    """Whether `name` is a regular file with these bytes."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder_fd)
    except OSError:
        return False  # absent, a symlink, or closed to us: no copy to rely on
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode) and digest(fd)[0] == sha256
    finally:
        os.close(fd)


def unlink_if(folder_fd: int, name: str, sha256: str) -> bool:
    """Remove the file if these are its bytes; a symlink, a folder or somebody's edit stays."""
    if not _is_still(folder_fd, name, sha256):
        return False
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder_fd)
    sync_folder(folder_fd)
    return True


def set_aside(folder_fd: int, name: str, sha256: str) -> str | None:
    """Give the file a temporary name if these are its bytes; that name, None if it stays.

    A temporary name that a process leaves behind is removed with the next write, as those of unfinished writes are.
    """
    if not _is_still(folder_fd, name, sha256):
        return None
    aside = _temporary_name()
    try:
        os.rename(name, aside, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        os.utime(aside, dir_fd=folder_fd, follow_symlinks=False)  # its age now tells how long it has had this name
    except FileNotFoundError:
        return None
    return aside


def put_back(folder_fd: int, aside: str, name: str) -> None:
    """Give what was set aside its name again, unless another file has taken it: then it goes."""
    if name in names_in(folder_fd):
        os.unlink(aside, dir_fd=folder_fd)
    else:
        os.rename(aside, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    sync_folder(folder_fd)


def _is_still(folder_fd: int, name: str, sha256: str) -> bool:
    """Whether `name` is a regular file with these bytes, and not replaced while it was read."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder_fd)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:
            return False
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode) or digest(fd)[0] != sha256:
            return False
        read = os.fstat(fd)
        now = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)
    return (read.st_dev, read.st_ino) == (now.st_dev, now.st_ino)


def list_videos(folder_fd: int, extensions: frozenset[str], depth: int) -> list[str]:
    """Relative paths of the videos at most `depth` levels deep, sorted; hidden and empty ones don't count."""
    found: list[str] = []
    with os.scandir(folder_fd) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth > 1:
                    found += [f"{entry.name}/{one}" for one in _videos_below(folder_fd, entry.name, extensions, depth)]
            elif PurePath(entry.name).suffix.lower() in extensions and _has_content(entry):
                found.append(entry.name)
    return sorted(found)


def _has_content(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file that is more than its name: a download that has begun, or a mark in its place, is none."""
    try:
        return entry.is_file() and entry.stat().st_size > 0
    except OSError:
        return False  # gone meanwhile, or a symlink that leads nowhere


def _videos_below(folder_fd: int, name: str, extensions: frozenset[str], depth: int) -> list[str]:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
    except OSError:
        return []  # gone or closed to us: what can't be seen isn't there
    try:
        return list_videos(fd, extensions, depth - 1)
    finally:
        os.close(fd)
