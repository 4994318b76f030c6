"""A gateway in the test's own process, over real servers and real HTTP, and the projector's work step by step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.api import Frame
from contracts.events import Event, RecordedEvent
from contracts.presentation import encode_update
from contracts.subjects import FEED_SUBJECT
from services.gateway.app import Parts
from services.gateway.auth import Hosts
from services.gateway.describe import Describe, Described
from services.gateway.feed import Hub
from services.gateway.main import make_server
from services.gateway.metrics import Metrics
from services.gateway.read_model import ReadModel
from services.gateway.server import Server
from services.gateway.sessions import Sessions
from services.platform import streams
from services.platform.broker import NO_BUFFER, connect
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claims
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.links import Link
from services.projector import domain as folding
from services.projector.read_model import ReadModel as WritableReadModel
from tests.support.connection import taken_by_server
from tests.support.waiting import eventually

API_KEY = "a key of at least 16 characters"
LINK = "https://aniworld.to/anime/stream/one-piece"


class Gateway:
    """A running gateway; `http` sends the API key, `store` is the operator's."""

    def __init__(self, server: Server, parts: Parts, store: EventStore, engine: AsyncEngine) -> None:
        self.server = server
        self.hub = parts.hub
        self.metrics = parts.metrics
        self.store = store
        self.url = f"http://127.0.0.1:{server.bound_port}"
        self.http = httpx2.AsyncClient(base_url=self.url, headers={"x-api-key": API_KEY}, timeout=10.0, trust_env=False)
        self._rows = WritableReadModel(engine)

    async def add(self, *, expected: int = 202, **wish: Any) -> dict[str, Any]:
        """POST /api/anime/add; `link` has a default, name and year too, so that nobody is asked for them."""
        wish = {"link": LINK, "name": "One Piece", "year": 1999} | wish
        response = await self.http.post("/api/anime/add", json=wish)
        assert response.status_code == expected, response.text
        return dict(response.json())

    async def get(self, path: str, *, expected: int = 200, **params: Any) -> dict[str, Any]:
        response = await self.http.get(path, params=params)
        assert response.status_code == expected, response.text
        return dict(response.json())

    async def record(self, *events: Event) -> int:
        """Put events into the log; the last one's position."""
        position = 0
        for event in events:
            position = (await self.store.append(event)).position
        return position

    async def project(self, *, tell: bool = True) -> None:
        """What the projector does with all that it has not folded yet; without `tell` its frame gets lost."""
        before = await self._rows.checkpoint()
        found = [one async for one in self.store.read_all(after=before.position)]
        events = [one for one in found if isinstance(one, RecordedEvent)]
        folded = folding.fold(await self._rows.states(folding.keys_of(events)), events)
        log_id = (await self.store.info()).log_id
        after = await self._rows.commit(log_id, before, found[-1].position if found else before.position, folded)
        if tell:
            updates = [msgspec.Raw(encode_update(state)) for state in folded.changes]
            await self.tell(Frame(log=log_id, after=before.position, position=after.position, updates=updates))

    async def beat(self) -> None:
        """The projector's heartbeat."""
        stand = await self._rows.checkpoint()
        await self.tell(Frame(log=stand.log_id or "", after=stand.position, position=stand.position))

    async def tell(self, frame: Frame) -> None:
        await self.store.nc.publish(FEED_SUBJECT, msgspec.json.encode(frame))
        await taken_by_server(self.store.nc)


class SaysNothing:
    """A site that tells neither name nor year."""

    async def __call__(self, link: Link) -> Described:
        return Described()


@asynccontextmanager
async def running_gateway(
    *,
    gateway_nats: str,
    operator_nats: str,
    reader_url: str,
    owner_url: str,
    library: Path,
    catalogues: Catalogues | None = None,
    describe: Describe | None = None,
    patience: float = 60.0,
    auth: bool = True,
) -> AsyncIterator[Gateway]:
    """A gateway with the rights that it has in earnest, on a free port."""
    operator = await connect("test", operator_nats)
    await streams.declare(operator.jetstream())
    nc = await connect("gateway", gateway_nats, pending_size=NO_BUFFER)
    reader, owner = connect_engine(reader_url, connect_timeout=1.0), connect_engine(owner_url)
    store, metrics, read_model = EventStore(nc, timeout=2.0), Metrics(), ReadModel(reader)
    parts = Parts(
        store=store,
        claims=await Claims.open(store),
        read_model=read_model,
        hub=Hub(nc, read_model, (await store.info()).log_id, metrics, patience=patience),
        library=Library(library),
        catalogues=catalogues or Catalogues([]),
        describe=describe or SaysNothing(),
        metrics=metrics,
        hosts=Hosts("127.0.0.1", ["media.example"]),
        sessions=Sessions(API_KEY) if auth else None,
    )
    server = make_server(parts, "127.0.0.1", 0)
    running = asyncio.ensure_future(server.run_until_stopped())
    try:
        await eventually(lambda: server.started or running.done())
        gateway = Gateway(server, parts, EventStore(operator, timeout=2.0), owner)
        await eventually(lambda: gateway.hub.position >= 0)
        yield gateway
        await gateway.http.aclose()
    finally:
        server.stop()
        await asyncio.wait_for(running, 15)
        for engine in (reader, owner):
            await engine.dispose()
        for connection in (nc, operator):
            await connection.close()
