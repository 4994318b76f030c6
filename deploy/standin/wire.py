"""As much HTTP/1.1 as the stand-in needs, on bare asyncio: it has to be able to break every rule of it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024


class Request(msgspec.Struct, frozen=True):
    """What came: `path` is decoded, `target` as it was sent."""

    method: str
    target: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes

    def first(self, name: str) -> str:
        """The first value of a query field; empty if there is none."""
        return next((value for field, value in self.query if field == name), "")


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out, and in which manner: dropped is no answer at all, trickled is a byte every `pace` seconds."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    manner: Literal["plain", "drop", "trickle", "endless"] = "plain"
    pace: float = 0.0


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Server:
    """Listens on 127.0.0.1; connections are kept alive until the client closes or the server stops."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler = handler
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None  # while it has a port and does not listen
        self.port = port

    async def start(self) -> None:
        self._socket = self._socket or self._bound()
        self._server = await asyncio.start_server(self._accept, sock=self._socket, limit=MAX_HEAD, backlog=1024)
        self._socket = None

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        if self._socket is not None:
            self._socket.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def refuse(self) -> None:
        """Refuse every connection, as a machine on which nobody listens, until `start`; nobody else gets the port."""
        await self.stop()
        self._socket = self._bound()

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        return bound

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await _read(reader)) is not None:
                if not await _write(writer, await self._handler(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client is gone, sent nonsense, or the server stops
        finally:
            self._connections.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None at the end, or for what is no HTTP."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3:
        return None
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        return None
    body = await reader.readexactly(int(length)) if int(length) else b""
    url = urlsplit(parts[1])
    query = parse_qsl(url.query, keep_blank_values=True)
    return Request(parts[0], parts[1], unquote(url.path), query, headers, body)


async def _write(writer: asyncio.StreamWriter, response: Response) -> bool:
    """Send in the response's manner; whether the connection can be used again."""
    if response.manner == "drop":
        return False
    endless = response.manner == "endless"
    length = "" if endless else f"Content-Length: {len(response.body)}\r\n"
    extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    head = (
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n"
        f"Content-Type: {response.content_type}\r\n{length}{extra}\r\n"
    ).encode("latin-1")
    if response.manner == "plain":
        writer.write(head + response.body)
        await writer.drain()
        return True
    writer.write(head)
    while endless:
        writer.write(bytes(65536))
        await writer.drain()
    for place in range(len(response.body)):
        writer.write(response.body[place : place + 1])
        await writer.drain()
        await asyncio.sleep(response.pace)
    return True
