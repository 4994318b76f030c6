"""Saving the event log to a file, or checking a file that holds it."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from contracts.subjects import ALL_EVENTS, STREAM
from services.cli.backup_file import BackupWriter, Header, StoredMessage
from services.cli.errors import CliError
from services.platform.library_files import sync_folder
from services.platform.mux import Mux
from services.platform.streams import ForeignLog, LogInfo, log_info

STANDARD = Path("-")  # standard output or input
_DIRECT_GET = f"$JS.API.DIRECT.GET.{STREAM}"
_PAGE = 500  # messages
_PAGE_BYTES = 16 * 1024 * 1024
_PATIENCE = 10.0  # seconds for an answer, and for a replica to come to what the log holds


async def save_log(
    nc: Client, file: IO[bytes], on_begin: Callable[[int], None], on_event: Callable[[], None]
) -> Header:
    """Write the log up to its present end; the header of the backup. `on_begin` gets the number of events.

    What is recorded meanwhile is not in it. Raises CliError: no log is there, it can't be read, or is not whole.
    """
    try:
        info = await log_info(nc.jetstream())
        header = Header(
            log_id=info.log_id,
            last_position=info.last_position,
            made_at=datetime.now(UTC),
            coldopen=version("coldopen"),
        )
        on_begin(info.last_position)
        writer = BackupWriter(file, header)
        async for message in _messages(nc, info):
            writer.add(message)
            on_event()
        (await log_info(nc.jetstream())).check_continues(info.log_id, info.last_position)
        writer.finish()
    except NotFoundError as error:
        raise CliError("there is no event log yet", hint="it is made by the first: coldopen up") from error
    except ForeignLog as error:
        raise CliError(str(error)) from error
    except (NatsError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        raise CliError(f"the event log can't be read: {why}", hint="see: coldopen doctor") from error
    return header


async def _messages(nc: Client, log: LogInfo) -> AsyncIterator[StoredMessage]:
    """Every message of the log, from the first position to the last one of `log`, without a gap."""
    mux = Mux(nc)
    reached, asked_until = 0, asyncio.get_running_loop().time() + _PATIENCE
    while reached < log.last_position:
        before = reached
        async for message in _page(mux, reached):
            if message.position > log.last_position:
                break
            if message.position != reached + 1:
                raise CliError(f"the event log is not whole: {message.position} comes after {reached} in it")
            reached = message.position
            yield message
        if reached > before:
            asked_until = asyncio.get_running_loop().time() + _PATIENCE
        elif asyncio.get_running_loop().time() > asked_until:
            raise CliError(f"the event log ends at {reached}, and should go on to {log.last_position}")
        else:
            await asyncio.sleep(0.1)  # a replica that lags


async def _page(mux: Mux, after: int) -> AsyncIterator[StoredMessage]:
    asked = {"batch": _PAGE, "max_bytes": _PAGE_BYTES, "seq": after + 1, "next_by_subj": ALL_EVENTS}
    async for message in mux.stream(_DIRECT_GET, msgspec.json.encode(asked), timeout=_PATIENCE):
        head = message.headers or {}
        if (status := head.get("Status")) is not None:
            if status not in ("204", "404"):
                raise CliError(f"the event log can't be read: {status} {head.get('Description', '')}")
            return
        yield StoredMessage.of(
            int(head["Nats-Sequence"]),
            head["Nats-Subject"],
            datetime.fromisoformat(head["Nats-Time-Stamp"]),
            # Those of NATS are about one delivery or one publish, not about the event.
            {name: value for name, value in head.items() if not name.startswith("Nats-")},
            message.data,
        )


@contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file that is at `path`, for nobody else to read, when the block has ended well; before, and else, it is not.

    For `-` it is standard output. Raises CliError if something is at `path` (unless `force`), or it can't be written.
    """
    if path.is_dir() or (path.exists() and not force):
        hint = None if path.is_dir() else "take another name, or replace it with --force"
        raise CliError(f"{path} is there already", hint=hint)
    try:
        if path == STANDARD:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
        _sync(path.parent)
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        raise CliError(f"{path} can't be written: {error.strerror or error}") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)
