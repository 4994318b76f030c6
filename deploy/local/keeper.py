"""Keeps a server running: one that dies by itself is started again on the same port and data, as services are."""

import asyncio
import time
from typing import Protocol

from deploy.local.logs import Forward
from deploy.local.supervised import next_pause

_LOOK_EVERY = 0.2  # seconds


class Server(Protocol):
    """What nats-server and PostgreSQL have in common."""

    @property
    def pid(self) -> int | None: ...

    async def restart(self) -> None: ...


async def keep_running(name: str, server: Server, forward: Forward) -> None:
    """Until cancelled. The pause before a restart grows while the server keeps dying."""
    pause, since = 0.0, time.monotonic()
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if server.pid is not None:
            continue
        pause = next_pause(pause, time.monotonic() - since)
        forward(name, f"ended by itself; started again in {pause:.1f} s")
        await asyncio.sleep(pause)
        try:
            await server.restart()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the server, the next try may go well
            forward(name, f"can't be started again: {str(error) or type(error).__name__}")
        else:
            forward(name, "runs again")
        since = time.monotonic()
