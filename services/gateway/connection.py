"""uvicorn's HTTP connection, with a way to send a part of a body without waiting and without a task of its own.

`send` of ASGI is a coroutine behind several others: for a thousand clients of the feed that costs more than all else.
"""

from collections.abc import Callable
from typing import Any

from litestar.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_EXTENSION = "coldopen.send_now"


class Connection(HttpToolsProtocol):
    """Offers `sender` to every request, as an extension of ASGI."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if getattr(self.cycle, "scope", None) is not self.scope:
            return  # it becomes a WebSocket
        self.scope["extensions"] = {_EXTENSION: {"send_now": _sender(self.cycle)}}


def sender(scope: Scope) -> Callable[[bytes], bool] | None:
    """What sends some of a body that has begun, whole `chunk`s, if nothing is in the way; it says whether it did.

    None behind another server than ours.
    """
    extensions: dict[str, Any] = scope.get("extensions") or {}
    send_now: Callable[[bytes], bool] | None = extensions.get(_EXTENSION, {}).get("send_now")
    return send_now


def chunk(body: bytes) -> bytes:
    """`body`, which is not empty, as a chunk of HTTP/1.1."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def _sender(cycle: RequestResponseCycle) -> Callable[[bytes], bool]:
    flow, write = cycle.flow, cycle.transport.write

    def send_now(chunks: bytes) -> bool:
        if flow.write_paused or not cycle.chunked_encoding or cycle.response_complete or cycle.disconnected:
            return False
        write(chunks)
        return True

    return send_now
