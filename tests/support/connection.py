"""What a test needs to know of a NATS connection."""

from nats.aio.client import Client


async def taken_by_server(nc: Client) -> None:
    """Wait until the server has taken everything that was sent on `nc` before.

    One `flush` does not say so: nats-py 2.16 writes its PING past what still waits to be written, so the answer may
    come before a subscription made just before is there. The first one empties the buffer, the second one asks.
    """
    await nc.flush()
    await nc.flush()
