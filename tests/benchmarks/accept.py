"""Adds a second on one gateway, beside bare durable publishes and beside the same route doing nothing."""

import asyncio
import itertools
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from deploy.local.nats_server import running_url
from services.platform.broker import connect
from services.platform.event_store import EventStore
from tests.benchmarks.harness import Figure
from tests.benchmarks.processes import answering, running_module
from tests.benchmarks.requests import add_request, send_all
from tests.support.gateway_process import free_port
from tests.support.histories import added
from tests.support.stack import Stack, running_stack

REQUESTS = {1: 300, 16: 1_500, 64: 1_500}  # by how many are sent at once
ROUNDS = 3
_NUMBERS = itertools.count()


async def run() -> list[Figure]:
    """Two figures for each concurrency: the same adds beside each limit."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
        # Without loaders at work: what an add costs, not what they do meanwhile.
        async with running_stack(Path(folder), COLDOPEN_MAX_CONCURRENT_LOADS="1") as stack:
            stack.standin.delay = 3600.0
            port = free_port()
            async with running_module("tests.benchmarks.noop", str(port)):
                await answering(port)
                for concurrency in REQUESTS:
                    figures += await _figures(stack, port, concurrency)
    return figures


class _Taken(msgspec.Struct):
    """Each by the second; `latencies` of adds, in seconds."""

    adds: list[float] = []
    publishes: list[float] = []
    nothings: list[float] = []
    latencies: list[float] = []


async def _figures(stack: Stack, noop_port: int, concurrency: int) -> list[Figure]:
    url = running_url(stack.data_dir)
    assert url is not None
    nc = await connect("bench", url)
    store = EventStore(nc)
    taken = _Taken()
    for number in range(ROUNDS + 1):
        rate, latencies = await _adds(stack, int(stack.url.rpartition(":")[2]), concurrency)
        publish = await _publishes(store, concurrency)
        nothing, _ = await _adds(stack, noop_port, concurrency)
        if number:  # the first round warms up
            taken.adds.append(rate)
            taken.publishes.append(publish)
            taken.nothings.append(nothing)
            taken.latencies += latencies
    await nc.close()
    quantiles = statistics.quantiles(taken.latencies, n=100)
    name = f"adds, {concurrency} at once (p50 {1e3 * quantiles[49]:.1f} ms, p99 {1e3 * quantiles[98]:.1f} ms)"
    return [
        Figure(name, "/s", taken.adds, "bare durable publishes", taken.publishes, "≥ 0.60 of the lesser"),
        Figure(name, "/s", taken.adds, "the same route doing nothing", taken.nothings, "≥ 0.60 of the lesser"),
    ]


async def _adds(stack: Stack, port: int, concurrency: int) -> tuple[float, list[float]]:
    host, key = f"127.0.0.1:{port}", stack.headers["X-Api-Key"]
    requests = [add_request(host, key, f"Series {next(_NUMBERS)}") for _ in range(REQUESTS[concurrency])]
    return await send_all("127.0.0.1", port, iter(requests), concurrency)


async def _publishes(store: EventStore, concurrency: int) -> float:
    count = REQUESTS[concurrency]
    events = iter([added(f"bare-{next(_NUMBERS)}", parts=(), origin="bulk") for _ in range(count)])

    async def one_writer() -> None:
        for event in events:
            await store.append(event)

    begun = time.perf_counter()
    await asyncio.gather(*(one_writer() for _ in range(concurrency)))
    return count / (time.perf_counter() - begun)
