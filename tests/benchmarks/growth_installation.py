"""Coldopen with as many series as is wanted: the log, the claims and the rows that so many adds have left.

Nothing of it is made up for the measurement but the time it took: the log's events are those of series that were loaded
whole, and the rows are folded from it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx2
import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.api import Frame
from contracts.events import SeriesAdded
from contracts.subjects import FEED_SUBJECT
from services.platform.broker import connect
from services.platform.claims import Claim, Claims, folder_token, page_token
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.streams import CLAIMS_BUCKET
from tests.benchmarks.event_log import EVENTS_OF_A_SERIES, key_of, record_loaded
from tests.benchmarks.processes import processor_seconds, running_module
from tests.benchmarks.servers import Servers, running_servers
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.waiting import eventually

_STRIDE = 7919  # a prime: one series after the other, far from the one before


class Installation:
    """Servers that hold `series` series; `gateway` and `http` are there in the block of `running`."""

    gateway: GatewayProcess
    http: httpx2.AsyncClient

    def __init__(self, servers: Servers, series: int, nc: Client, claims: Claims, engine: AsyncEngine) -> None:
        self.servers = servers
        self.series = series
        self.events = series * EVENTS_OF_A_SERIES
        self.nc = nc
        self.store = EventStore(nc)
        self.claims = claims
        self.engine = engine
        self.pids = {"nats-server": servers.nats_pid, "PostgreSQL": servers.postgres_pid}
        self.told = 0  # the position of the projector's last frame
        self._number = 0

    def next_key(self) -> str:
        """A series, never one that was meant shortly before, if there are others."""
        self._number += _STRIDE
        return key_of(self._number % self.series)

    async def used(self, processes: tuple[str, ...], work: Callable[[], Awaitable[None]]) -> float:
        """The seconds of processor time that `processes` take while `work` is done."""
        before = self._used(processes)
        await work()
        return self._used(processes) - before

    def _used(self, processes: tuple[str, ...]) -> float:
        return sum(processor_seconds(self.pids[name]) for name in processes)

    async def forget_rows(self) -> None:
        """Leave the tables empty, as if they were lost."""
        async with self.engine.begin() as connection:
            await connection.execute(text("TRUNCATE anime_series CASCADE"))
            await connection.execute(text("UPDATE checkpoint SET log_id = NULL, position = 0"))

    async def settle_rows(self) -> None:
        """Do at once what PostgreSQL does by itself within some minutes."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM (ANALYZE)"))

    async def projected(self, position: int) -> None:
        """Return when the projector has told of `position`."""
        await eventually(lambda: self.told >= position, within=60, every=0.001)

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[None]:
        """A projector, as a process."""
        servers = self.servers
        running = running_module("services.projector", nats_url=servers.nats_url, database_url=servers.database_url)
        async with running as process:
            self.pids["projector"] = process.pid
            yield

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A projector and a gateway."""
        servers = self.servers
        async with (
            self.projecting(),
            gateway_process(
                nats_url=servers.nats_url, database_url=servers.database_url, library=servers.folder
            ) as self.gateway,
            self.gateway.client(timeout=60.0) as self.http,
        ):
            self.pids["gateway"] = self.gateway.pid
            yield

    async def hear(self, message: Msg) -> None:
        """A frame of the projector."""
        self.told = max(self.told, msgspec.json.decode(message.data, type=Frame).position)


@asynccontextmanager
async def installation(series: int) -> AsyncIterator[Installation]:
    """One with `series` series in its log, and no rows yet; nothing runs but its servers."""
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(running_servers(fill=partial(_fill, series)))
        nc = await connect("bench", servers.nats_url)
        stack.push_async_callback(nc.close)
        engine = connect_engine(servers.database_url, command_timeout=600)
        stack.push_async_callback(engine.dispose)
        one = Installation(servers, series, nc, await Claims.open(EventStore(nc)), engine)
        await nc.subscribe(FEED_SUBJECT, cb=one.hear)
        yield one


async def _fill(count: int, nc: Client) -> None:
    """Series that are loaded whole, one after the other, and the claims of each."""

    async def claim(series: SeriesAdded, position: int) -> None:
        body = msgspec.json.encode(Claim(series.key, position))
        for token in (page_token(series.canonical), folder_token(series.folder)):
            await nc.publish(f"$KV.{CLAIMS_BUCKET}.{token}", body)

    await record_loaded(nc, range(count), beside=claim)
