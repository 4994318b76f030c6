"""Keeps a server running: one that dies by itself, or has got stuck, is started again on the same port and data."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from deploy.local.logs import Forward
from deploy.local.supervised import next_pause

_LOOK_EVERY = 0.2  # seconds
_ASK_EVERY = 5.0


class Server(Protocol):
    """What nats-server and PostgreSQL have in common."""

    @property
    def pid(self) -> int | None: ...

    async def restart(self) -> None: ...


async def keep_running(
    name: str, server: Server, forward: Forward, *, is_stuck: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """Until cancelled. The pause before a restart grows while the server keeps dying, or keeps getting stuck."""
    pause, since = 0.0, time.monotonic()
    asked = since
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if server.pid is None:
            why = "ended by itself"
        elif is_stuck is None or time.monotonic() - asked < _ASK_EVERY:
            continue
        else:
            asked = time.monotonic()
            if not await is_stuck():
                continue
            why = "ended up unable to write"
        pause = next_pause(pause, time.monotonic() - since)
        forward(name, f"{why}; started again in {pause:.1f} s")
        await asyncio.sleep(pause)
        try:
            await server.restart()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the server, the next try may go well
            forward(name, f"can't be started again: {str(error) or type(error).__name__}")
        else:
            forward(name, "runs again")
        since = time.monotonic()
