"""Bytes become facts: what is read, what is refused and why, and what the headers say."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from contracts.codec import (
    BadBody,
    UndecodableEvent,
    UnknownTag,
    caused_id,
    command_id,
    decode,
    encode,
    headers_of,
    recorded,
    tag_of,
)
from contracts.events import EVENT_TYPES, CausedFact, Event, Part
from tests.support.arbitrary import any_event
from tests.support.builders import (
    BEGIN,
    EXAMPLES,
    added,
    failed,
    identified,
    loaded,
    released,
    removed,
    retrying,
    started,
    unavailable,
)


def body(event: Event, **changes: Any) -> bytes:
    """The event's body with some fields changed, as another program might have written it."""
    fields: dict[str, Any] = msgspec.json.decode(encode(event))
    return msgspec.json.encode(fields | changes)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_event())
def test_every_event_survives_its_wire_form(event: Event) -> None:
    """What is written is read back the same, and written again as the same bytes."""
    wire = encode(event)

    assert decode(wire) == event
    assert encode(decode(wire)) == wire
    assert msgspec.json.decode(wire)["type"] == tag_of(event)


def test_the_examples_cover_every_type() -> None:
    """A new event type needs an example: the tests below go through them."""
    assert {type(event) for event in EXAMPLES} == set(EVENT_TYPES)


def test_tags_are_distinct_versioned_words() -> None:
    """A tag is a literal with a version, and no class name."""
    tags = [tag_of(event) for event in EXAMPLES]

    assert len(set(tags)) == len(EVENT_TYPES)
    for tag in tags:
        word, _, version = tag.partition(".v")
        assert word.replace("-", "").islower()
        assert int(version) >= 1


def test_an_unknown_tag_is_told_from_a_bad_body() -> None:
    """A newer program's event may become readable; a known tag with a wrong shape never will."""
    with pytest.raises(UnknownTag, match=r"series-rated\.v1"):
        decode(body(added(), type="series-rated.v1"))
    with pytest.raises(BadBody, match=r"series-added\.v1"):
        decode(body(added(), name=None))


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b'{"type": 3}',
        b'{"key": "bleach"}',
        b"\xff\xfe",
        b'{"type": "series-removed.v1", "key": "\xff"}',
        b'{"type": "series-removed.v1", "key": "\\ud800"}',
        b'{"type": "series-removed.v1", "key": "a"} x',
        b'{"type": "series-removed.v1", "key": "a", "x": ' + b"[" * 200_000,
    ],
    ids=lambda wire: repr(wire[:40]),
)
def test_what_is_no_event_is_a_bad_body(wire: bytes) -> None:
    """Not JSON, not UTF-8, not an object, without a tag, or nested without end: one error, never another."""
    with pytest.raises(BadBody):
        decode(wire)


@pytest.mark.parametrize(
    "wire",
    [
        body(identified(), cause="1"),
        body(identified(), cause=1.5),
        body(identified(), cause=True),
        body(identified(), reload="false"),
        body(identified(), titles="Bleach"),
        body(started(Part.NFO, 1), part="posters"),
        body(started(Part.NFO, 1), part="NFO"),
        body(failed(Part.NFO, 1), error={"kind": "odd", "code": "c", "message": "m"}),
        body(retrying(Part.NFO, 1), retry_at="2026-01-01T00:00:00"),
        body(retrying(Part.NFO, 1), retry_at=1767225600),
        body(removed(), delete_files=1),
        body(removed(), key=None),
    ],
)
def test_decoding_is_strict(wire: bytes) -> None:
    """ "3" is no number, 1 is no truth, and a time without its offset is no time."""
    with pytest.raises(BadBody):
        decode(wire)


def test_fields_of_a_newer_program_are_ignored() -> None:
    """A new optional field may be added without a new tag."""
    assert decode(body(removed(), why="moved")) == removed()


def test_a_repeat_has_the_same_id() -> None:
    """Cause, part, type and attempt make the id: what else the event says does not matter."""
    first = failed(Part.NFO, 7)
    again = failed(Part.NFO, 7, error=retrying(Part.NFO, 7).error)

    assert caused_id(first, tag_of(first)) == caused_id(again, tag_of(again))
    assert uuid.UUID(caused_id(first, tag_of(first))).version == 5


