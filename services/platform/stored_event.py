"""A message of the log becomes a recorded event, or is told as one that can't be read."""

from datetime import datetime
from typing import Any

import msgspec
from nats.aio.msg import Msg

from contracts import codec
from contracts.events import Event, RecordedEvent
from contracts.subjects import subject_of


class Unreadable(msgspec.Struct, frozen=True):
    """An event that this program can't decode, and why."""

    position: int
    subject: str
    reason: str


def direct(message: Msg) -> RecordedEvent | Unreadable:
    head = message.headers or {}
    return decode(
        int(head["Nats-Sequence"]),
        head["Nats-Subject"],
        head,
        message.data,
        datetime.fromisoformat(head["Nats-Time-Stamp"]),
    )


def delivered(message: Msg) -> RecordedEvent | Unreadable:
    meta = message.metadata
    return decode(meta.sequence.stream, message.subject, message.headers, message.data, meta.timestamp)


def decode(
    position: int, subject: str, headers: dict[str, Any] | None, body: bytes, stored_at: datetime
) -> RecordedEvent | Unreadable:
    """The event of one stored message, or why it can't be read; an event on a foreign subject can't be trusted."""
    try:
        recorded = codec.recorded(position, headers, body, stored_at=stored_at)
    except codec.UndecodableEvent as error:
        return Unreadable(position, subject, str(error))
    if not _is_about(recorded.event, subject):
        return Unreadable(position, subject, f"recorded under {subject}, but it is about {recorded.event.key[:100]!r}")
    return recorded


def _is_about(event: Event, subject: str) -> bool:
    try:
        return subject_of(event) == subject
    except ValueError:
        return False
