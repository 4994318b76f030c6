"""Recorded events as clients get them: as the log holds them, and those that can't be read with the reason why."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import msgspec
from msgspec.structs import asdict
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg

from contracts import codec
from contracts.api import HistoryEntry, HistoryItem
from contracts.events import EVENT_TYPES, RecordedEvent
from contracts.subjects import ALL_EVENTS, STREAM, events_of
from contracts.timeline import Entry, unreadable
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable
from services.platform.streams import LogInfo

UNREADABLE = "unreadable"
TAGS = (*(str(kind.__struct_config__.tag) for kind in EVENT_TYPES), UNREADABLE)

One = RecordedEvent | Unreadable
# Seconds between two looks for news: half of it is what a follower waits on average.
_MOMENT = 0.05


def tag_of(one: One) -> str:
    """The event's tag, or `unreadable`."""
    return codec.tag_of(one.event) if isinstance(one, RecordedEvent) else UNREADABLE


class Recorded:
    """Reads events for people and replayers. Raises LogUnavailable."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._looking: asyncio.Future[LogInfo] | None = None

    async def of_series(self, key: str, *, after: int = 0) -> list[One]:
        """One series' events after a position, in order."""
        return await self._store.events_of(key, after=after)

    async def info(self) -> LogInfo:
        """Which log this is and how far it reaches."""
        return await self._store.info()

    async def look(self) -> LogInfo:
        """The same a moment from now: all who wait for news look once together."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> LogInfo:
        await asyncio.sleep(_MOMENT)
        return await self._store.info()

    async def stored(self, position: int) -> RawStreamMsg:
        """The message at `position` as the log holds it."""
        try:
            return await self._store.js.get_msg(STREAM, position)
        except (NatsError, TimeoutError, OSError) as error:
            raise LogUnavailable(f"the event log can't be read: {error}") from error

    def pages(self, *, after: int, key: str | None) -> AsyncIterator[list[One]]:
        """The events after a position that are there now, of one series or all, in order, a page at a time."""
        return self._store.pages(after=after, subject=ALL_EVENTS if key is None else events_of(key))

    async def line(self, one: One) -> bytes:
        """The event as a line of NDJSON."""
        return msgspec.json.encode(await self.item(one)) + b"\n"

    async def item(self, one: One) -> HistoryItem:
        """The event as clients get it."""
        if isinstance(one, Unreadable):
            return await self._unreadable(one)
        return HistoryItem(
            position=one.position,
            time=one.time,
            id=one.id,
            type=codec.tag_of(one.event),
            correlation_id=one.correlation_id,
            event=msgspec.Raw(codec.encode(one.event)),
        )

    async def entry(self, one: One, timeline: Mapping[int, Entry]) -> HistoryEntry:
        """The event with its words: those that the series' timeline has for its position."""
        words = unreadable(one.reason) if isinstance(one, Unreadable) else timeline[one.position]
        return HistoryEntry(**asdict(await self.item(one)), **asdict(words))

    async def _unreadable(self, one: Unreadable) -> HistoryItem:
        """What is known of it: its envelope, why it can't be read, and its bytes as text."""
        stored = await self.stored(one.position)
        head = stored.headers or {}
        what = {
            "subject": one.subject,
            "reason": one.reason,
            "type": head.get("ce-type"),
            "body": (stored.data or b"")[:10_000].decode(errors="replace"),
        }
        return HistoryItem(
            position=one.position,
            time=stored.time or datetime.fromtimestamp(0, UTC),
            id=head.get("ce-id", ""),
            type=UNREADABLE,
            correlation_id=head.get("ce-correlationid"),
            event=msgspec.Raw(msgspec.json.encode(what)),
        )
