"""The connection to NATS, made the same way by every process: it reconnects without limit and says so in the log."""

import asyncio
from typing import Any

import nats
import structlog
from nats.aio.client import Client

log = structlog.get_logger()

# A command that can't reach the log must fail at once, not be stored after its caller was told that it failed.
NO_BUFFER = 0


def connect_options(service: str, url: str) -> dict[str, Any]:
    """Options of `nats.connect`, also for FastStream's broker: the same name, patience and log lines everywhere."""

    async def on_error(error: Exception) -> None:
        log.warning("nats_error", error=str(error) or type(error).__name__)

    async def on_disconnect() -> None:
        log.info("nats_disconnected")  # also in an orderly stop; an outage has told its error as a warning before

    async def on_reconnect() -> None:
        log.info("nats_reconnected")

    return {
        "servers": [one.strip() for one in url.split(",")],
        "name": f"coldopen-{service}",
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "error_cb": on_error,
        "disconnected_cb": on_disconnect,
        "reconnected_cb": on_reconnect,
    }


async def connect(service: str, url: str, *, pending_size: int | None = None, patience: float = 30.0) -> Client:
    """A connection that outlives the server's restarts; TimeoutError if none is made within `patience` seconds."""
    options = connect_options(service, url)
    if pending_size is not None:
        options["pending_size"] = pending_size
    try:
        async with asyncio.timeout(patience):
            return await nats.connect(**options)
    except TimeoutError:
        raise TimeoutError(f"no NATS server answered within {patience:.0f} s: is it running?") from None
