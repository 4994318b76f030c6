"""Clients that ask again: what an outage may answer to them, and what they have been promised in the end."""

from collections.abc import Awaitable, Callable

import httpx2

from tests.support.stack import Stack
from tests.support.waiting import eventually


class Promises:
    """What was answered to adds: the position of each key's, and how often it was put off or its connection lost."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.positions: dict[str, int] = {}
        self.put_off = 0
        self.lost = 0

    async def add(self, name: str, *, within: float = 60) -> None:
        """Add a series, again and again until it is taken; every other answer must be one that says to come back."""

        async def is_taken() -> bool:
            answer = await self._answer(lambda: self._stack.add(name))
            if answer is None:
                return False
            body = answer.json()
            assert answer.status_code in (200, 202), answer.text
            self.positions[body["key"]] = body["db_id"]
            return True

        await eventually(is_taken, within=within, every=0.1)

    async def add_all(self, names: list[str], *, within: float = 60) -> None:
        """One after the other."""
        for name in names:
            await self.add(name, within=within)

    async def _answer(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response | None:
        """The answer; None if there was none, or one that puts the client off. Silence is no answer: it raises."""
        try:
            answer = await ask()
        except httpx2.TimeoutException:
            raise
        except httpx2.TransportError:
            self.lost += 1
            return None
        if answer.status_code != 503:
            return answer
        check_put_off(answer)
        self.put_off += 1
        return None


def check_put_off(answer: httpx2.Response) -> None:
    """A 503 that says what is wrong and when to come again."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert len(answer.json()["detail"]) > 20, answer.text
