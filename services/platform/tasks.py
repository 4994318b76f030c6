"""Tasks that begin at once, and end for sure."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
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


async def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that has come as far as it can without waiting: what it asks of others is on its way already."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        await end(task)  # nobody else knows of it
        raise
    return task


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
