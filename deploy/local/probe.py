"""Whether a port is free, and whether somebody answers there; without an HTTP library, which takes long to import."""

import asyncio
import errno
import socket
from contextlib import suppress
from urllib.parse import urlsplit

_PATIENCE = 2.0  # seconds for one answer
_MOST = 4096  # bytes of it


def can_listen(host: str, port: int) -> bool:
    """Whether a server could listen there now; raises OSError if the address is none of this machine's."""
    try:
        _listen(host, port)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return False
        raise
    return True


def free_port(host: str) -> int:
    """A port on `host` that nobody uses now."""
    return _listen(host, 0)


def _listen(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the gateway does: a port in TIME_WAIT is free
        probe.bind((host, port))
        probe.listen()
        return int(probe.getsockname()[1])


async def answers(url: str, saying: bytes) -> bool:
    """Whether GET `url` (http, no query) is answered with 200 and a short body that holds `saying`."""
    parts = urlsplit(url)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            answer = b""
            while len(answer) < _MOST and (chunk := await reader.read(_MOST)):
                answer += chunk
            writer.close()
        return b" 200 " in answer.partition(b"\r\n")[0] and saying in answer
    return False
