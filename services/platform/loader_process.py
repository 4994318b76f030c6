"""A loader process: FastStream's broker pulls the parts' deliveries, a slot each; `stop` hands running loads back.

A slot is one pull subscription of one message on the part's shared durable consumer: as many run side by side as
there are slots, in any number of processes. FastStream declares nothing (`streams.py` does) and acknowledges nothing
(`part_loader.py` does).
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias

import structlog
from faststream import AckPolicy, FastStream
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from contracts.events import Part
from contracts.subjects import STREAM
from services.platform.broker import connect_options
from services.platform.event_store import EventStore
from services.platform.job import Work
from services.platform.neighbours import Neighbours
from services.platform.part_loader import PartLoader
from services.platform.service import limit_stop
from services.platform.settings import LoaderSettings
from services.platform.streams import loader_config

log = structlog.get_logger()

OpenWorks: TypeAlias = Callable[[EventStore], AbstractAsyncContextManager[Mapping[Part, Work]]]

_WATCH_EVERY = 5.0
_PULL_TIMEOUT = 5.0


async def run_loaders(service: str, settings: LoaderSettings, works: OpenWorks) -> None:
    """Run until SIGTERM or SIGINT. `works(store)` opens what the parts' works need and gives them by part."""
    broker = NatsBroker(
        **connect_options(service, settings.nats_url),
        apply_types=False,
        graceful_timeout=settings.grace,
        logger=_faststream_logger(),
    )
    store = EventStore(await broker.connect())
    async with works(store) as by_part:
        neighbours = Neighbours()
        loaders = [PartLoader(part, store, work, neighbours=neighbours) for part, work in by_part.items()]
        for loader in loaders:
            _subscribe(broker, loader, settings.max_concurrent_loads)
        app = FastStream(broker, logger=None)
        watchdog = asyncio.ensure_future(_watch(store, list(by_part)))

        @app.on_shutdown
        async def hand_back() -> None:
            limit_stop()
            watchdog.cancel()  # the connection is about to be closed on purpose
            # Before the broker stops: its cancel scope would take the last events with it.
            await asyncio.gather(*(loader.stop(settings.grace) for loader in loaders))

        try:
            await app.run()
        finally:
            watchdog.cancel()


def _faststream_logger() -> logging.Logger:
    """A logger in our own form; FastStream's has colours, and lines of its own for tracebacks."""
    logger = logging.getLogger("coldopen.faststream")
    # A lost connection is said already, by `connect_options`, and without a traceback.
    logger.addFilter(lambda record: not record.getMessage().startswith("Connection broken"))
    return logger


def _subscribe(broker: NatsBroker, loader: PartLoader, slots: int) -> None:
    async def take(message: NatsMessage) -> None:
        await loader.handle(message.raw_message)

    async def as_it_is(message: NatsMessage) -> NatsMessage:
        return message  # the handler gets what this returns: the delivery itself, for contracts/codec.py to decode

    for _ in range(slots):
        broker.subscriber(
            config=loader_config(loader.part),  # wanted by FastStream for its names: the consumer is there already
            durable=loader.part.value,
            stream=JStream(STREAM, declare=False),
            pull_sub=PullSub(batch_size=1, timeout=_PULL_TIMEOUT),
            ack_policy=AckPolicy.MANUAL,
            decoder=as_it_is,
        )(take)


async def _watch(store: EventStore, parts: list[Part]) -> None:
    """End the process when its consumer is gone or its connection closed: FastStream would spin or block for ever.

    The supervisor starts the process anew.
    """
    while True:
        await asyncio.sleep(_WATCH_EVERY)
        gone = store.nc.is_closed
        for part in parts:
            with suppress(NatsError, TimeoutError, OSError):  # not connected just now: it reconnects by itself
                try:
                    await store.js.consumer_info(STREAM, part.value)
                except NotFoundError:
                    gone = True
        if gone:
            log.error("consumer_gone", parts=parts, is_closed=store.nc.is_closed)
            os.kill(os.getpid(), signal.SIGTERM)
