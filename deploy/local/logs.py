"""The output of a child: forwarded line by line and kept in a bounded file."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Forward = Callable[[str, str], None]  # (name of the service, one line without its end)
LINE_LIMIT = 64 * 1024  # bytes; a longer line is forwarded in pieces


class LogFile:
    """`path`, at most `limit` bytes long; what was in it before is in `path` with the suffix `.old.log`."""

    def __init__(self, path: Path, *, limit: int = 4 * 1024 * 1024) -> None:
        self._path = path
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a buffer: what a full disk refuses would be tried again with each line, and when it is closed.
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Append a line, and begin a new file when this one is full; what the disk refuses is lost."""
        with suppress(OSError):
            self._file.write(line)
            if self._file.tell() >= self._limit:
                self._begin_anew()

    def _begin_anew(self) -> None:
        with suppress(FileNotFoundError):  # put aside already, when there was no room for a new one
            self._path.replace(self._path.with_suffix(".old.log"))
        fresh = self._path.open("ab", buffering=0)
        self._file.close()
        self._file = fresh

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()
