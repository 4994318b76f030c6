"""The feed's limit: a bare asyncio server that writes what it is told to every connection, and does nothing else.

`python -m tests.benchmarks.bare_feed NATS_URL PORT`: it answers any request with the head of an event stream, and
writes the bytes of each message on the subject `bench.bare`.
"""

import asyncio
import sys
from typing import cast

import uvloop
from nats.aio.msg import Msg

from services.platform.broker import connect

SUBJECT = "bench.bare"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 2000\nid: bare-0\n\n"


class _Connection(asyncio.Protocol):
    def __init__(self, everybody: set[asyncio.Transport]) -> None:
        self._everybody = everybody

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        self._transport.write(_HEAD)
        self._everybody.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._everybody.discard(self._transport)


async def _serve(nats_url: str, port: int) -> None:
    everybody: set[asyncio.Transport] = set()

    async def write(message: Msg) -> None:
        for transport in everybody:
            transport.write(message.data)

    nc = await connect("bench", nats_url)
    await nc.subscribe(SUBJECT, cb=write)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(everybody), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], int(sys.argv[2])))
