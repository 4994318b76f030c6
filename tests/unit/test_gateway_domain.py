"""The gateway's pure decisions."""

import base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Event, Part
from services.gateway.auth import Hosts
from services.gateway.domain import (
    AfterName,
    AfterNewest,
    Order,
    StreamId,
    decode_cursor,
    encode_cursor,
    fold_until,
    last_position_until,
    parse_stream_id,
    parse_time,
    parts_to_refresh,
    parts_to_retry,
    stream_id,
)
from services.gateway.origin import origin_of
from services.gateway.refusals import InTheWay, Malformed
from tests.support.builders import BEGIN, added, all_loaded, failed, identified, log, started, state_after, unavailable


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.from_regex(r"[a-z0-9-]+", fullmatch=True),
)
def test_a_cursor_comes_back_as_it_went(name: str, key: str) -> None:
    """Whatever the name holds."""
    cursor = AfterName(name, key)

    assert decode_cursor(encode_cursor(cursor), "name") == cursor


@given(st.integers(1, 2**63 - 1))
def test_a_cursor_of_the_newest_comes_back_too(db_id: int) -> None:
    """Any number that the log can give."""
    cursor = AfterNewest(db_id)

    assert decode_cursor(encode_cursor(cursor), "newest") == cursor


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str) -> None:
    """It is refused, and never breaks anything else."""
    with suppress(Malformed):
        assert isinstance(decode_cursor(text, "name"), AfterName)


@pytest.mark.parametrize(
    "body",
    [b'["newest",0]', b'["newest",9223372036854775808]', b'["newest","1"]', b'["newest"]', b'["newest",1,-1]'],
)
def test_a_number_that_no_series_or_list_can_have_is_no_cursor(body: bytes) -> None:
    """The database would refuse it, or nobody has so few."""
    with pytest.raises(Malformed, match="none of a list's"):
        decode_cursor(base64.urlsafe_b64encode(body).decode().rstrip("="), "newest")


@pytest.mark.parametrize(("cursor", "order"), [(AfterNewest(7), "name"), (AfterName("a", "a"), "newest")])
def test_a_cursor_of_another_order_says_which(cursor: AfterName | AfterNewest, order: Order) -> None:
    """It would go on at a place that means nothing there."""
    with pytest.raises(Malformed, match="order=" + ("newest" if order == "name" else "name")):
        decode_cursor(encode_cursor(cursor), order)


def test_a_stream_id_tells_its_log_and_position() -> None:
    """The log's first 8 characters are enough to know another log by."""
    ident = stream_id("0f8fad5b-d9cb-469f-a165-70867728950e", 12).decode()

    assert ident == "0f8fad5b-12"
    assert parse_stream_id(ident) == StreamId("0f8fad5b", 12)
    assert [parse_stream_id(text) for text in ("", "12", "0f8fad5b", "0f8fad5b-", "0f8fad5b-1\n", "x" * 9 + "-1")] == [
        None
    ] * 6


@pytest.mark.parametrize(
    "text", ["2026-05-01T12:00:00Z", "2026-05-01T14:00:00+02:00", "2026-05-01T14:00:00 02:00", "2026-05-01 12:00:00"]
)
def test_a_time_is_understood_with_and_without_a_zone(text: str) -> None:
    """Also with the plus that a query turned into a space."""
    assert parse_time(text) == datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_past_is_the_fold_of_what_was_recorded_by_then() -> None:
    """By position, and by the greatest position written until a time."""
    events = log(added(), started(Part.IDENTITY, 1), identified(), *all_loaded(3))

    until = last_position_until(events, BEGIN.replace(second=2))
    state = fold_until(events, until)

    assert until == 2
    assert state is not None
    assert state.identity.status == "loading"
    assert fold_until(events, 0) is None


IDENTIFIED: tuple[Event, ...] = (added(), identified())


