"""A load of HTTP requests that costs its sender little: keep-alive connections, prepared bytes."""

import asyncio
import time
from collections.abc import Callable, Iterator


async def send_all(host: str, port: int, requests: Iterator[bytes], concurrency: int) -> tuple[float, list[float]]:
    """Send every request over `concurrency` connections; requests a second, and each one's seconds.

    Raises RuntimeError for an answer that is no 2xx.
    """
    times: list[float] = []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            for request in requests:
                begun = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 2"):
                    raise RuntimeError(head.decode())
                await reader.readexactly(_length(head))
                times.append(time.perf_counter() - begun)
        finally:
            writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(concurrency)))
    return len(times) / (time.perf_counter() - begun), times


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without a length")


def posts(path: str, host: str, key: str, bodies: Callable[[int], bytes], first: int, count: int) -> Iterator[bytes]:
    """`count` POST requests with JSON bodies, numbered from `first`."""
    for number in range(first, first + count):
        body = bodies(number)
        yield (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
