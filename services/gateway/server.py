"""uvicorn, taught two things: to end the feed's clients before it waits for them, and to break one connection off.

Left alone it never exits on SIGTERM while a stream is open, and ends WebSockets with 1012 instead of 1001.
"""

import asyncio
import resource
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, cast

import uvicorn
from litestar.types import ASGIApp, Scope

from services.gateway.connection import Connection
from services.platform.service import limit_stop

if TYPE_CHECKING:
    from uvicorn._types import ASGIApplication


class Server(uvicorn.Server):
    """Serves what `make_app` makes of `abort`; on a stop it first awaits `before_exit`, then closes."""

    def __init__(
        self,
        make_app: Callable[[Callable[[Scope], None]], ASGIApp],
        *,
        host: str,
        port: int,
        before_exit: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                cast("ASGIApplication", make_app(self.abort)),
                host=host,
                port=port,
                http=Connection,
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # `abort` knows a connection by its peer, not by whom a proxy names
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
                ws_max_size=64_000,
                ws_per_message_deflate=False,
            )
        )
        self._before_exit = before_exit
        self._stopping: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run_until_stopped(self) -> None:
        """Serve until `stop`, SIGTERM or SIGINT."""
        self._loop = asyncio.get_running_loop()
        await self.serve()

    @property
    def bound_port(self) -> int:
        """The port that is listened on; only while it serves."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: stop in order; a second SIGINT stops at once. It is not raised again, so the exit code is 0."""
        if sig == signal.SIGINT and self._stopping is not None:
            self.should_exit = self.force_exit = True
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(limit_stop)
            self._loop.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """Begin to stop; harmless when it has begun."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())

    async def _stop(self) -> None:
        try:
            await self._before_exit()
        finally:
            self.should_exit = True

    def abort(self, scope: Scope) -> None:
        """Break off the connection behind `scope` without waiting for its client to take what was sent."""
        for connection in tuple(self.server_state.connections):
            client = getattr(connection, "client", None)
            if client is not None and client == scope.get("client"):
                connection.transport.abort()


def allow_many_clients() -> None:
    """Let this process have as many files open as it ever may: each client is one, and it begins with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and refuses to set none
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
