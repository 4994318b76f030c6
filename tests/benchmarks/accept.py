"""Adds a second on one gateway, beside bare durable publishes and beside the same route doing nothing."""

import asyncio
import itertools
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import msgspec

from deploy.local.nats_server import running_url
from services.platform.broker import connect
from services.platform.event_store import EventStore
from tests.benchmarks.harness import Figure
from tests.benchmarks.requests import posts, send_all
from tests.support.histories import added
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

CONCURRENCY = 16
REQUESTS = 1_500
ROUNDS = 3
_NUMBERS = itertools.count()


async def run() -> list[Figure]:
    """Two figures: the same adds beside each limit."""
    with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
        # Without loaders at work: what an add costs, not what they do meanwhile.
        async with running_stack(Path(folder), COLDOPEN_MAX_CONCURRENT_LOADS="1") as stack:
            stack.standin.delay = 3600.0
            port = _free_port()
            noop = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.benchmarks.noop", str(port))
            try:
                await eventually(lambda: _answers(port), within=20)
                return await _figures(stack, port)
            finally:
                noop.terminate()
                await noop.wait()


async def _figures(stack: Stack, noop_port: int) -> list[Figure]:
    url = running_url(stack.data_dir)
    assert url is not None
    nc = await connect("bench", url)
    store = EventStore(nc)
    adds, publishes, nothings, latencies = [], [], [], []
    for number in range(ROUNDS + 1):
        rate, times = await _adds(stack, int(stack.url.rpartition(":")[2]))
        publish = await _publishes(store)
        nothing, _ = await _adds(stack, noop_port)
        if number:  # the first round warms up
            adds.append(rate)
            publishes.append(publish)
            nothings.append(nothing)
            latencies += times
    await nc.close()
    quantiles = statistics.quantiles(latencies, n=100)
    name = f"adds, {CONCURRENCY} at once (p50 {1e3 * quantiles[49]:.1f} ms, p99 {1e3 * quantiles[98]:.1f} ms)"
    return [
        Figure(name, "/s", adds, "bare durable publishes", publishes, "≥ 0.60 of the lesser"),
        Figure(name, "/s", adds, "the same route doing nothing", nothings, "≥ 0.60 of the lesser"),
    ]


async def _adds(stack: Stack, port: int) -> tuple[float, list[float]]:
    def body(number: int) -> bytes:
        link = f"https://aniworld.to/anime/stream/series-{number}"
        return msgspec.json.encode({"link": link, "name": f"Series {number}", "year": 2013})

    first = next(_NUMBERS) * REQUESTS
    requests = posts("/api/anime/add", f"127.0.0.1:{port}", stack.headers["X-Api-Key"], body, first, REQUESTS)
    return await send_all("127.0.0.1", port, requests, CONCURRENCY)


async def _publishes(store: EventStore) -> float:
    numbers = iter(range(REQUESTS))
    first = next(_NUMBERS) * REQUESTS

    async def one_writer() -> None:
        for number in numbers:
            await store.append(added(f"bare-{first + number}", parts=(), origin="bulk"))

    begun = time.perf_counter()
    await asyncio.gather(*(one_writer() for _ in range(CONCURRENCY)))
    return REQUESTS / (time.perf_counter() - begun)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _answers(port: int) -> bool:
    try:
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{port}/")).status_code == 404
    except httpx2.HTTPError:
        return False
