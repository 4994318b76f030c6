"""Ending tasks for sure."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_PATIENCE = 0.2  # seconds


async def end(*tasks: asyncio.Future[Any], patience: float = _PATIENCE) -> None:
    """Cancel the tasks, again after every `patience` seconds, until they are over; what they raise is not raised here.

    One cancellation is not enough: `asyncio.wait_for` of Python 3.11, which nats-py and asyncpg use, loses one that
    arrives just as what it waits for is done.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, however often this task is cancelled meanwhile: that counts afterwards."""
    running = asyncio.ensure_future(work)
    cancelled = False
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            cancelled = True
    running.result()
    if cancelled:
        raise asyncio.CancelledError
