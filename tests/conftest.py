"""The real servers that tests run against: an empty nats-server for each test, one PostgreSQL for the session."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import READER
from tests.support.databases import EMPTY, MIGRATED, fresh_database, make_templates

# Nothing here is judged by the clock; and CI tries the same examples every time, people's runs new ones.
settings.register_profile(
    "coldopen", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("coldopen")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A new private folder with a short path, removed after the test."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        yield Path(folder)


@pytest.fixture
async def nats_server(data_dir: Path) -> AsyncIterator[NatsServer]:
    """A running nats-server of its own with nothing in it; it does not wait for the disk."""
    server = NatsServer(data_dir, sync_interval="1m")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def nats_url(nats_server: NatsServer) -> str:
    """The operator's URL of an empty nats-server; `nats_server.url(role)` gives the services' ones."""
    return nats_server.url()


# Started in the main thread and not in an event loop of its own: the server ends when the thread that started it does.
@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's PostgreSQL; take a `database_url` unless the server itself is what you test."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        server = Postgres(Path(folder), fsync=False)
        asyncio.run(server.start())
        try:
            asyncio.run(make_templates(server))
            yield server
        finally:
            asyncio.run(server.stop())


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The name of a fresh database with the newest tables and no rows."""
    async with fresh_database(postgres, MIGRATED) as name:
        yield name


@pytest.fixture
def database_url(postgres: Postgres, database: str) -> str:
    """The owner's URL (projector, migrations) of a fresh database with the newest tables and no rows."""
    return postgres.url(database=database)


@pytest.fixture
def reader_url(postgres: Postgres, database: str) -> str:
    """The URL of the role that only reads (gateway), of the same database as `database_url`."""
    return postgres.url(READER, database=database)


@pytest.fixture
async def empty_database(postgres: Postgres) -> AsyncIterator[str]:
    """The name of a fresh database without any table."""
    async with fresh_database(postgres, EMPTY) as name:
        yield name
