"""Bytes become facts here, and nowhere else: the strict codec, the CloudEvents headers and the event ids.

Headers are CloudEvents 1.0 in NATS' binary mode: `ce-id` (also `Nats-Msg-Id`, so that JetStream drops repeats),
`ce-source`, `ce-type` (the tag), `ce-time` (RFC 3339, the writer's clock), `ce-subject` (the key), the extensions
`ce-correlationid` (what a person set off) and `ce-causationid` (the position of the cause), and `traceparent`.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from contracts.events import EVENT_TYPES, CausedEvent, CausedFact, Event, PartReleased, PartStarted, RecordedEvent
from contracts.retired import UPCASTS, Retired

CONTENT_TYPE = "application/json"
SOURCE = "/coldopen"
_NAMESPACE = uuid.UUID("6d2f0c1e-0b2a-5c53-9a52-6f5b1f4f7c10")
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_TAGS: dict[type[Event], str] = {kind: str(kind.__struct_config__.tag) for kind in EVENT_TYPES}
_KNOWN = frozenset(_TAGS.values())
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


# How the reason begins for which such an event is set aside; logs hold it, so it stays as it is.
UNKNOWN = "unknown event type"


class UndecodableEvent(ValueError):
    """The body is not an event that this program can read."""


class UnknownTag(UndecodableEvent):
    """A tag that this program does not know: a newer program wrote it."""


class BadBody(UndecodableEvent):
    """A known tag whose body has a wrong shape: no program should have written it."""


class _Tagged(msgspec.Struct):
    type: str


_TAG_DECODER = msgspec.json.Decoder(_Tagged)


def tag_of(event: Event) -> str:
    """The event's literal, versioned tag, such as `series-added.v1`."""
    return _TAGS[type(event)]


def encode(event: Event) -> bytes:
    """The event's JSON body."""
    return _ENCODER.encode(event)


def decode(body: bytes) -> Event:
    """The event in `body`, in today's shape. Raises UnknownTag or BadBody."""
    try:
        return _DECODER.decode(body)
    except _UNREADABLE as error:
        return _of_former_days(body, error)


def _of_former_days(body: bytes, error: Exception) -> Event:
    # msgspec raises one error for an unknown tag and for a bad body: the tag decides which it is.
    try:
        tag = _TAG_DECODER.decode(body).type
    except _UNREADABLE:
        raise BadBody(f"not a tagged JSON object: {error}") from error
    if tag in UPCASTS:
        return _upcast(tag, body)
    if tag in _KNOWN:
        raise BadBody(f"{tag}: {error}") from error
    raise UnknownTag(f"{UNKNOWN} {tag[:100]!r}: written by a newer Coldopen?") from error


def _upcast(tag: str, body: bytes) -> Event:
    try:
        event: Event | Retired = msgspec.json.decode(body, type=UPCASTS[tag])
    except _UNREADABLE as error:
        raise BadBody(f"{tag}: {error}") from error
    while isinstance(event, Retired):
        event = event.upcast()
    return event


def command_id() -> str:
    """A fresh id for an event that a command causes; keep it across that command's re-publishes."""
    return str(uuid.uuid4())


def caused_id(event: CausedEvent, tag: str) -> str:
    """The id of an event that a start caused: the same for the same outcome, so that a repeat is recognised."""
    name = f"{event.cause}/{event.part}/{tag}/{event.attempt}"
    if isinstance(event, PartStarted | PartReleased):
        name += f"/{event.delivery}"
    return str(uuid.uuid5(_NAMESPACE, name))


def headers_of(
    event: Event,
    *,
    time: datetime,
    event_id: str | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
) -> dict[str, str]:
    """The headers that `event` is published with. A caused event gets its id from its cause; others need `event_id`."""
    tag = tag_of(event)
    identifier = caused_id(event, tag) if isinstance(event, CausedFact) else event_id or command_id()
    headers = {
        "Nats-Msg-Id": identifier,
        "ce-specversion": "1.0",
        "ce-id": identifier,
        "ce-source": SOURCE,
        "ce-type": tag,
        "ce-time": time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce-subject": event.key,
        "content-type": CONTENT_TYPE,
        "ce-correlationid": correlation_id or identifier,
    }
    if isinstance(event, CausedFact):
        headers["ce-causationid"] = str(event.cause)
    if traceparent:
        headers["traceparent"] = traceparent
    return headers


def recorded(position: int, headers: Mapping[str, str] | None, body: bytes, *, stored_at: datetime) -> RecordedEvent:
    """The event at `position`. Raises UndecodableEvent.

    `stored_at` (the broker's clock) stands in for a missing or bad `ce-time`.
    """
    event = decode(body)
    head = headers or {}
    return RecordedEvent(
        position=position,
        time=written_at(head) or stored_at,
        event=event,
        id=head.get("ce-id", ""),
        correlation_id=head.get("ce-correlationid"),
        causation_id=head.get("ce-causationid"),
    )


def written_at(headers: Mapping[str, str]) -> datetime | None:
    """When the event was written, by its writer's clock, in UTC; None if its `ce-time` is missing or garbled."""
    try:
        time = datetime.fromisoformat(headers.get("ce-time", ""))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