@pytest.mark.parametrize(
    ("events", "asked", "parts"),
    [
        ((*IDENTIFIED, failed(Part.LOGO, 2), failed(Part.NFO, 2)), None, ("nfo", "logo")),
        ((*IDENTIFIED, failed(Part.LOGO, 2), failed(Part.NFO, 2)), ("logo", "episodes"), ("logo",)),
        ((*IDENTIFIED, unavailable(Part.LOGO, 2)), ("logo",), ("logo",)),
        ((added(), failed(Part.IDENTITY, 1)), None, ("identity",)),
        ((added(), failed(Part.IDENTITY, 1)), ("logo",), ("identity",)),
    ],
)
def test_a_retry_asks_for_what_failed(
    events: tuple[Event, ...], asked: tuple[str, ...] | None, parts: tuple[str, ...]
) -> None:
    """All of it, or what is named; identity alone while it has failed."""
    named = tuple(Part(one) for one in asked) if asked else None

    assert parts_to_retry(state_after(*events), named) == parts


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        (IDENTIFIED, None),
        ((*IDENTIFIED, *all_loaded(2)), None),
        ((*IDENTIFIED, unavailable(Part.LOGO, 2)), None),
        ((*IDENTIFIED, failed(Part.LOGO, 2)), ("nfo",)),
        ((added(),), None),
    ],
)
def test_nothing_to_retry_says_how_each_part_stands(events: tuple[Event, ...], asked: tuple[str, ...] | None) -> None:
    """What loads, waits or is good has not failed."""
    named = tuple(Part(one) for one in asked) if asked else None

    with pytest.raises(InTheWay, match=" is "):
        parts_to_retry(state_after(*events), named)


@pytest.mark.parametrize(
    ("events", "asked", "parts"),
    [
        ((*IDENTIFIED, *all_loaded(2)), None, ("episodes", "nfo", "logo", "images")),
        ((*IDENTIFIED, *all_loaded(2)), ("identity",), ("identity",)),
        ((*IDENTIFIED, *all_loaded(2)[:1]), None, ("episodes",)),
        ((added(), failed(Part.IDENTITY, 1)), None, ("identity",)),
        ((added(),), ("identity",), ("identity",)),
    ],
)
def test_a_refresh_asks_for_what_is_not_loading(
    events: tuple[Event, ...], asked: tuple[str, ...] | None, parts: tuple[str, ...]
) -> None:
    """Identity only when it is named, or has failed."""
    named = tuple(Part(one) for one in asked) if asked else None

    assert parts_to_refresh(state_after(*events), named) == parts


@pytest.mark.parametrize("events", [IDENTIFIED, (added(),)])
def test_what_loads_already_is_not_refreshed(events: tuple[Event, ...]) -> None:
    """Nor what will load by itself."""
    with pytest.raises(InTheWay, match="loading-status"):
        parts_to_refresh(state_after(*events), None)


@pytest.mark.parametrize(
    ("bind", "host", "known"),
    [
        ("127.0.0.1", "localhost:8787", True),
        ("127.0.0.1", "[::1]:8787", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "media.lan", True),
        ("127.0.0.1", "192.168.1.5", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.5:8787", True),
        ("0.0.0.0", "evil.example", False),
        ("192.168.1.5", "192.168.1.5", True),
    ],
)
def test_the_gateway_knows_its_names(bind: str, host: str, known: bool) -> None:
    """A name that isn't set is nobody's, however it resolves."""
    assert Hosts(bind, ["media.lan"]).knows(host) is known


def test_an_origin_is_taken_from_the_headers_and_made_safe() -> None:
    """The client is cut; what can't go into an event's headers is replaced or left out."""
    told = origin_of({"user-agent": "a" * 300, "x-correlation-id": "order 7", "traceparent": "00-xyz"})
    kept = origin_of({"x-correlation-id": "order-7", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})

    assert told.client == "a" * 200
    assert told.correlation_id != "order 7"
    assert told.traceparent is None
    assert (kept.client, kept.correlation_id) == (None, "order-7")
    assert kept.traceparent is not None
