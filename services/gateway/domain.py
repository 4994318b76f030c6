"""The gateway's other decisions: where a list goes on, what a stream id says, which parts a request asks for. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

from contracts.events import Part, RecordedEvent
from contracts.loading import fold
from contracts.presentation import parts_of
from contracts.state import SeriesState
from services.gateway.refusals import InTheWay, Malformed, unknown_series

_STREAM_ID = re.compile(r"([0-9a-zA-Z-]{1,8})-([0-9]{1,18})", re.ASCII)
_AFTER_PLUS = re.compile(r" (?=\d\d:?\d\d$)", re.ASCII)


# How many series a list has: counted for its first page, as that takes longer the longer it is, and handed on.
_Total: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class AfterName(msgspec.Struct, frozen=True, array_like=True, tag="name"):
    """The last series of a page by name: the list goes on behind it."""

    lower_name: str
    key: str
    total: _Total | None = None  # an older release's cursor has none


class AfterNewest(msgspec.Struct, frozen=True, array_like=True, tag="newest"):
    """The last series of a page in which the latest added come first."""

    db_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    total: _Total | None = None


Cursor: TypeAlias = AfterName | AfterNewest
Order: TypeAlias = Literal["name", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)


def encode_cursor(cursor: Cursor) -> str:
    """The cursor as clients carry it about."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def decode_cursor(text: str, order: Order) -> Cursor:
    """Raises Malformed for a cursor that no list has given, or one in another order."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(raw, type=AfterName | AfterNewest)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise _bad_cursor() from None
    if isinstance(cursor, AfterName) and "\0" in cursor.lower_name + cursor.key:
        raise _bad_cursor()
    given = cursor.__struct_config__.tag
    if given != order:
        raise Malformed(
            "other-order", f"cursor: this is of a list with order={given}: ask for that, or leave it out to start anew."
        )
    return cursor


def _bad_cursor() -> Malformed:
    return Malformed("bad-cursor", "cursor: this is none of a list's: leave it out to start anew.")


class StreamId(msgspec.Struct, frozen=True):
    """What an SSE id says: a position in a log, of which the first 8 characters of its id are told."""

    log: str
    position: int


def stream_id(log_id: str, position: int) -> bytes:
    """The id of the update at `position`."""
    return f"{log_id[:8]}-{position}".encode()


def parse_stream_id(text: str) -> StreamId | None:
    """The id that a client sent back; None if it is none of ours."""
    found = _STREAM_ID.fullmatch(text)
    return StreamId(found[1], int(found[2])) if found else None


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, in UTC if it names no zone (and also with the `+` that a query turned into a space)."""
    try:
        time = datetime.fromisoformat(_AFTER_PLUS.sub("+", text))
    except ValueError:
        raise Malformed("bad-time", "at_time: give an ISO 8601 time such as 2026-05-01T12:00:00Z.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def fold_until(events: Iterable[RecordedEvent], position: int) -> SeriesState | None:
    """What the events up to and including `position` add up to."""
    return fold(one for one in events if one.position <= position)


def last_position_until(events: Iterable[RecordedEvent], time: datetime) -> int:
    """The greatest position of an event written at `time` or before; 0 if there is none."""
    return max((one.position for one in events if one.time <= time), default=0)


def outside(key: str, name: str, first: int | datetime, last: int | datetime) -> Malformed:
    """The moment that the parameter `name` gives is before the series' first event, or after everything."""
    words = [one.isoformat(timespec="seconds") if isinstance(one, datetime) else str(one) for one in (first, last)]
    end = "the log ends at" if isinstance(last, int) else "now it is"
    return Malformed(
        "out-of-range",
        f"{name}: {key} begins at {words[0]}, and {end} {words[1]}: give one from there to there.",
        first=first,
        last=last,
    )


def living(state: SeriesState | None, key: str) -> SeriesState:
    """The state itself; raises NotThere for a series that never was, or is removed."""
    if state is None or state.removed:
        raise unknown_series(key)
    return state


def parts_to_retry(state: SeriesState, asked: tuple[Part, ...] | None) -> tuple[Part, ...]:
    """The failed parts, or those of `asked`; identity alone while it has failed. Raises InTheWay if there is none."""
    if _is_unidentified(state):
        return (Part.IDENTITY,)
    named = dict(parts_of(state)).keys() if asked is None else asked
    # A missing logo is no failure, but whoever names it may know better by now.
    again = tuple(
        part
        for part in named
        if state.part(part).outcome == "failed" or (asked is not None and state.part(part).status == "unavailable")
    )
    if again:
        return again
    what = "; ".join(f"{part} is {state.part(part).status}" for part in named)
    raise InTheWay(
        "nothing-to-retry",
        f"Nothing has failed: {what}. To load again what is there: POST …/refresh.",
        parts={part.value: state.part(part).status for part in named},
    )


def parts_to_refresh(state: SeriesState, asked: tuple[Part, ...] | None) -> tuple[Part, ...]:
    """The wanted parts, or `asked`; identity alone while it has failed. Raises InTheWay if all are loading already."""
    if _is_unidentified(state):
        return (Part.IDENTITY,)
    if not state.identified and asked != (Part.IDENTITY,):
        raise InTheWay(
            "not-identified-yet",
            "The series is being identified, and its parts load by themselves then. See how far it is: "
            "GET …/loading-status.",
        )
    named = state.wanted if asked is None else asked
    again = tuple(part for part in named if part is Part.IDENTITY or not state.part(part).is_open)
    if not again:
        raise InTheWay(
            "loading-already",
            f"Loading already: {', '.join(named)}. See how far it is: GET …/loading-status. Refresh when it is done.",
        )
    return again


def _is_unidentified(state: SeriesState) -> bool:
    """Identity has failed, and nothing can load before it is known which series this is."""
    return not state.identified and state.identity.outcome == "failed"
