"""Waiting for something to become true: one deadline, no sleeps in tests."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(check: Callable[[], Any], *, within: float = 10.0, every: float = 0.01) -> Any:
    """The first true value of `check()`, which may be async and may fail an assertion meanwhile.

    After `within` seconds its last failed assertion is raised, or one that shows its last value.
    """
    end = time.monotonic() + within
    while True:
        failure: AssertionError | None = None
        value = None
        try:
            answer = check()
            value = await answer if inspect.isawaitable(answer) else answer
        except AssertionError as error:
            failure = error
        if value:
            return value
        if time.monotonic() > end:
            raise failure or AssertionError(f"not true within {within} s; the last value was {value!r}")
        await asyncio.sleep(every)
