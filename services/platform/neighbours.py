"""Who may load beside whom in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Shut(Exception):
    """A suspect is in this process, or about to be: whatever else comes is to be loaded elsewhere, or later."""


class Neighbours:
    """The loads of one process: side by side, but one whose worker died before runs alone, whatever its part.

    From its coming on no other one begins, and none waits: what waited in a process that dies would be lost to
    everybody until the broker misses it.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._count = 0
        self._open = asyncio.Event()
        self._open.set()

    async def opened(self) -> None:
        """Return when the door is open."""
        await self._open.wait()

    @asynccontextmanager
    async def place(self, *, alone: bool) -> AsyncIterator[None]:
        """A place among the loads; `alone` waits for the others to finish. Raises Shut."""
        if not self._open.is_set():
            raise Shut
        try:
            if alone:
                self._open.clear()
                async with self._changed:
                    await self._changed.wait_for(lambda: self._count == 0)
            self._count += 1
            try:
                yield
            finally:
                async with self._changed:
                    self._count -= 1
                    self._changed.notify_all()
        finally:
            if alone:
                self._open.set()
