"""The output of a child: forwarded line by line and kept in a bounded file."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

Forward = Callable[[str, str], None]  # (name of the service, one line without its end)
LINE_LIMIT = 64 * 1024  # bytes; a longer line is forwarded in pieces


class LogFile:
    """`path`, at most `limit` bytes long; what was in it before is in `path` with the suffix `.old.log`."""

    def __init__(self, path: Path, *, limit: int = 4 * 1024 * 1024) -> None:
        self._path = path
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append a line, and begin a new file when this one is full."""
        self._file.write(line)
        self._file.flush()
        if self._file.tell() >= self._limit:
            self._file.close()
            self._path.replace(self._path.with_suffix(".old.log"))
            self._file = self._path.open("ab")

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()
