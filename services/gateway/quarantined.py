"""What is set aside: every event that is skipped now, as the log tells it.

From the log and not from the rows: an add that was set aside has no row, and the log answers without PostgreSQL.
"""

from datetime import UTC, datetime

import msgspec
from nats.js.api import RawStreamMsg

from contracts.api import Quarantine, QuarantinedEvent
from contracts.events import RecordedEvent
from services.gateway.domain import parked_now
from services.gateway.recorded import One, Recorded

_PARKINGS = "series.*.parked"
_LONG = 10_000  # bytes of a body: what is meant for people's eyes
_TAG = 100  # characters
_NULL = msgspec.Raw(b"null")


class _Tagged(msgspec.Struct):
    type: str


class Quarantined:
    """Reads what is set aside. Raises LogUnavailable."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    async def now(self, limit: int) -> Quarantine:
        """The oldest `limit` of all that is skipped."""
        found: list[tuple[One, RecordedEvent, str]] = []
        for key in await self._keys():
            events = {one.position: one for one in await self._recorded.of_series(key)}
            skipped = parked_now(one for one in events.values() if isinstance(one, RecordedEvent))
            found += [(events[position], *why) for position, why in skipped.items() if position in events]
        found.sort(key=lambda one: one[0].position)
        items = [await self._item(*one) for one in found[:limit]]
        return Quarantine(items=items, total=len(found))

    async def _keys(self) -> list[str]:
        """The series that ever had an event set aside. That is rare: one message at a time is quick enough."""
        keys: dict[str, None] = {}
        message = await self._recorded.stored(1, subject=_PARKINGS)
        while message is not None:
            keys[str(message.subject).split(".")[1]] = None
            message = await self._recorded.stored((message.seq or 0) + 1, subject=_PARKINGS)
        return list(keys)

    async def _item(self, one: One, parking: RecordedEvent, reason: str) -> QuarantinedEvent:
        stored = await self._recorded.stored(one.position) or RawStreamMsg()
        body = stored.data or b""
        is_shown = len(body) <= _LONG and _is_json(body)
        return QuarantinedEvent(
            position=one.position,
            key=parking.event.key,
            type=_type(body, stored),
            # What can't be read has no time of its own that could be trusted: the broker's is near enough.
            time=one.time if isinstance(one, RecordedEvent) else stored.time or datetime.fromtimestamp(0, UTC),
            reason=reason,
            parked_at=parking.time,
            event=msgspec.Raw(body) if is_shown else _NULL,
            text=None if is_shown else body[:_LONG].decode(errors="backslashreplace"),
        )


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _type(body: bytes, stored: RawStreamMsg) -> str | None:
    """The tag in the body, which is what counts, else the one in the headers."""
    try:
        tag: str | None = msgspec.json.decode(body, type=_Tagged).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tag = (stored.headers or {}).get("ce-type")
    return tag[:_TAG] if tag else None
