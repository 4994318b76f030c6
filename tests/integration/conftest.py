"""What the services' tests begin with: a declared log, and what a gateway is made of."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.nats_server import NatsServer
from services.cli.main import main
from services.platform import streams
from services.platform.broker import NO_BUFFER, connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from tests.support.backups import Says
from tests.support.gateway import Gateway, running_gateway
from tests.support.gateway_process import GatewayProcess, gateway_process


@pytest.fixture
async def store(nats_url: str) -> AsyncIterator[EventStore]:
    """An empty log, with the operator's rights."""
    nc = await connect("test", nats_url, pending_size=NO_BUFFER)
    store = EventStore(nc, timeout=2.0)
    await streams.declare(store.js)
    yield store
    await nc.close()


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The owner's engine on a fresh database."""
    engine = connect_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def servers(nats_server: NatsServer, reader_url: str, database_url: str, tmp_path: Path) -> dict[str, Any]:
    """The servers and the library of a `running_gateway`, each with the rights that it has in earnest."""
    return {
        "gateway_nats": nats_server.url("gateway"),
        "operator_nats": nats_server.url(),
        "reader_url": reader_url,
        "owner_url": database_url,
        "library": tmp_path,
    }


@pytest.fixture
async def gateway(servers: dict[str, Any]) -> AsyncIterator[Gateway]:
    """A gateway in the test's own process."""
    async with running_gateway(**servers) as gateway:
        yield gateway


@pytest.fixture
async def process(store: EventStore, servers: dict[str, Any]) -> AsyncIterator[GatewayProcess]:
    """A gateway in a process of its own; `store` has made its log."""
    async with gateway_process(
        nats_url=servers["gateway_nats"], database_url=servers["reader_url"], library=servers["library"]
    ) as process:
        yield process


@pytest.fixture
async def other_server() -> AsyncIterator[NatsServer]:
    """Another server, with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        server = NatsServer(Path(folder), sync_interval="1m")
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def other_store(other_server: NatsServer) -> AsyncIterator[EventStore]:
    """The log of `other_server`, once there is one."""
    nc = await connect("test", other_server.url())
    yield EventStore(nc, timeout=2.0)
    await nc.close()


@pytest.fixture
def says(nats_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """The exit status, the last line of the output, and the errors of `coldopen` with the server `at`."""
    monkeypatch.chdir(tmp_path)

    async def says(*arguments: str, at: str = nats_url) -> tuple[int, str, str]:
        monkeypatch.setenv("COLDOPEN_NATS_URL", at)
        code = await asyncio.to_thread(main, list(arguments))
        said = capsys.readouterr()
        lines = said.out.splitlines()  # a projector of the same process logs there, too
        return code, lines[-1] if lines else "", said.err

    return says
