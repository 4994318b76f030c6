"""Work on the event log itself, with the operator's rights: finding its server, and what it says to who has none."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.protocol.parser import PERMISSIONS_ERR

from deploy.local.daemon import StartFailed
from deploy.local.nats_server import NatsServer
from services.cli.errors import CliError
from services.platform.tasks import end

CLIENT = "coldopen-cli"
_CONNECTING = 5  # seconds
T = TypeVar("T")


async def as_operator(url: str, work: Callable[[Client], Awaitable[T]], *, what: str) -> T:
    """Await `work` with a connection to `url`. Raises CliError: nobody answers, or the URL's user may not do `what`."""
    servers = [one.strip() for one in url.split(",")]
    denied: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def on_error(error: Exception) -> None:
        # Nothing else tells: the server answers nobody who may not ask.
        if PERMISSIONS_ERR in str(error) and not denied.done():
            denied.set_exception(_not_allowed(what, str(error)))

    try:
        # Without the services' patience: somebody waits for the answer.
        async with asyncio.timeout(_CONNECTING):
            nc = await nats.connect(
                servers, name=CLIENT, allow_reconnect=False, max_reconnect_attempts=1, error_cb=on_error
            )
    except (NatsError, OSError, ValueError) as error:  # a TimeoutError is an OSError
        why = str(error) or type(error).__name__
        raise CliError(f"the event log can't be reached: {why}", hint="is it running? see: coldopen doctor") from error
    working = asyncio.ensure_future(work(nc))
    try:
        first, _ = await asyncio.wait({working, denied}, return_when=asyncio.FIRST_COMPLETED)
        return await (denied if denied in first else working)
    finally:
        denied.cancel()
        await end(working, patience=_CONNECTING)
        await nc.close()


def _not_allowed(what: str, why: str) -> CliError:
    return CliError(
        f"this user of the event log may not {what}: {why}",
        hint="set COLDOPEN_NATS_URL to the operator's (nats://operator:…), which the bootstrap takes",
    )


@asynccontextmanager
async def own_server(data_dir: Path, *, sync_interval: str = "always") -> AsyncIterator[str]:
    """The operator's URL of the data directory's nats-server, which runs for the block only.

    With COLDOPEN_NATS_URL it is that one. Raises CliError if the server can't be started, or runs already.
    """
    if url := os.environ.get("COLDOPEN_NATS_URL"):
        yield url
        return
    server = NatsServer(data_dir, sync_interval=sync_interval)
    try:
        await server.start()
    except (StartFailed, OSError) as error:
        first, _, rest = str(error).partition("\n")
        raise CliError(first, hint=rest or None) from error
    try:
        yield server.url()
    finally:
        await server.stop()
