"""`coldopen up` to the first 202, on a new data directory and on one that is there; and what all of it holds in memory.

Beside the start: nats-server and PostgreSQL alone, new and again, with nothing of ours. Memory is the proportional set
size (what several processes share is counted once), idle and at most while series load, beside the servers' share.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from deploy.standin import StandIn
from tests.benchmarks.harness import Figure
from tests.support.stack import Stack
from tests.support.waiting import eventually

ROUNDS = 3
SERIES = 50
DELAY = 0.1  # seconds of each upstream call while they load
_SERVERS = ("nats-server", "postgres")


class _Taken:
    """The values of each figure, by its name, in its unit."""

    def __init__(self) -> None:
        self.up: dict[str, list[float]] = {"new": [], "again": []}
        self.servers: dict[str, list[float]] = {"new": [], "again": []}
        self.memory: dict[str, list[float]] = {"idle": [], "loading": []}
        self.share: dict[str, list[float]] = {"idle": [], "loading": []}


async def run() -> list[Figure]:
    """Two figures in seconds, two in megabytes."""
    taken = _Taken()
    for _ in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
            await _round(Path(folder), taken)
    alone, share = "nats-server and PostgreSQL alone", "nats-server's and PostgreSQL's share"
    measured = [
        ("`coldopen up` to the first 202, new", "s", taken.up["new"], alone, taken.servers["new"], "≤ 6 s"),
        ("`coldopen up` to the first 202, again", "s", taken.up["again"], alone, taken.servers["again"], "≤ 3 s"),
        ("memory of everything, idle", "MB", taken.memory["idle"], share, taken.share["idle"], "≤ 400 MB"),
        (f"… while {SERIES} series load", "MB", taken.memory["loading"], share, taken.share["loading"], ""),
    ]
    return [
        Figure(name, unit, values[1:], beside, limits[1:], aim, smaller_is_better=True)  # the first round warms up
        for name, unit, values, beside, limits, aim in measured
    ]


async def _round(folder: Path, taken: _Taken) -> None:
    async with StandIn(same_pictures=True) as standin:
        stack = Stack(folder / "up", standin)
        (folder / "up").mkdir()
        for start in ("new", "again"):
            taken.servers[start].append(await _start_servers(folder / "servers"))
            begun = time.perf_counter()
            await stack.start()
            try:
                answer = await stack.add(f"Start {start}")
                taken.up[start].append(time.perf_counter() - begun)
                assert answer.status_code == 202, answer.text
                await stack.settled(f"start-{start}")  # whatever is loaded late is loaded
                if start == "new":  # the run that holds the most
                    await _measure_memory(stack, taken)
            finally:
                await stack.stop()


async def _start_servers(data_dir: Path) -> float:
    """Seconds until both servers answer, started together as `up` does."""
    nats, postgres = NatsServer(data_dir), Postgres(data_dir)
    begun = time.perf_counter()
    await asyncio.gather(nats.start(), postgres.start())
    seconds = time.perf_counter() - begun
    await asyncio.gather(nats.stop(), postgres.stop())
    return seconds


async def _measure_memory(stack: Stack, taken: _Taken) -> None:
    up = psutil.Process(stack.run_file()["pid"])
    whole, servers = _megabytes(up)
    taken.memory["idle"].append(whole)
    taken.share["idle"].append(servers)
    stack.standin.delay = DELAY
    names = [f"Memory {number}" for number in range(SERIES)]
    await asyncio.gather(*(stack.add(name) for name in names))
    most = (0.0, 0.0)

    async def are_loaded() -> bool:
        nonlocal most
        most = max(most, _megabytes(up))
        async with stack.client() as client:
            page = (await client.get("/api/anime", params={"loading_status": "completed", "limit": 1})).json()
        return bool(page["total"] >= SERIES)

    await eventually(are_loaded, within=180, every=0.2)
    taken.memory["loading"].append(most[0])
    taken.share["loading"].append(most[1])


def _megabytes(up: psutil.Process) -> tuple[float, float]:
    """The proportional set size of `up` and all its descendants, and of those that are servers."""
    family = [up, *up.children(recursive=True)]
    return _sum(family), _sum(one for one in family if _is_server(one))


def _is_server(one: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return one.name().startswith(_SERVERS)
    return False


def _sum(processes: Iterable[psutil.Process]) -> float:
    total = 0
    for one in processes:
        with suppress(OSError):  # it has ended meanwhile
            lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total / 1e6
