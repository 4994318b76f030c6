"""Many requests in flight over one connection: one reply inbox, one handler per request.

nats-py's own `request` takes one answer only, and its `publish_async` never resolves on an error: this is the small
piece of plumbing under the pipelined publisher and the batch reads of the event store.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError


class Mux:
    """Requests by subject whose answers come back through one wildcard subscription."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._prefix = nc.new_inbox()
        self._tokens = itertools.count()
        self._waiting: dict[str, asyncio.Future[Msg] | asyncio.Queue[Msg]] = {}
        self._subscribed: asyncio.Task[object] | None = None

    async def request(self, subject: str, body: bytes, headers: dict[str, str] | None, *, timeout: float) -> Msg:
        """One answer. Raises TimeoutError, NoRespondersError, or nats-py's connection errors."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Msg] = loop.create_future()
        token = await self._send(subject, body, headers, future)
        timer = loop.call_later(timeout, _expire, future)  # `asyncio.timeout` costs more, and every add waits twice
        try:
            answer = await future
        finally:
            timer.cancel()
            self._waiting.pop(token, None)
        _raise_if_nobody(answer)
        return answer

    async def send(self, subject: str, body: bytes, headers: dict[str, str] | None) -> asyncio.Future[Msg]:
        """Send in the order of the calls; the answer comes when it comes. Who waits no longer cancels the future."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        token = await self._send(subject, body, headers, future)
        future.add_done_callback(lambda _: self._waiting.pop(token, None))
        return future

    async def stream(self, subject: str, body: bytes, *, timeout: float) -> AsyncIterator[Msg]:
        """All answers to one request; the caller stops at the one that ends them. `timeout` is for each answer."""
        queue: asyncio.Queue[Msg] = asyncio.Queue()
        token = await self._send(subject, body, None, queue)
        try:
            while True:
                async with asyncio.timeout(timeout):
                    answer = await queue.get()
                _raise_if_nobody(answer)
                yield answer
        finally:
            self._waiting.pop(token, None)

    async def _send(
        self,
        subject: str,
        body: bytes,
        headers: dict[str, str] | None,
        waiter: asyncio.Future[Msg] | asyncio.Queue[Msg],
    ) -> str:
        if self._subscribed is None:
            self._subscribed = asyncio.ensure_future(self._nc.subscribe(f"{self._prefix}.*", cb=self._on_answer))
        if not self._subscribed.done():
            await asyncio.shield(self._subscribed)
        self._subscribed.result()
        token = str(next(self._tokens))
        self._waiting[token] = waiter
        try:
            await self._nc.publish(subject, body, reply=f"{self._prefix}.{token}", headers=headers)
        except BaseException:
            self._waiting.pop(token, None)
            raise
        return token

    async def _on_answer(self, message: Msg) -> None:
        waiter = self._waiting.get(message.subject.rpartition(".")[2])
        if isinstance(waiter, asyncio.Queue):
            waiter.put_nowait(message)
        elif waiter is not None and not waiter.done():
            waiter.set_result(message)


def _expire(future: asyncio.Future[Msg]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _raise_if_nobody(answer: Msg) -> None:
    if answer.headers and answer.headers.get("Status") == "503":
        raise NoRespondersError
