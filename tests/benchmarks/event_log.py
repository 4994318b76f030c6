"""A log filled for a benchmark, and what reading and decoding it alone takes: the limit of whatever folds it.

Every measurement is a process of its own, with the event loop and the collector of the services. It prints what it
found.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec
import uvloop
from nats.aio.client import Client
from nats.js import JetStreamContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts import codec
from contracts.events import RecordedEvent, SeriesAdded
from contracts.subjects import subject_of
from services.platform import streams
from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.service import COLLECT_AFTER
from services.platform.stored_event import Unreadable
from services.platform.telemetry import configure_logging
from tests.benchmarks.processes import memory_mib
from tests.support.builders import BEGIN
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

EVENTS_OF_A_SERIES = 1 + len(loaded_after("x", 1))
_AT_ONCE = 100  # series: how many are sent before the server is waited for

# What is measured, given the log, the database and the rest of the command line; how many events it was about.
Work: TypeAlias = Callable[[EventStore, AsyncEngine, list[str]], Awaitable[int]]


class Measured(msgspec.Struct):
    """What one process found."""

    rate: float  # events a second
    cost: float  # µs of this process' own processor time for each event
    memory: int  # MiB, at most


async def fill(nats_url: str, count: int) -> int:
    """Add series that are loaded whole, one after the other, until the log holds about `count`. How many it holds."""
    nc = await connect("bench", nats_url)
    begun = (await streams.log_info(nc.jetstream())).last_position // EVENTS_OF_A_SERIES
    position = await record_loaded(nc, range(begun, count // EVENTS_OF_A_SERIES))
    await nc.close()
    return position


async def record_loaded(
    nc: Client, numbers: range, beside: Callable[[SeriesAdded, int], Awaitable[None]] | None = None
) -> int:
    """Record series that are loaded whole; `beside` is told each add and its position. The log's last position."""
    js = nc.jetstream()
    position = (await streams.log_info(js)).last_position
    for number in numbers:
        key = key_of(number)
        series = added(key)
        if beside is not None:
            await beside(series, position + 1)
        events = [series, *loaded_after(key, position + 1)]
        position += len(events)
        for event in events:
            headers = codec.headers_of(event, time=BEGIN)
            await nc.publish(subject_of(event), codec.encode(event), headers=headers)
        if number % _AT_ONCE == 0:
            await eventually(lambda: _is_recorded(js, position), within=60)  # noqa: B023 - awaited at once
    await eventually(lambda: _is_recorded(js, position), within=60)
    return position


def key_of(number: int) -> str:
    """The series' keys, counted from 0."""
    return f"series-{number}"


async def _is_recorded(js: JetStreamContext, position: int) -> bool:
    return (await streams.log_info(js)).last_position == position


async def read(store: EventStore, _engine: AsyncEngine, _arguments: list[str]) -> int:
    """Read and decode every event, and nothing else."""
    last = (await store.info()).last_position
    done = asyncio.Event()

    async def deliver(one: RecordedEvent | Unreadable) -> None:
        if one.position == last:
            done.set()

    following = await store.follow(0, deliver)
    await done.wait()
    await following.stop()
    return last


async def measured(module: str, work: str, nats_url: str, database_url: str, *arguments: str) -> Measured:
    """What the process `python -m module work …` finds."""
    command = [sys.executable, "-m", module, work, nats_url, database_url, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return msgspec.json.decode(printed, type=Measured)


def _connect(database_url: str) -> AsyncEngine:
    return connect_engine(database_url, command_timeout=600)


def main(works: Mapping[str, Work], connect_database: Callable[[str], AsyncEngine] = _connect) -> None:
    """Be such a process: empty the tables, do the work that the command line names, say what it took."""
    work, nats_url, database_url, *arguments = sys.argv[1:]
    uvloop.run(_measure(works[work], nats_url, connect_database(database_url), arguments))


async def _measure(work: Work, nats_url: str, engine: AsyncEngine, arguments: list[str]) -> None:
    configure_logging("bench", "warning")
    gc.set_threshold(*COLLECT_AFTER)
    nc = await connect("bench", nats_url)
    store = EventStore(nc)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE anime_series CASCADE"))
        await connection.execute(text("UPDATE checkpoint SET log_id = NULL, position = 0"))
    begun, used = time.perf_counter(), time.process_time()
    count = await work(store, engine, arguments)
    rate, cost = count / (time.perf_counter() - begun), (time.process_time() - used) / count * 1e6
    await engine.dispose()
    await nc.close()
    memory = round(memory_mib(os.getpid(), "VmHWM"))  # not getrusage, which begins with what the parent held
    sys.stdout.write(msgspec.json.encode(Measured(rate, cost, memory)).decode())
