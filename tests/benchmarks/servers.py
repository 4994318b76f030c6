"""A nats-server and a PostgreSQL of their own for one benchmark, with an empty log and empty tables."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec
from nats.aio.client import Client

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.platform import migrate, streams
from services.platform.broker import connect

Fill: TypeAlias = Callable[[Client], Awaitable[None]]


class Servers(msgspec.Struct, frozen=True):
    """Both, as their owners reach them, and their processes; `folder` is there as long as they are."""

    nats_url: str
    database_url: str
    folder: Path
    nats_pid: int
    postgres_pid: int


@asynccontextmanager
async def running_servers(*, sync_interval: str = "always", fill: Fill | None = None) -> AsyncIterator[Servers]:
    """Both servers; nothing of them is left afterwards.

    `fill` writes what the log is to hold before. It need not wait for the disk: nats-server is started anew behind it.
    """
    with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
        if fill is not None:
            async with _log(Path(folder), sync_interval="1m") as nats, _connected(nats) as nc:
                await fill(nc)
        postgres = Postgres(Path(folder))
        async with _log(Path(folder), sync_interval=sync_interval) as nats:
            await postgres.start()
            try:
                await migrate.upgrade(postgres.url())
                yield Servers(nats.url(), postgres.url(), Path(folder), nats.pid or 0, postgres.pid or 0)
            finally:
                await postgres.stop()


@asynccontextmanager
async def _log(folder: Path, *, sync_interval: str) -> AsyncIterator[NatsServer]:
    """A nats-server with the log's streams."""
    nats = NatsServer(folder, sync_interval=sync_interval)
    await nats.start()
    try:
        async with _connected(nats) as nc:
            await streams.declare(nc.jetstream())
        yield nats
    finally:
        await nats.stop()


@asynccontextmanager
async def _connected(nats: NatsServer) -> AsyncIterator[Client]:
    nc = await connect("bench", nats.url())
    try:
        yield nc
    finally:
        await nc.close()
