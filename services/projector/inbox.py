"""What the projector has been sent of the log and has not folded yet."""

import asyncio
from contextlib import suppress

from contracts.events import RecordedEvent
from services.platform.event_reader import Following
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable

_MOST_PENDING = 10_000


class Inbox:
    """What has arrived and is not folded yet; above 10,000 events it stops listening until they are folded."""

    def __init__(self, store: EventStore, after: int) -> None:
        self._store = store
        self._last = after
        self._arrived: list[RecordedEvent | Unreadable] = []
        self._wake = asyncio.Event()
        self._following: Following | None = None
        self._listening = False

    async def take(self, at_most: int, patience: float) -> list[RecordedEvent | Unreadable]:
        """What has arrived, in order; empty if nothing came for `patience` seconds."""
        if not self._listening and not self._arrived:
            self._listening = True  # before the first event can arrive
            self._following = await self._store.follow(self._last, self._deliver)
        if not self._arrived:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._wake.wait()
        batch, self._arrived = self._arrived[:at_most], self._arrived[at_most:]
        return batch

    async def close(self) -> None:
        """Stop listening."""
        self._listening = False
        following, self._following = self._following, None
        if following is not None:
            await following.stop()

    async def _deliver(self, one: RecordedEvent | Unreadable) -> None:
        if not self._listening or one.position <= self._last:
            return
        self._arrived.append(one)
        self._last = one.position
        self._wake.set()
        if len(self._arrived) >= _MOST_PENDING:
            await self.close()
