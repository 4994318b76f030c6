"""Events a second rebuilt into an empty read model, beside reading and decoding the same events alone.

`COLDOPEN_BENCH_EVENTS` says how many events the log holds (100,000). Every measurement is a process of its own, which
prints its events a second and the most memory that it ever held.
"""

import asyncio
import os
import resource
import sys
import time

import msgspec
import uvloop
from nats.js import JetStreamContext
from sqlalchemy import text

from contracts import codec
from contracts.events import RecordedEvent
from contracts.subjects import subject_of
from services.platform import streams
from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable
from services.platform.telemetry import configure_logging
from services.projector.rebuild import rebuild
from tests.benchmarks.harness import Figure, interleaved
from tests.benchmarks.servers import running_servers
from tests.support.builders import BEGIN
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

EVENTS = int(os.environ.get("COLDOPEN_BENCH_EVENTS", "100000"))
ROUNDS = 3
_AT_ONCE = 100  # series: how many are sent before the server is waited for


class Measured(msgspec.Struct):
    """What one process found."""

    rate: float  # events a second
    cost: float  # µs of this process' own processor time for each event
    memory: int  # MiB, at most


async def run() -> list[Figure]:
    """The rate, and what it takes of the processor and of memory, beside what reading alone takes."""
    async with running_servers(sync_interval="1s") as servers:
        count = await _fill(servers.nats_url)
        return await _figures(servers.nats_url, servers.database_url, count)


async def _figures(nats_url: str, database_url: str, count: int) -> list[Figure]:
    memory: dict[str, list[float]] = {"rebuild": [], "read": []}
    cost: dict[str, list[float]] = {"rebuild": [], "read": []}

    async def measure(what: str) -> float:
        command = [sys.executable, "-m", "tests.benchmarks.rebuild", what, nats_url, database_url]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        printed, _ = await process.communicate()
        measured = msgspec.json.decode(printed, type=Measured)
        memory[what].append(measured.memory)
        cost[what].append(measured.cost)
        return measured.rate

    values, limits = await interleaved(ROUNDS, lambda: measure("rebuild"), lambda: measure("read"))
    return [
        Figure(f"rebuild of {count:,} events", "events/s", values, "read and decoded alone", limits, "≥ 0.50"),
        Figure(
            "processor time of the rebuild", "µs/event", cost["rebuild"], "reading alone", cost["read"], "≤ 2", True
        ),
        Figure("memory of the rebuild", "MiB", memory["rebuild"], "reading alone", memory["read"], "", True),
    ]


async def _fill(nats_url: str) -> int:
    """Series that are loaded whole, one after the other; the number of events."""
    nc = await connect("bench", nats_url)
    js = nc.jetstream()
    position = 0
    for number in range(EVENTS // len([added("x"), *loaded_after("x", 1)])):
        key = f"series-{number}"
        events = [added(key), *loaded_after(key, position + 1)]
        position += len(events)
        for event in events:
            headers = codec.headers_of(event, time=BEGIN)
            await nc.publish(subject_of(event), codec.encode(event), headers=headers)
        if number % _AT_ONCE == 0:
            await eventually(lambda: _is_recorded(js, position), within=60)  # noqa: B023 - awaited at once
    await eventually(lambda: _is_recorded(js, position), within=60)
    await nc.close()
    return position


async def _is_recorded(js: JetStreamContext, position: int) -> bool:
    return (await streams.log_info(js)).last_position == position


async def _read(store: EventStore) -> None:
    last = (await store.info()).last_position
    done = asyncio.Event()

    async def deliver(one: RecordedEvent | Unreadable) -> None:
        if one.position == last:
            done.set()

    following = await store.follow(0, deliver)
    await done.wait()
    await following.stop()


async def _measure(what: str, nats_url: str, database_url: str) -> None:
    configure_logging("bench", "warning")
    nc = await connect("bench", nats_url)
    store = EventStore(nc)
    engine = connect_engine(database_url, command_timeout=600)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE anime_series CASCADE"))
        await connection.execute(text("UPDATE checkpoint SET log_id = NULL, position = 0"))
    count = (await store.info()).last_position
    begun, used = time.perf_counter(), time.process_time()
    await (rebuild(engine, store, lambda _, __: None) if what == "rebuild" else _read(store))
    rate, cost = count / (time.perf_counter() - begun), (time.process_time() - used) / count * 1e6
    await engine.dispose()
    await nc.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(msgspec.json.encode(Measured(rate, cost, memory)).decode())


if __name__ == "__main__":
    uvloop.run(_measure(*sys.argv[1:]))
