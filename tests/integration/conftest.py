"""What the services' tests begin with: a declared log, and what a gateway is made of."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.broker import NO_BUFFER, connect
from services.platform.event_store import EventStore


@pytest.fixture
async def store(nats_url: str) -> AsyncIterator[EventStore]:
    """An empty log, with the operator's rights."""
    nc = await connect("test", nats_url, pending_size=NO_BUFFER)
    store = EventStore(nc, timeout=2.0)
    await streams.declare(store.js)
    yield store
    await nc.close()


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
