"""Filling an empty event log from a backup: the same events at the same positions, and then the same log.

Until all of them are there, the stream is marked: no Coldopen takes it for a log (`streams.begin_restoring`). So one
that was cut short is begun anew.
"""

import asyncio
import json
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError
from sqlalchemy import text

from contracts import codec
from contracts.subjects import STREAM
from services.cli.backup_file import BackupReader, Header, StoredMessage
from services.cli.errors import CliError
from services.platform import streams
from services.platform.database import connect_engine
from services.platform.event_store import WRONG_SEQUENCE
from services.platform.mux import Mux
from services.platform.streams import RESTORING, ForeignLog, LogInfo

_IN_FLIGHT = 500  # messages
_IN_FLIGHT_BYTES = 16 * 1024 * 1024
_PATIENCE = 30.0  # seconds for an acknowledgement
_ELSEWHERE = "restore into an empty place: with another --data-dir, or on other servers"


async def check_rows(database_url: str, header: Header) -> None:
    """Raise CliError if the database holds rows that are not of this log, or of more of it than was saved."""
    engine = connect_engine(database_url)
    try:
        async with engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('checkpoint')"))).scalar_one() is None:
                return  # a database without tables
            row = (await connection.execute(text("SELECT log_id, position FROM checkpoint"))).one()
    finally:
        await engine.dispose()
    try:
        LogInfo(header.log_id, header.last_position).check_continues(row.log_id, row.position)
    except ForeignLog as error:
        what = f"the database tells of events up to {row.position} of the log {row.log_id}"
        saved = f"the backup holds {header.last_position} of {header.log_id}"
        raise CliError(f"{what}; {saved}", hint=_ELSEWHERE) from error


async def restore_log(nc: Client, backup: BackupReader, *, replicas: int, on_event: Callable[[], None]) -> LogInfo:
    """Make the log of the backup. If anything goes wrong, there is none afterwards.

    Raises CliError: something is there, or the server refuses; BadBackup: the file is damaged.
    """
    try:
        return await _restore(nc, backup, replicas, on_event)
    except (NatsError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        raise CliError(f"the event log can't be restored: {why}", hint="see: coldopen doctor") from error


async def _restore(nc: Client, backup: BackupReader, replicas: int, on_event: Callable[[], None]) -> LogInfo:
    js, log = nc.jetstream(), LogInfo(backup.header.log_id, backup.header.last_position)
    await _check_is_empty(js)
    await streams.begin_restoring(js, log.log_id, replicas=replicas)
    try:
        await _fill(nc, backup, on_event)
        # Together, since the server of a data directory did not wait for the disk with each. Only then it counts.
        await asyncio.to_thread(os.sync)
        return await streams.end_restoring(js, log, replicas=replicas)
    except BaseException:
        with suppress(NatsError, TimeoutError, OSError):  # its mark tells, then
            await js.delete_stream(STREAM)
        raise


async def _check_is_empty(js: JetStreamContext) -> None:
    try:
        found = await js.stream_info(STREAM)
    except NotFoundError:
        return
    if RESTORING in (found.config.metadata or {}):
        return  # what a restore that was cut short has left
    if count := found.state.last_seq:
        raise CliError(f"there is an event log with {count} events already", hint=_ELSEWHERE)
    if any(one.num_waiting or one.push_bound for one in await js.consumers_info(STREAM)):
        raise CliError("Coldopen's services are at work on the event log there", hint="stop them first")


async def _fill(nc: Client, backup: BackupReader, on_event: Callable[[], None]) -> None:
    """Publish every message in order, many at once; each only at its own position."""
    mux = Mux(nc)
    waiting: deque[tuple[StoredMessage, asyncio.Future[Msg]]] = deque()
    size = 0
    for message in backup.messages():
        while len(waiting) >= _IN_FLIGHT or size > _IN_FLIGHT_BYTES:
            size -= await _acknowledged(*waiting.popleft())
            on_event()
        try:
            waiting.append((message, await mux.send(message.subject, message.body, _headers(message))))
        except MaxPayloadError as error:
            raise CliError(
                f"the event at {message.position} has {len(message.body)} bytes, the server takes {nc.max_payload}",
                hint="raise the server's max_payload",
            ) from error
        size += len(message.body)
    while waiting:
        await _acknowledged(*waiting.popleft())
        on_event()


async def _acknowledged(message: StoredMessage, answer: asyncio.Future[Msg]) -> int:
    """Wait until the message is recorded; the bytes of its body."""
    async with asyncio.timeout(_PATIENCE):
        told: dict[str, Any] = json.loads((await answer).data)
    if error := told.get("error"):
        if error.get("err_code") in WRONG_SEQUENCE:
            raise CliError("somebody else writes to the event log there", hint="stop Coldopen's services first")
        raise APIError.from_error(error)
    return len(message.body)


def _headers(message: StoredMessage) -> dict[str, str]:
    """The event's own headers, and that it goes to its own position.

    It gets no `Nats-Msg-Id`: in the log, an id may come again after a while; here it would be dropped as a repeat.
    """
    headers = {"Nats-Expected-Stream": STREAM, "Nats-Expected-Last-Sequence": str(message.position - 1)}
    if codec.written_at(message.headers) is None:
        headers["ce-time"] = message.time.isoformat()  # the broker's time counted, which is another one now
    return message.headers | headers
