"""The feed: deliveries a second beside a bare server that writes the same bytes, memory, and how late an event comes.

`COLDOPEN_BENCH_SUBSCRIBERS` says how many subscribers one gateway has (`100,1000,5000`); what the system does not allow
a process files for is left out. The gateway, the bare server and the subscribers are a process each; what the
subscribers alone can take is measured too, as all share the machine.
"""

import math
import os
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from msgspec.structs import replace
from nats.aio.client import Client

from contracts.api import Frame
from contracts.presentation import update_of
from contracts.subjects import FEED_SUBJECT
from services.gateway.server import allow_many_clients
from services.gateway.updates import Update, encode
from services.platform.broker import connect
from services.platform.event_store import EventStore
from tests.benchmarks import bare_feed
from tests.benchmarks.harness import Figure, interleaved
from tests.benchmarks.lateness import lateness
from tests.benchmarks.processes import answering, running_module
from tests.benchmarks.servers import Servers, running_servers
from tests.benchmarks.subscribers import Close, Heard, Open, Subscribers, request
from tests.support.builders import added, all_loaded, identified, state_after
from tests.support.gateway_process import GatewayProcess, free_port, gateway_process
from tests.support.waiting import eventually

COUNTS = [int(count) for count in os.environ.get("COLDOPEN_BENCH_SUBSCRIBERS", "100,1000,5000").split(",")]
DELIVERIES = 40_000  # in one measurement, at least
BURST = 100_000  # deliveries of the updates that are sent at once, which are a hundred at most
ROUNDS = 3
_FILES = 100  # that a process has open besides its connections, at most
_UPDATE = update_of(state_after(added(), identified(), *all_loaded(2)))


async def run() -> list[Figure]:
    """For each count how fast updates go one by one and in bursts, and what a subscriber costs; then the lateness."""
    figures: list[Figure] = []
    files = _allow_files()
    async with running_servers() as servers:
        nc = await connect("bench", servers.nats_url)
        async with running_module("tests.benchmarks.subscribers", servers.nats_url):
            subscribers = Subscribers(nc)
            await eventually(subscribers.is_ready, within=60, every=0.05)
            for count in (one for one in COUNTS if 2 * one + _FILES < files):  # they hear both servers
                async with _fanout(nc, subscribers, servers, count) as fanout:
                    figures += await fanout.figures()
            figures.append(await lateness(nc, subscribers, servers))
        await nc.close()
    return figures


def _allow_files() -> int:
    """How many files the processes that are started from here may have open: as many as the system allows."""
    allow_many_clients()
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else allowed


class _Fanout:
    """A gateway and a bare server, each with an audience of `count`."""

    def __init__(self, nc: Client, subscribers: Subscribers, log_id: str, count: int) -> None:
        self._nc = nc
        self._subscribers = subscribers
        self._log_id = log_id
        self._count = count
        self._positions = {"gateway": 0, "bare": 0}
        self.memory = (0.0, 0.0)  # MiB of the gateway without subscribers, and with all of them

    async def open(self, gateway: GatewayProcess, bare_port: int) -> None:
        before = gateway.memory / 2**20
        for name, port in (("gateway", gateway.port), ("bare", bare_port)):
            await self._subscribers.ask(Open(name, port, request(port), self._count))
        self.memory = before, gateway.memory / 2**20

    async def close(self) -> None:
        for name in ("gateway", "bare"):
            await self._subscribers.ask(Close(name))

    async def figures(self) -> list[Figure]:
        to, at_once = f"{self._count:,} subscribers", min(100, BURST // self._count)
        single = await interleaved(ROUNDS, lambda: self._rate("gateway", 1), lambda: self._rate("bare", 1))
        burst = await interleaved(ROUNDS, lambda: self._rate("gateway", at_once), lambda: self._rate("bare", at_once))
        alone = [await self._rate("bare", at_once, joined=True) for _ in range(ROUNDS)]
        before, after = self.memory
        each = 1024 * (after - before) / self._count
        bare, unit = "a bare server", "/s"
        return [
            Figure(f"{to}, one update at a time", unit, single[0], bare, single[1], "≥ 0.60"),
            Figure(f"{to}, {at_once} updates at once", unit, burst[0], bare, burst[1], "≥ 0.60"),
            Figure(f"{to}, {at_once} updates at once", unit, burst[0], "what these subscribers can take", alone, ""),
            Figure(f"memory with {to} ({each:.0f} KiB each)", "MiB", [after], "with none", [before], "", True),
        ]

    async def _rate(self, name: str, at_once: int, *, joined: bool = False) -> float:
        """Deliveries a second: the next updates are sent when all have the last ones. `joined`: as one message."""
        repeats = math.ceil(DELIVERIES / self._count / at_once)
        taken = 0.0
        for _ in range(repeats):
            updates = self._next(name, at_once)
            subject, messages = self._messages(name, updates)
            begun = time.monotonic()
            for message in [b"".join(messages)] if joined else messages:
                await self._nc.publish(subject, message)
            (heard,) = await self._subscribers.ask(Heard(name, updates[-1].position))
            taken += heard - begun
        return repeats * at_once * self._count / taken

    def _next(self, name: str, count: int) -> list[Update]:
        """Updates of one series each, so that none takes the place of another."""
        first = self._positions[name] + 1
        self._positions[name] += count
        changed = [replace(_UPDATE, key=f"series-{one}", position=one) for one in range(first, first + count)]
        return [encode(one.key, one.position, msgspec.json.encode(one), self._log_id) for one in changed]

    def _messages(self, name: str, updates: list[Update]) -> tuple[str, list[bytes]]:
        if name == "bare":
            return bare_feed.SUBJECT, [one.sse for one in updates]
        return FEED_SUBJECT, [
            msgspec.json.encode(
                Frame(log=self._log_id, after=one.position - 1, position=one.position, updates=[msgspec.Raw(one.json)])
            )
            for one in updates
        ]


@asynccontextmanager
async def _fanout(nc: Client, subscribers: Subscribers, servers: Servers, count: int) -> AsyncIterator[_Fanout]:
    log_id = (await EventStore(nc).info()).log_id
    port = free_port()
    async with (
        gateway_process(
            nats_url=servers.nats_url, database_url=servers.database_url, library=servers.folder
        ) as gateway,
        running_module("tests.benchmarks.bare_feed", servers.nats_url, str(port)),
    ):
        await answering(port)
        fanout = _Fanout(nc, subscribers, log_id, count)
        await fanout.open(gateway, port)
        yield fanout
        await fanout.close()
