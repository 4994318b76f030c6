"""What the projector has been sent of the log and has not folded yet."""

import asyncio
from contextlib import suppress

from contracts.events import RecordedEvent
from services.platform.event_reader import Following
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable
from services.platform.tasks import end

_MOST_WAITING = 10_000  # events


class Inbox:
    """What has arrived and is not taken yet. Above `most_waiting` events no more are asked for until these are taken.

    What is on its way then comes, too: the server does not ask how fast a client of nats-py is.
    """

    def __init__(self, store: EventStore, after: int, *, most_waiting: int = _MOST_WAITING) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._last = after
        self._arrived: list[RecordedEvent | Unreadable] = []
        self._wake = asyncio.Event()
        self._following: Following | None = None
        self._finishing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many events have arrived and are not taken yet."""
        return len(self._arrived)

    async def take(self, at_most: int, patience: float) -> list[RecordedEvent | Unreadable]:
        """What has arrived, in order; empty if nothing came for `patience` seconds."""
        if len(self._arrived) < at_most:
            await self._follow()
        while not self._arrived and await self._is_woken(patience):
            await self._follow()
        batch, self._arrived = self._arrived[:at_most], self._arrived[at_most:]
        return batch

    async def close(self) -> None:
        """Stop listening."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            await end(finishing)
        following, self._following = self._following, None
        if following is not None:
            await following.stop()

    async def _is_woken(self, patience: float) -> bool:
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                return await self._wake.wait()
        return False

    async def _follow(self) -> None:
        if self._following is None:
            self._following = await self._store.follow(self._last, self._deliver)

    async def _deliver(self, one: RecordedEvent | Unreadable) -> None:
        if one.position <= self._last:
            return
        self._arrived.append(one)
        self._last = one.position
        self._wake.set()
        if len(self._arrived) >= self._most_waiting and self._finishing is None:
            self._finishing = asyncio.ensure_future(self._finish())

    async def _finish(self) -> None:
        if self._following is not None:
            await self._following.finish()
        self._following = self._finishing = None
        self._wake.set()
