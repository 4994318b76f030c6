"""`coldopen backup`."""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts import words
from deploy.local.nats_server import running_url
from services.cli import connection, wording
from services.cli.backing_up import STANDARD, save_log, written_whole
from services.cli.backup_file import BackupReader, BadBackup, Header
from services.cli.errors import CliError
from services.cli.operating import as_operator, own_server
from services.cli.options import DEFAULT_DATA_DIR, DataDir, Json


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: the log up to `position`, in `bytes` of `file`; `seconds` is how long that took."""

    file: str
    log_id: str
    events: int
    position: int
    bytes: int | None
    made_at: str
    seconds: float


def backup(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True, help="where to save it; - is standard output")],
    /,
    *,
    force: Annotated[bool, Parameter(negative="", show_default=False, help="replace the file if it is there")] = False,
    check: Annotated[
        bool, Parameter(negative="", show_default=False, help="save nothing: read the file, and say if it is whole")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> None:
    """Save all that was ever recorded to a file, while Coldopen runs or not; `coldopen restore` reads it.

    Where `coldopen up` keeps its data, or with the operator's COLDOPEN_NATS_URL. Not the files of the library, nor the
    API key: only the events, of which everything else is made.
    """
    began = time.monotonic()
    if file == STANDARD and not check and sys.stdout.isatty():
        raise CliError(
            "a backup is no text for a terminal", hint="give a file, or pipe it: coldopen backup - | …", code=2
        )
    header = _check(file, json=json) if check else asyncio.run(_save(file, data_dir, force=force, json=json))
    saved = Saved(
        file=str(file),
        log_id=header.log_id,
        events=header.last_position,
        position=header.last_position,
        bytes=None if file == STANDARD else file.stat().st_size,
        made_at=header.made_at.isoformat(),
        seconds=round(time.monotonic() - began, 3),
    )
    said = msgspec.json.encode(saved).decode() if json else _sentence(saved, header, check=check)
    # Standard output may be the backup itself.
    print(said, file=sys.stderr if file == STANDARD and not check else sys.stdout)


def _sentence(saved: Saved, header: Header, *, check: bool) -> str:
    size = "" if saved.bytes is None else f" in {words.size(saved.bytes)}"
    events = words.count(saved.events, "event")
    if check:
        return f"{saved.file} is whole: {events}{size}, saved {wording.clock(header.made_at)}"
    return f"Saved {events}{size} to {saved.file} ({words.duration(saved.seconds)})"


async def _save(file: Path, data_dir: Path, *, force: bool, json: bool) -> Header:
    with written_whole(file, force=force) as target, progress("Saving", quiet=json) as bar:

        def save(url: str) -> Coroutine[Any, Any, Header]:
            return as_operator(url, lambda nc: save_log(nc, target, bar.begin, bar.step), what="read the event log")

        if not os.environ.get("COLDOPEN_NATS_URL"):
            if connection.running_in(data_dir):
                if url := running_url(data_dir):
                    return await save(url)
                raise CliError("Coldopen is just starting, or stopping", hint="try again in a moment")
            if not (data_dir / "nats" / "jetstream").exists():
                raise connection.not_running(data_dir)
        async with own_server(data_dir) as url:
            return await save(url)


def _check(file: Path, *, json: bool) -> Header:
    with reading(file) as source, progress("Reading", quiet=json) as bar:
        bar.begin(source.header.last_position)
        for _ in source.messages():
            bar.step()
        return source.header


@contextmanager
def reading(file: Path) -> Iterator[BackupReader]:
    """The backup in `file`. Raises CliError, also for what turns out in the block to be damaged."""
    name = "standard input" if file == STANDARD else str(file)
    try:
        opened = sys.stdin.buffer if file == STANDARD else file.open("rb")
    except OSError as error:
        raise CliError(f"{name} can't be read: {error.strerror}") from error
    with opened:
        try:
            yield BackupReader(opened)
        except BadBackup as error:
            raise CliError(f"{name} can't be read: {error}") from error


class Bar:
    """How far it has come."""

    def __init__(self, shown: Progress, what: str) -> None:
        self._shown = shown
        self._task = shown.add_task(what, total=None)

    def begin(self, total: int) -> None:
        """There are `total` events."""
        self._shown.update(self._task, total=total)

    def step(self) -> None:
        """One more is done."""
        self._shown.advance(self._task)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Bar]:
    """A bar on standard error for the length of the block, if that is a terminal."""
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        yield Bar(shown, what)
