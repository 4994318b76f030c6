"""What folding a whole log costs: the rows anew, the rows compared, the caretaker's look; and a projector's start.

`python -m tests.benchmarks.growth_log WORK NATS_URL DATABASE_URL` is one such work in a process of its own. It prints
what it took, without its start.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import Part, PartRequested
from services.caretaker.known import Known
from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.telemetry import configure_logging
from services.projector.rebuild import rebuild, verify
from tests.benchmarks.growth_installation import Installation
from tests.benchmarks.processes import memory_mib, processor_seconds
from tests.benchmarks.shapes import Growth, Shape

ROUNDS = 3
_SERVERS = ("nats-server", "PostgreSQL")
_START = "start"


class Used(msgspec.Struct, frozen=True):
    """What a work has used, the servers' share of the time included."""

    seconds: float  # of processor time
    memory: float  # MiB of the process, at most


async def log_rows(sizes: list[Installation]) -> list[Growth]:
    """Processor time of a process and of the servers, and memory. Every installation has its rows afterwards."""
    found: dict[str, list[list[Used]]] = {work: [[] for _ in sizes] for work in (*_WORKS, _START)}
    for _ in range(ROUNDS):
        for number, one in enumerate(sizes):
            await one.forget_rows()
            for work in _WORKS:
                found[work][number].append(await _used_by(work, one))
            found[_START][number].append(await _start(one))
    index = [[memory_mib(one.servers.nats_pid)] for one in sizes]
    return _rows([one.events for one in sizes], found, index)


def _rows(events: list[int], found: dict[str, list[list[Used]]], index: list[list[float]]) -> list[Growth]:
    def row(what: str, unit: str, values: list[list[float]], must: Shape = "flat", why: str = "") -> Growth:
        return Growth("events in the log", tuple(events), what, unit, tuple(values), must, why)

    def each(work: str) -> list[list[float]]:
        return [[1e6 * one.seconds / count for one in some] for some, count in zip(found[work], events, strict=True)]

    def memory(work: str) -> list[list[float]]:
        return [[one.memory for one in some] for some in found[work]]

    parked = "it asks first which events were set aside"
    pages = "nats-server, asked for a page of events at a time, reads the block of the log that holds it"
    states = "it holds the states of 20,000 series at most, and the keys of all"
    return [
        row("`rebuild` into empty tables, an event", "µs", each("rebuild")),
        row("memory of `rebuild`, at most", "MiB", memory("rebuild"), why=states),
        row("`rebuild --verify`, an event", "µs", each("verify")),
        row("memory of `rebuild --verify`, at most", "MiB", memory("verify"), why=states),
        row("the caretaker's first look at the log, an event", "µs", each("look"), why=pages),
        row("memory of the caretaker, which holds all states", "MiB", memory("look"), "linear"),
        row("start of a projector", "ms", [[1e3 * one.seconds for one in some] for some in found[_START]], why=parked),
        row("memory of nats-server, which holds all subjects", "MiB", index, "linear"),
    ]


async def _used_by(work: str, one: Installation) -> Used:
    told = b""

    async def do() -> None:
        nonlocal told
        servers = one.servers
        command = [sys.executable, "-m", "tests.benchmarks.growth_log", work, servers.nats_url, servers.database_url]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        told, _ = await process.communicate()

    by_servers = await one.used(_SERVERS, do)
    used = msgspec.json.decode(told, type=Used)
    return Used(used.seconds + by_servers, used.memory)


async def _start(one: Installation) -> Used:
    """Of a projector, until it has told what was recorded before it began."""
    before = await one.store.append(PartRequested(key=one.next_key(), part=Part.NFO, reason="refresh"))
    by_itself = memory = 0.0

    async def do() -> None:
        nonlocal by_itself, memory
        async with one.projecting():
            await one.projected(before.position)
            by_itself, memory = processor_seconds(one.pids["projector"]), memory_mib(one.pids["projector"])

    by_servers = await one.used(_SERVERS, do)
    return Used(by_itself + by_servers, memory)


async def _rebuild(store: EventStore, engine: AsyncEngine) -> None:
    await rebuild(engine, store, lambda _, __: None)


async def _verify(store: EventStore, engine: AsyncEngine) -> None:
    verified = await verify(engine, store, lambda _, __: None)
    assert verified.count == 0, verified


async def _look(store: EventStore, _: AsyncEngine) -> None:
    await Known(store).catch_up()


_WORKS: dict[str, Callable[[EventStore, AsyncEngine], Awaitable[None]]] = {
    "rebuild": _rebuild,
    "verify": _verify,
    "look": _look,
}


async def _work(name: str, nats_url: str, database_url: str) -> None:
    configure_logging("bench", "warning")
    nc = await connect("bench", nats_url)
    engine = connect_engine(database_url, command_timeout=3600)
    begun = time.process_time()
    await _WORKS[name](EventStore(nc), engine)
    seconds = time.process_time() - begun
    await engine.dispose()
    await nc.close()
    memory = memory_mib(os.getpid(), "VmHWM")  # not getrusage, which begins with what the parent held
    sys.stdout.write(msgspec.json.encode(Used(seconds, memory)).decode())


if __name__ == "__main__":
    uvloop.run(_work(*sys.argv[1:]))
