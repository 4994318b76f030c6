"""What is set aside: every event that is skipped now, as the log tells it.

From the log and not from the rows: an add that was set aside has no row, and the log answers without PostgreSQL.
"""

from datetime import UTC, datetime

import msgspec
from nats.js.api import RawStreamMsg

from contracts.api import Quarantine, QuarantinedEvent
from contracts.events import RecordedEvent
from services.gateway.recorded import Recorded
from services.platform.event_store import EventStore
from services.platform.parked import Parked, all_parked

_LONG = 10_000  # bytes of a body: what is meant for people's eyes
_TAG = 100  # characters
_NULL = msgspec.Raw(b"null")


class _Tagged(msgspec.Struct):
    type: str


class Quarantined:
    """Reads what is set aside. Raises LogUnavailable."""

    def __init__(self, store: EventStore, recorded: Recorded) -> None:
        self._store = store
        self._recorded = recorded

    async def now(self, limit: int) -> Quarantine:
        """The oldest `limit` of all that is skipped."""
        found = await all_parked(self._store)
        return Quarantine(items=[await self._item(one) for one in found[:limit]], total=len(found))

    async def _item(self, parked: Parked) -> QuarantinedEvent:
        one = parked.one
        stored = await self._recorded.stored(one.position)
        body = stored.data or b""
        is_shown = len(body) <= _LONG and _is_json(body)
        return QuarantinedEvent(
            position=one.position,
            key=parked.key,
            type=_type(body, stored),
            # What can't be read has no time of its own that could be trusted: the broker's is near enough.
            time=one.time if isinstance(one, RecordedEvent) else stored.time or datetime.fromtimestamp(0, UTC),
            reason=parked.reason,
            parked_at=parked.parking.time,
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
