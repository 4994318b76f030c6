"""After an upgrade: what the old projector did not know counts again, and nothing else that was set aside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts import codec
from contracts.events import EventParked, EventUnparked, FilesDeleted, RecordedEvent, SeriesRemoved
from contracts.subjects import FEED_SUBJECT
from deploy.local.nats_server import NatsServer
from deploy.nats.permissions import PUBLISH
from services.platform.broker import connect
from services.platform.event_store import EventStore
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support.histories import added
from tests.support.waiting import eventually


@asynccontextmanager
async def projecting(server: NatsServer, engine: AsyncEngine) -> AsyncIterator[None]:
    """A projector with its own rights and no more has taken all that is in the log when the block is left."""
    nc = await connect("test", server.url("projector"))
    store = EventStore(nc, timeout=1.0)
    running = asyncio.ensure_future(Projector(store, ReadModel(engine)).run())

    async def has_caught_up() -> bool:
        last = (await store.info()).last_position
        return (await ReadModel(engine).checkpoint()).position == last

    try:
        yield
        await eventually(has_caught_up, within=30)
    finally:
        await end(running)
        await nc.close()


def unknown(body: bytes) -> str:
    """Why a projector sets aside a body whose type it does not know."""
    with pytest.raises(codec.UnknownTag) as caught:
        codec.decode(body)
    return str(caught.value)


async def releases(store: EventStore) -> list[int]:
    events = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return [event.parked_position for event in events if isinstance(event, EventUnparked)]


async def test_what_is_known_by_now_counts_again(
    store: EventStore, nats_server: NatsServer, engine: AsyncEngine
) -> None:
    """Once, however often a projector starts; what is unknown still, or was set aside for another reason, stays so."""
    why = unknown(b'{"type":"later.v1"}')
    await store.append(added("bleach"))
    await store.append(SeriesRemoved(key="bleach", delete_files=True))
    known = (await store.append(FilesDeleted(key="bleach", files=("a",)))).position
    refused = (await store.append(added("naruto"))).position
    later = (await store.js.publish("series.bleach.later", b'{"type":"later.v1"}')).seq
    await store.append(EventParked(key="bleach", parked_position=known, reason=why))
    await store.append(EventParked(key="naruto", parked_position=refused, reason="the database refused it: too long"))
    await store.append(EventParked(key="bleach", parked_position=later, reason=why))

    for _ in range(2):
        async with projecting(nats_server, engine):
            await eventually(lambda: releases(store), within=30)

    assert await releases(store) == [known]
    state = (await ReadModel(engine).states(["bleach"]))["bleach"]
    assert state.files_deleted
    assert list(state.parked) == [later]
    assert state == await store.state_of("bleach")


async def test_a_log_that_denies_it_keeps_nothing_from_being_projected(
    store: EventStore, nats_server: NatsServer, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server with the permissions of an older release."""
    monkeypatch.setitem(PUBLISH, "projector", (FEED_SUBJECT, "series.*.parked"))
    await nats_server.restart()
    await eventually(lambda: store.nc.is_connected, within=30)
    position = (await store.append(added("bleach"))).position
    await store.append(EventParked(key="bleach", parked_position=position, reason=unknown(b'{"type":"later.v1"}')))
    await store.append(added("naruto"))

    async with projecting(nats_server, engine):
        await eventually(lambda: ReadModel(engine).states(["naruto"]), within=30)

    assert await releases(store) == []
