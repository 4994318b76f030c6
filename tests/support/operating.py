"""What only the operator of a running installation's broker may do: write any bytes, change a durable consumer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import nats
from nats.js import JetStreamContext

from contracts.events import Part
from contracts.subjects import STREAM
from deploy.local.nats_server import running_url
from tests.support.stack import Stack


@asynccontextmanager
async def _operating(stack: Stack) -> AsyncIterator[JetStreamContext]:
    url = running_url(stack.data_dir)
    assert url is not None
    nc = await nats.connect(url)
    try:
        yield nc.jetstream()
    finally:
        await nc.close()


async def put(stack: Stack, subject: str, body: bytes) -> int:
    """Put bytes into the log; their position."""
    async with _operating(stack) as js:
        return (await js.publish(subject, body)).seq


async def hurry(stack: Stack, ack_wait: float = 4.0) -> None:
    """Have the broker wait `ack_wait` seconds for a worker that is silent, where it otherwise waits 10.

    A test in which workers die one after another would else mostly wait. Workers signal every 2.5 s.
    """
    async with _operating(stack) as js:
        for part in Part:
            config = (await js.consumer_info(STREAM, part.value)).config
            await js.add_consumer(STREAM, replace(config, ack_wait=ack_wait))
            assert (await js.consumer_info(STREAM, part.value)).config.ack_wait == ack_wait
