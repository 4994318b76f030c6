"""A nats-server and a PostgreSQL of their own for one benchmark, with an empty log and empty tables."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.platform import migrate, streams
from services.platform.broker import connect


class Servers(msgspec.Struct, frozen=True):
    """Both, as their owners reach them; `folder` is there as long as they are."""

    nats_url: str
    database_url: str
    folder: Path


@asynccontextmanager
async def running_servers(*, sync_interval: str = "always") -> AsyncIterator[Servers]:
    """Both servers; nothing of them is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
        nats, postgres = NatsServer(Path(folder), sync_interval=sync_interval), Postgres(Path(folder))
        await nats.start()
        await postgres.start()
        try:
            await migrate.upgrade(postgres.url())
            nc = await connect("bench", nats.url())
            await streams.declare(nc.jetstream())
            await nc.close()
            yield Servers(nats.url(), postgres.url(), Path(folder))
        finally:
            await postgres.stop()
            await nats.stop()