def test_what_differs_has_different_ids() -> None:
    """Another cause, part, type or attempt; for started and released also another delivery."""
    events = [
        failed(Part.NFO, 7),
        failed(Part.NFO, 8),
        failed(Part.LOGO, 7),
        failed(Part.NFO, 7, attempt=2),
        unavailable(Part.NFO, 7),
        loaded(Part.NFO, 7),
        started(Part.NFO, 7, 1),
        started(Part.NFO, 7, 2),
        released(Part.NFO, 7, 1),
        released(Part.NFO, 7, 2),
        identified(7),
    ]

    assert len({caused_id(event, tag_of(event)) for event in events}) == len(events)


def test_ids_never_change() -> None:
    """Programs of different versions work side by side: they must give a repeat the same id."""
    event = started(Part.NFO, 7, 2)

    assert caused_id(event, tag_of(event)) == "52259bbd-07a4-5994-a55c-884a90a2259f"


@pytest.mark.parametrize("event", EXAMPLES, ids=tag_of)
def test_headers_are_complete_cloud_events(event: Event) -> None:
    """Every event carries the required attributes, one id for both readers, and its cause if it has one."""
    head = headers_of(event, time=BEGIN, event_id="command-1", correlation_id="c-1", traceparent="00-a-b-01")
    caused = isinstance(event, CausedFact)

    assert head["ce-specversion"] == "1.0"
    assert (head["ce-source"], head["ce-type"], head["ce-subject"]) == ("/coldopen", tag_of(event), event.key)
    assert (head["ce-time"], head["content-type"]) == ("2026-01-01T00:00:00Z", "application/json")
    assert head["ce-id"] == head["Nats-Msg-Id"]
    assert (head["ce-id"] == "command-1") is not caused
    assert ("ce-causationid" in head) is caused
    assert (head["ce-correlationid"], head["traceparent"]) == ("c-1", "00-a-b-01")


def test_headers_of_what_stands_alone() -> None:
    """Without more to say, an event begins a correlation of its own and has no trace; its time is told in UTC."""
    there = timezone(timedelta(hours=2))
    head = headers_of(removed(), time=BEGIN.astimezone(there))

    assert head["ce-correlationid"] == head["ce-id"]
    assert "traceparent" not in head
    assert head["ce-time"] == "2026-01-01T00:00:00Z"
    assert command_id() != command_id()


def test_a_recorded_event_knows_its_envelope() -> None:
    """What was published with headers_of is read back as it was."""
    event = identified(7)
    head = headers_of(event, time=BEGIN, correlation_id="c-1")

    one = recorded(9, head, encode(event), stored_at=BEGIN + timedelta(days=1))

    assert (one.position, one.time, one.event) == (9, BEGIN, event)
    assert (one.id, one.correlation_id, one.causation_id) == (head["ce-id"], "c-1", "7")


@pytest.mark.parametrize(
    ("head", "time"),
    [
        (None, BEGIN),
        ({}, BEGIN),
        ({"ce-time": ""}, BEGIN),
        ({"ce-time": "yesterday"}, BEGIN),
        ({"ce-time": "0001-01-01T00:00:00+14:00"}, BEGIN),
        ({"ce-time": "2025-06-01T12:00:00"}, datetime(2025, 6, 1, 12, tzinfo=UTC)),
        ({"ce-time": "2025-06-01T12:00:00+02:00"}, datetime(2025, 6, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_missing_or_garbled_time_is_the_brokers(head: dict[str, str] | None, time: datetime) -> None:
    """The event counts anyway; what has an offset is told in UTC."""
    one = recorded(9, head, encode(removed()), stored_at=BEGIN)

    assert (one.time, one.time.tzinfo) == (time, UTC)
    assert (one.id, one.correlation_id, one.causation_id) == ("", None, None)


def test_a_recorded_bad_body_is_undecodable() -> None:
    """Readers catch one error for all that they can't read."""
    with pytest.raises(UndecodableEvent):
        recorded(9, None, b"{}", stored_at=BEGIN)
