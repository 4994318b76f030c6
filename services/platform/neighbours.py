"""Who may load beside whom in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Neighbours:
    """The loads of one process: side by side, but one whose worker died before runs alone, whatever its part.

    While it waits for the others to finish, no new one begins.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._count = 0
        self._alone = False
        self._suspects = 0  # waiting

    @asynccontextmanager
    async def place(self, *, alone: bool) -> AsyncIterator[None]:
        async with self._changed:
            self._suspects += alone
            try:
                await self._changed.wait_for(
                    lambda: not self._alone and (self._count == 0 if alone else self._suspects == 0)
                )
            finally:
                self._suspects -= alone
                self._changed.notify_all()
            self._count += 1
            self._alone = alone
        try:
            yield
        finally:
            async with self._changed:
                self._count -= 1
                self._alone = False
                self._changed.notify_all()
