"""What a test needs to know of a NATS connection, or to ask of the log behind it."""

from dataclasses import replace

from nats.aio.client import Client

from contracts.subjects import STREAM
from services.platform.event_store import EventStore


async def taken_by_server(nc: Client) -> None:
    """Wait until the server has taken everything that was sent on `nc` before.

    One `flush` does not say so: nats-py 2.16 writes its PING past what still waits to be written, so the answer may
    come before a subscription made just before is there. The first one empties the buffer, the second one asks.
    """
    await nc.flush()
    await nc.flush()


async def forget_ids_at_once(store: EventStore) -> None:
    """Let the log recognise a repeated id for a moment only, and not for its two minutes."""
    config = (await store.js.stream_info(STREAM)).config
    await store.js.update_stream(replace(config, duplicate_window=0.1))
