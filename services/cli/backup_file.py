"""The file of `coldopen backup`: gzip of lines of JSON. A header, a line for each event, and the sum of all before.

    {"format":"coldopen-backup","version":1,"log_id":"…","last_position":2,"made_at":"…","coldopen":"0.1.0"}
    {"position":1,"subject":"series.bleach.added","time":"…","headers":{…},"text":"…"}
    {"position":2,"subject":"series.bleach.identity.started","time":"…","headers":{…},"text":"…"}
    {"events":2,"sha256":"…"}

`time` is the broker's. A body that is not UTF-8 is in `base64` in place of `text`. Positions go from 1 to the last.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import IO

import msgspec

FORMAT = "coldopen-backup"
VERSION = 1
_LONGEST = 512 * 1024 * 1024  # bytes of a line: far more than an event may have, and no more than a machine does
_UNREADABLE = (EOFError, OSError, zlib.error, UnicodeDecodeError, msgspec.DecodeError)  # BadGzipFile is an OSError


class BadBackup(Exception):
    """The file is no backup, one of a newer Coldopen, or damaged."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Which log it is and how far it reaches, when it was saved (UTC) and by which Coldopen."""

    format: str = FORMAT
    version: int = VERSION
    log_id: str
    last_position: int
    made_at: datetime
    coldopen: str


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message of the log; just one of `text` and `base64` is there."""

    position: int
    subject: str
    time: datetime
    headers: dict[str, str]
    text: str | None = None
    base64: bytes | None = None

    @classmethod
    def of(cls, position: int, subject: str, time: datetime, headers: dict[str, str], body: bytes) -> "StoredMessage":
        """The message with these very bytes as its body."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return cls(position=position, subject=subject, time=time, headers=headers, base64=body)
        return cls(position=position, subject=subject, time=time, headers=headers, text=text)

    @property
    def body(self) -> bytes:
        """The body's bytes."""
        return self.text.encode() if self.text is not None else self.base64 or b""


class _Kind(msgspec.Struct):
    format: str
    version: int


class _Trailer(msgspec.Struct):
    events: int
    sha256: str


class BackupWriter:
    """Writes a backup to `file`, which is open for bytes: the header now, then `add` each message, then `finish`."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._file = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6)
        self._sum = hashlib.sha256()
        self._events = 0
        self._write(header)

    def add(self, message: StoredMessage) -> None:
        """The next message of the log."""
        self._write(message)
        self._events += 1

    def finish(self) -> None:
        """Write the last line. Without it, what is there is not taken for a backup."""
        self._write(_Trailer(self._events, self._sum.hexdigest()))
        self._file.close()

    def _write(self, line: msgspec.Struct) -> None:
        data = msgspec.json.encode(line) + b"\n"
        self._sum.update(data)
        self._file.write(data)


class BackupReader:
    """Reads a backup from `file`, which is open for bytes. Raises BadBackup, here and in `messages`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        self._sum = hashlib.sha256()
        self.header = self._read_header()

    def _read_header(self) -> Header:
        try:
            line = self._line()
            kind = msgspec.json.decode(line, type=_Kind)
        except _UNREADABLE as error:
            raise BadBackup("it is no backup of Coldopen's") from error
        if kind.format != FORMAT:
            raise BadBackup("it is no backup of Coldopen's")
        if kind.version != VERSION:
            raise BadBackup(
                f"it is of format {kind.version}, and this Coldopen reads format {VERSION}: install a newer one"
            )
        try:
            return msgspec.json.decode(line, type=Header)
        except msgspec.DecodeError as error:
            raise BadBackup(f"its first line is damaged: {error}") from error

    def messages(self) -> Iterator[StoredMessage]:
        """Every message, in order. Only when they have ended without an error is it sure that they are all true."""
        last = self.header.last_position
        try:
            for position in range(1, last + 1):
                message = msgspec.json.decode(self._line(), type=StoredMessage)
                if message.position != position:
                    raise BadBackup(f"it is damaged: position {message.position} stands where {position} should")
                yield message
            found = self._sum.hexdigest()
            if msgspec.json.decode(self._line(), type=_Trailer) != _Trailer(last, found):
                raise BadBackup("it is damaged: what it holds is not what was saved")
            if self._file.read(1):
                raise BadBackup("it is damaged: it goes on behind its end")
        except EOFError as error:
            raise BadBackup("it is cut short: the end is missing") from error
        except _UNREADABLE as error:
            raise BadBackup(f"it is damaged: {error}") from error

    def _line(self) -> bytes:
        line = self._file.readline(_LONGEST)
        if not line.endswith(b"\n"):
            raise EOFError
        self._sum.update(line)
        return line
