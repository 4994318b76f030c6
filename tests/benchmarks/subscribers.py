"""Subscribers of the feed, as many as are asked for, in a process of their own that costs little.

`python -m tests.benchmarks.subscribers NATS_URL`: raw connections that look for ids in what comes, and note when each
came to whom. `Subscribers` tells it what to do, over NATS. Times are of the machine's one monotonic clock, in seconds.
"""

import asyncio
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from services.platform.broker import connect
from tests.support.gateway import API_KEY

_ID = re.compile(rb"\nid: .{1,8}-(\d+)\n")
_AT_ONCE = 50  # connections that are opened at a time
_PATIENCE = 120.0


class Open(msgspec.Struct, tag=True):
    """Connect `count` clients of the audience `name` with `request`; answered when each has got its first id."""

    name: str
    port: int
    request: bytes
    count: int


class Heard(msgspec.Struct, tag=True):
    """Answered when every client of the audience has got `position`: by when the last one had it."""

    name: str
    position: int


class Lateness(msgspec.Struct, tag=True):
    """Answered when every client has got the last of `sent` (when each position was): by the median and the 99th
    percentile of the seconds to each receipt of each.
    """

    name: str
    sent: dict[int, float]


class Close(msgspec.Struct, tag=True):
    """Answered when all connections of the audience are closed."""

    name: str


def request(port: int, *, snapshot: bool = False) -> bytes:
    """What a subscriber of the gateway at `port` sends."""
    return (
        f"GET /api/loading-status/stream?snapshot={str(snapshot).lower()} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nX-Api-Key: {API_KEY}\r\nAccept: text/event-stream\r\n\r\n"
    ).encode()


class Subscribers:
    """The process, as those see it who tell it what to do."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc

    async def is_ready(self) -> bool:
        """Whether the process takes orders."""
        try:
            await self.ask(Close("nobody"))
        except NoRespondersError:
            return False
        return True

    async def ask(self, what: Open | Heard | Lateness | Close) -> list[float]:
        """Its answer."""
        answer = await self._nc.request("bench.subscribers", msgspec.json.encode(what), timeout=_PATIENCE)
        return msgspec.json.decode(answer.data, type=list[float])


class _Audience:
    """The clients of one server: by position, when each of them got it."""

    def __init__(self) -> None:
        self.transports: list[asyncio.BaseTransport] = []
        self.begun = 0
        self.times: defaultdict[int, list[float]] = defaultdict(list)
        self.news = asyncio.Event()

    async def heard(self, position: int) -> float:
        await self._until(lambda: len(self.times[position]) == len(self.transports))
        last = self.times[position][-1]
        self.times.clear()
        return last

    async def lateness(self, sent: dict[int, float]) -> list[float]:
        await self._until(lambda: len(self.times[max(sent)]) == len(self.transports))
        found = [received - began for position, began in sent.items() for received in self.times[position]]
        self.times.clear()
        quantiles = statistics.quantiles(found, n=100)
        return [quantiles[49], quantiles[98]]

    async def all_begun(self) -> None:
        await self._until(lambda: self.begun == len(self.transports))

    async def _until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            self.news.clear()
            await self.news.wait()


class _Client(asyncio.Protocol):
    def __init__(self, audience: _Audience, request: bytes) -> None:
        self._audience = audience
        self._request = request
        self._rest = b""
        self._has_begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._rest + data
        positions = _ID.findall(data)
        self._rest = data[max(data.rfind(b"\n"), 0) :]
        if positions and not self._has_begun:
            self._has_begun = True
            self._audience.begun += 1
            del positions[0]  # where it begins
        for position in positions:
            self._audience.times[int(position)].append(now)
        self._audience.news.set()


class _Crowd:
    def __init__(self) -> None:
        self._audiences: defaultdict[str, _Audience] = defaultdict(_Audience)

    async def answer(self, message: Msg) -> None:
        asked = msgspec.json.decode(message.data, type=Open | Heard | Lateness | Close)
        await message.respond(msgspec.json.encode(await self._do(asked)))

    async def _do(self, asked: Open | Heard | Lateness | Close) -> list[float]:
        audience = self._audiences[asked.name]
        match asked:
            case Open():
                await _connect(audience, asked)
            case Heard():
                return [await audience.heard(asked.position)]
            case Lateness():
                return await audience.lateness(asked.sent)
            case Close():
                for transport in audience.transports:
                    transport.close()
                del self._audiences[asked.name]
        return []


async def _connect(audience: _Audience, asked: Open) -> None:
    loop = asyncio.get_running_loop()
    for start in range(0, asked.count, _AT_ONCE):
        connecting = [
            loop.create_connection(lambda: _Client(audience, asked.request), "127.0.0.1", asked.port)
            for _ in range(min(_AT_ONCE, asked.count - start))
        ]
        audience.transports += [transport for transport, _ in await asyncio.gather(*connecting)]
        await audience.all_begun()


async def _run(nats_url: str) -> None:
    nc = await connect("bench", nats_url)
    await nc.subscribe("bench.subscribers", cb=_Crowd().answer)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_run(sys.argv[1]))
