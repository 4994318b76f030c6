"""The people of a campaign: each has one series, asks as clients do, and holds Coldopen to what it was answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import httpx2

from tests.chaos.scenario import Visit
from tests.support.stack import Stack

Ask: TypeAlias = Callable[[], Awaitable[httpx2.Response]]

_GONE = 0.2  # seconds until a client asks again whose connection was lost


def passes(kind: str, code: str) -> bool:
    """Whether it is a failure of the catalogue's that asking again mends; a picture that was cut is whole then."""
    return kind in {"network", "busy"} or code == "truncated"


class Person:
    """Somebody with a series: what was promised to them, and what they know of it."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._stack = stack
        self.name = name
        self.key = name.lower().replace(" ", "-")
        self.lives: list[int] = []  # the db_id of each add
        self.position = 0  # of the last thing that was accepted
        self.removed = False
        self.files_wanted = True  # not after a removal that took them along
        self.retried = 0

    async def come(self, visits: Sequence[Visit], since: float) -> None:
        """Make the visits, each at its time after `since` (of the loop's clock) or when the one before is done."""
        clock = asyncio.get_running_loop().time
        for visit in visits:
            await asyncio.sleep(max(0.0, since + visit.at - clock()))
            await asyncio.gather(*(self._do(visit) for _ in range(1 + visit.again)))

    async def _do(self, visit: Visit) -> None:
        match visit.act:
            case "add":
                await self._add()
            case "remove" | "remove_with_files":
                await self._remove(with_files=visit.act == "remove_with_files")
            case "refresh" | "retry":
                await self.load_again(visit.act)

    async def _add(self) -> None:
        answer, _ = await self._until_answered(lambda: self._stack.add(self.name))
        assert answer.status_code in {200, 202}, answer.text
        body = answer.json()
        assert body["key"] == self.key, body
        if self.lives and not self.removed:
            assert body["db_id"] == self.lives[-1], "it was there already, and is another one now"
        else:
            assert body["db_id"] > self.position, "this life ended before"
            self.lives.append(body["db_id"])
        self.removed, self.files_wanted = False, True
        self.position = max(self.position, body["db_id"])

    async def _remove(self, *, with_files: bool) -> None:
        async def ask() -> httpx2.Response:
            async with self._stack.client() as client:
                return await client.delete(f"/api/anime/{self.key}", params={"delete_files": with_files})

        answer, lost = await self._until_answered(ask)
        # One that was carried out although its answer was lost finds nothing the second time.
        assert answer.status_code == 202 or (lost and answer.status_code == 404), answer.text
        self.removed, self.files_wanted = True, not with_files
        if answer.status_code == 202:
            self.position = answer.json()["position"]

    async def load_again(self, act: str) -> None:
        """`refresh` or `retry`, if there is anything to be loaded again."""

        async def ask() -> httpx2.Response:
            async with self._stack.client() as client:
                return await client.post(f"/api/anime/{self.key}/{act}")

        answer, _ = await self._until_answered(ask)
        # 409: nothing has failed, or nothing is there yet to be loaded again.
        assert answer.status_code in {202, 409}, answer.text
        if answer.status_code == 202:
            self.position = answer.json()["position"]

    async def _until_answered(self, ask: Ask) -> tuple[httpx2.Response, int]:
        """The first answer that is one, and how many were lost or put off before it."""
        lost = 0
        while True:
            try:
                answer = await ask()
            except httpx2.HTTPError:
                await asyncio.sleep(_GONE)
            else:
                if answer.status_code != 503:
                    return answer, lost
                await asyncio.sleep(float(answer.headers["retry-after"]))
            lost += 1

    async def wait(self, within: float) -> None:
        """Until the series is what it has to become; what failed for a reason that passes is asked for again.

        Raises AssertionError if it failed for another reason.
        """
        async with asyncio.timeout(within):
            while (status := await self._settled()) != ("removed" if self.removed else "completed"):
                assert status == "failed", f"{self.key} is {status}"
                await self.load_again("retry")
                self.retried += 1

    async def _settled(self) -> str:
        while True:
            status = await self._stack.status(self.key)
            if status["loading_status"] in {"completed", "removed"} and status["position"] >= self.position:
                return str(status["loading_status"])
            if status["loading_status"] == "failed" and status["position"] > self.position:
                errors = [part["error"] for part in status["parts"].values() if part["status"] == "failed"]
                assert all(passes(error["kind"], error["code"]) for error in errors), f"{self.key}: {errors}"
                return "failed"
            await asyncio.sleep(0.2)
