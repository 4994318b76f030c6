"""A load of HTTP requests that costs its sender little: keep-alive connections, prepared bytes."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec

from contracts.events import CONTENT_PARTS


class Connection:
    """A kept-alive connection for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, request: bytes) -> float:
        """Seconds until the whole answer was there. Raises RuntimeError for one that is no 2xx."""
        begun = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(head.decode())
        await self._reader.readexactly(_length(head))
        return time.perf_counter() - begun


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Connection]:
    """A connection, closed at the end of the block."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def send_all(host: str, port: int, requests: Iterator[bytes], concurrency: int) -> tuple[float, list[float]]:
    """Send every request over `concurrency` connections; requests a second, and each one's seconds.

    Raises RuntimeError for an answer that is no 2xx.
    """
    times: list[float] = []

    async def one_connection() -> None:
        async with connected(host, port) as connection:
            times.extend([await connection.send(request) for request in requests])

    begun = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(concurrency)))
    return len(times) / (time.perf_counter() - begun), times


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without a length")


def add_request(host: str, key: str, name: str, *, parts: tuple[str, ...] = CONTENT_PARTS) -> bytes:
    """A request that adds a series, its year given."""
    slug = name.lower().replace(" ", "-")
    link = f"https://aniworld.to/anime/stream/{slug}"
    body = msgspec.json.encode({"link": link, "name": name, "year": 2013, "parts": parts})
    return (
        f"POST /api/anime/add HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
