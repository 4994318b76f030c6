"""How late an event reaches a subscriber: from its sending to the log, over the projector's rows, to its receipt.

Events come at the pace of a busy moment, to many subscribers of one gateway; in every other round there is one more
who never reads. It begins with a snapshot that is larger than what the kernel holds for it, so that it is stuck.
"""

import asyncio
import itertools
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from nats.aio.client import Client

from contracts.events import SeriesAdded
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from tests.benchmarks.harness import Figure
from tests.benchmarks.processes import running_module
from tests.benchmarks.servers import Servers
from tests.benchmarks.subscribers import Close, Lateness, Open, Subscribers, request
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.histories import added
from tests.support.projecting import has_caught_up
from tests.support.waiting import eventually

COUNT = 1_000
PACE = 50  # events a second
SECONDS = 6
ROUNDS = 3
AUDIENCE = "late"
SERIES = 6_000  # there before: about 6 MB of snapshot
_NUMBERS = itertools.count()


async def lateness(nc: Client, subscribers: Subscribers, servers: Servers) -> Figure:
    """The 99th percentile in ms, beside the same with one that never reads."""
    store = EventStore(nc)
    settings = {"nats_url": servers.nats_url, "database_url": servers.database_url}
    async with running_module("services.projector", **settings):
        await _fill(store, servers)
        async with gateway_process(**settings, library=servers.folder) as gateway:
            await subscribers.ask(Open(AUDIENCE, gateway.port, request(gateway.port), COUNT))
            medians, without, beside = [], [], []
            for number in range(ROUNDS + 1):
                median, alone = await paced(store, subscribers)
                async with _never_reading(gateway):
                    _, stuck = await paced(store, subscribers)
                if number:  # the first round warms up
                    medians.append(median)
                    without.append(alone)
                    beside.append(stuck)
            await subscribers.ask(Close(AUDIENCE))
    median = statistics.median(medians)
    name = f"event sent to the log → received by {COUNT:,} at {PACE} updates/s, p99 (p50 {median:.1f} ms)"
    return Figure(name, "ms", without, "the same beside one that never reads", beside, "≤ 50 ms", True)


async def _fill(store: EventStore, servers: Servers) -> None:
    for _ in range(SERIES // 500):
        await asyncio.gather(*(store.append(_next()) for _ in range(500)))
    engine = connect_engine(servers.database_url)
    await eventually(partial(has_caught_up, store, engine), within=120, every=0.1)
    await engine.dispose()


async def paced(store: EventStore, subscribers: Subscribers) -> tuple[float, float]:
    """p50 and p99 in ms of all receipts of `SECONDS` of events, by AUDIENCE."""
    sent: dict[int, float] = {}

    async def send() -> None:
        at = time.monotonic()
        sent[(await store.append(_next())).position] = at

    begun = time.monotonic()
    sending = []
    for number in range(PACE * SECONDS):
        await asyncio.sleep(begun + number / PACE - time.monotonic())
        sending.append(asyncio.ensure_future(send()))
    await asyncio.gather(*sending)
    p50, p99 = await subscribers.ask(Lateness(AUDIENCE, sent))
    return 1e3 * p50, 1e3 * p99


def _next() -> SeriesAdded:
    return added(f"late-{next(_NUMBERS)}", origin="bulk")


@asynccontextmanager
async def _never_reading(gateway: GatewayProcess) -> AsyncIterator[None]:
    """A subscriber with little room who asks for everything and takes nothing of it; stuck when the block begins."""
    before = last = await _updates_sent(gateway)

    async def is_stuck() -> bool:
        nonlocal last
        was, last = last, await _updates_sent(gateway)
        return before < last == was

    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", gateway.port))
        one.sendall(request(gateway.port, snapshot=True))
        await eventually(is_stuck, within=60, every=0.5)
        yield


async def _updates_sent(gateway: GatewayProcess) -> float:
    async with gateway.client() as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("coldopen_updates_sent_total "))
