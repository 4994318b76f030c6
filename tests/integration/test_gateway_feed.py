"""The feed over real SSE: nothing is lost, nothing is stale, nobody waits for a slow reader."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx2
import pytest

from contracts.api import Frame
from contracts.events import Part, PartStarted
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.gateway import feed as feed_module
from services.gateway.feed import Hub
from services.gateway.read_model import ReadModel
from services.gateway.refusals import Unavailable
from services.platform.database import connect_engine
from tests.support.feed import subscribed
from tests.support.gateway import API_KEY, Gateway, running_gateway
from tests.support.histories import added
from tests.support.waiting import eventually

KEY_HEADER = {"x-api-key": API_KEY}


@pytest.fixture
async def gateway(servers: dict[str, Any]) -> AsyncIterator[Gateway]:
    async with running_gateway(**servers, patience=1.0) as gateway:
        yield gateway


async def nudge(gateway: Gateway, key: str, delivery: int) -> int:
    """One event that changes the series; its position."""
    started = PartStarted(key=key, part=Part.IDENTITY, cause=1, attempt=1, delivery=delivery)
    return (await gateway.store.append(started)).position


async def test_a_subscriber_gets_the_present_and_then_every_change(gateway: Gateway) -> None:
    """The snapshot by position, then what is committed; ids ascend."""
    await gateway.record(added("b"), added("a"))
    await gateway.project()

    async with subscribed(gateway.url, KEY_HEADER) as received:
        await eventually(lambda: len(received.events) == 2)
        await gateway.record(added("c"))
        await gateway.project()
        await eventually(lambda: len(received.events) == 3)

    assert [update["key"] for update in received.updates] == ["b", "a", "c"]
    assert received.positions == [1, 2, 3]
    log_id = (await gateway.store.info()).log_id
    assert received.last_id == f"{log_id[:8]}-3"
    assert received.updates[0]["loading_status"] == "pending"


async def test_a_filter_lets_only_its_keys_through(gateway: Gateway) -> None:
    """Also a key that does not exist yet."""
    await gateway.record(added("a"))
    await gateway.project()

    async with subscribed(gateway.url, KEY_HEADER, key="c") as received:
        await gateway.record(added("b"), added("c"))
        await gateway.project()
        await eventually(lambda: received.events)

    assert [update["key"] for update in received.updates] == ["c"]


async def test_a_filter_takes_several_keys(gateway: Gateway) -> None:
    """Named one after the other in the query."""
    await gateway.record(added("a"), added("b"), added("c"))
    await gateway.project()
    told = b""

    async with gateway.http.stream("GET", "/api/loading-status/stream", params={"key": ["a", "c"]}) as response:
        async for chunk in response.aiter_bytes():
            told += chunk
            if b'"key":"c"' in told:
                break

    assert [b'"key":"%b"' % key in told for key in (b"a", b"b", b"c")] == [True, False, True]


async def test_without_a_snapshot_only_changes_come(gateway: Gateway) -> None:
    """snapshot=false."""
    await gateway.record(added("a"))
    await gateway.project()

    async with subscribed(gateway.url, KEY_HEADER, snapshot="false") as received:
        await gateway.record(added("b"))
        await gateway.project()
        await eventually(lambda: received.events)

    assert received.positions == [2]


async def test_without_a_snapshot_nobody_misses_what_came_before_the_first_change(gateway: Gateway) -> None:
    """An id comes at once: whoever loses the connection before anything has changed has a place to come back to."""
    await gateway.record(added("a"))
    await gateway.project()
    async with subscribed(gateway.url, KEY_HEADER, snapshot="false") as received:
        await eventually(lambda: received.last_id)
        nothing = list(received.events)
    await gateway.record(added("b"))
    await gateway.project()

    async with subscribed(gateway.url, KEY_HEADER | {"Last-Event-ID": received.last_id}, snapshot="false") as again:
        await eventually(lambda: again.events)

    assert nothing == []
    assert again.positions == [2]


async def test_the_headers_keep_proxies_from_holding_it_back(gateway: Gateway) -> None:
    """And `retry` comes first of all."""
    async with gateway.http.stream("GET", "/api/loading-status/stream") as response:
        first = await anext(response.aiter_bytes())

    assert first.startswith(b"retry: 2000\n\n")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"


async def test_whoever_comes_back_gets_what_changed_since(gateway: Gateway) -> None:
    """From memory: once for each series, its newest, and then the changes."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()
    async with subscribed(gateway.url, KEY_HEADER) as received:
        await eventually(lambda: len(received.events) == 2)
    for delivery in (1, 2, 3):
        await nudge(gateway, "a", delivery)
        await gateway.project()
    await eventually(lambda: gateway.hub.position == 5)

    async with subscribed(gateway.url, {**KEY_HEADER, "last-event-id": received.last_id}) as again:
        await eventually(lambda: again.events)
        await nudge(gateway, "a", 4)
        await gateway.project()
        await eventually(lambda: len(again.events) == 2)

    assert again.positions == [5, 6]


async def test_whoever_was_away_for_long_gets_it_from_the_rows(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is older than the memory is read from PostgreSQL; removals are told too."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()
    gateway.hub._recent_after = 2  # as if 4,096 updates had come since
    gateway.hub._recent.clear()
    await gateway.http.delete("/api/anime/a")
    await gateway.project()
    log_id = (await gateway.store.info()).log_id

    async with subscribed(gateway.url, {**KEY_HEADER, "last-event-id": f"{log_id[:8]}-1"}) as again:
        await eventually(lambda: len(again.events) == 2)

    assert [(one["key"], one["loading_status"]) for one in again.updates] == [("b", "pending"), ("a", "removed")]


@pytest.mark.parametrize("ident", ["00000000-1", "{log}-999999", "nonsense"])
async def test_an_id_that_says_nothing_starts_anew(gateway: Gateway, ident: str) -> None:
    """Another log's, one beyond the end, or none of ours: a reset and then the present."""
    await gateway.record(added("a"))
    await gateway.project()
    log_id = (await gateway.store.info()).log_id

    headers = {**KEY_HEADER, "last-event-id": ident.format(log=log_id[:8])}
    async with subscribed(gateway.url, headers) as received:
        await eventually(lambda: len(received.events) == 2)

    assert [event for event, _, _ in received.events] == ["reset", "series_loading_update"]


async def test_lost_frames_are_made_up_for_from_the_rows(gateway: Gateway) -> None:
    """The next frame, or the heartbeat, shows the gap; nothing comes twice or out of order."""
    await gateway.record(added("a"))
    await gateway.project()
    async with subscribed(gateway.url, KEY_HEADER) as received:
        await eventually(lambda: received.positions == [1])
        await gateway.record(added("b"))
        await gateway.project(tell=False)
        await gateway.record(added("c"))
        await gateway.project()
        await eventually(lambda: received.positions == [1, 2, 3])
        await gateway.record(added("d"))
        await gateway.project(tell=False)
        await gateway.beat()
        await eventually(lambda: received.positions == [1, 2, 3, 4])

    assert gateway.metrics.catch_ups._value.get() == 2


async def test_a_frame_without_its_updates_is_fetched(gateway: Gateway) -> None:
    """One that was too large says so."""
    async with subscribed(gateway.url, KEY_HEADER) as received:
        await gateway.record(added("a"))
        await gateway.project(tell=False)
        log_id = (await gateway.store.info()).log_id
        await gateway.tell(Frame(log=log_id, after=0, position=1, complete=False))
        await eventually(lambda: received.positions == [1])


async def test_no_client_misses_anything_whatever_gets_lost(gateway: Gateway) -> None:
    """Frames lost at random, clients coming and going: each ends with the newest state of every series."""
    chance = random.Random(7)
    keys = [f"s{number}" for number in range(5)]
    await gateway.record(*(added(key) for key in keys))
    await gateway.project()
    newest: dict[str, int] = {}

    async with subscribed(gateway.url, KEY_HEADER) as steady:
        last_id, seen = "", dict[str, int]()
        for delivery in range(1, 41):
            key = chance.choice(keys)
            started = PartStarted(key=key, part=Part.IDENTITY, cause=keys.index(key) + 1, attempt=1, delivery=delivery)
            newest[key] = (await gateway.store.append(started)).position
            await gateway.project(tell=chance.random() < 0.6)
            if delivery % 8 == 0:
                headers = {**KEY_HEADER, "last-event-id": last_id} if last_id else KEY_HEADER
                async with subscribed(gateway.url, headers) as coming:
                    await asyncio.sleep(0.05)
                seen |= dict(zip((one["key"] for one in coming.updates), coming.positions, strict=True))
                assert coming.positions == sorted(set(coming.positions))
                last_id = coming.last_id if coming.events else last_id
        await gateway.beat()
        await eventually(lambda: steady.positions[-1] == max(newest.values()))
        async with subscribed(gateway.url, {**KEY_HEADER, "last-event-id": last_id}) as coming:
            await asyncio.sleep(0.1)
        seen |= dict(zip((one["key"] for one in coming.updates), coming.positions, strict=True))

    assert steady.positions == sorted(set(steady.positions))
    ended = dict(zip((one["key"] for one in steady.updates), steady.positions, strict=True))
    assert ended == {**ended, **newest}
    assert seen == {**seen, **newest}


async def test_a_removal_is_told(gateway: Gateway) -> None:
    """And a newcomer does not hear of it, unless it asks for that very key."""
    await gateway.record(added("a"))
    await gateway.project()

    async with subscribed(gateway.url, KEY_HEADER) as received:
        await gateway.http.delete("/api/anime/a")
        await gateway.project()
        await eventually(lambda: len(received.events) == 2)
    async with subscribed(gateway.url, KEY_HEADER) as everything, subscribed(gateway.url, KEY_HEADER, key="a") as one:
        await eventually(lambda: one.events)

    assert received.statuses("a") == ["pending", "removed"]
    assert everything.events == []
    assert one.updates[0]["loading_status"] == "removed"


async def stalled_socket(gateway: Gateway, forwarded_for: str) -> socket.socket:
    """A client that asks for the feed, perhaps through a proxy, and then reads nothing at all."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", gateway.server.bound_port))
    request = f"GET /api/loading-status/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {API_KEY}\r\n"
    await loop.sock_sendall(raw, f"{request}{forwarded_for}\r\n".encode())
    return raw


@pytest.mark.parametrize("forwarded_for", ["", "X-Forwarded-For: 203.0.113.7\r\n"])
async def test_a_reader_that_takes_nothing_slows_nobody_and_is_dropped(gateway: Gateway, forwarded_for: str) -> None:
    """Others go on at once; the stalled one loses its connection after its time (here a second)."""
    await gateway.record(added("a", name="x" * 500, folder="y" * 255))
    await gateway.project()
    raw = await stalled_socket(gateway, forwarded_for)
    await eventually(lambda: len(gateway.hub._subscribers) == 1)
    log_id = (await gateway.store.info()).log_id
    body = json.dumps({"key": "a", "position": 1, "filling": "z" * 900_000})

    async with subscribed(gateway.url, KEY_HEADER) as received:
        for position in range(2, 22):
            update = body.replace('"position": 1', f'"position": {position}')
            raw_frame = {"log": log_id, "after": position - 1, "position": position, "updates": [json.loads(update)]}
            await gateway.store.nc.publish("status", json.dumps(raw_frame).encode())
        await eventually(lambda: received.positions[-1:] == [21])
        await eventually(lambda: len(gateway.hub._subscribers) == 1, within=5)
        assert received.positions == sorted(set(received.positions))
    raw.close()
    await eventually(lambda: not gateway.hub._subscribers)


async def test_a_reader_that_pauses_gets_each_update_once_and_whole(servers: dict[str, Any]) -> None:
    """Those that its connection takes are sent at once, the others wait: in order all the same."""
    async with running_gateway(**servers) as gateway:
        raw = await stalled_socket(gateway, "")
        await eventually(lambda: len(gateway.hub._subscribers) == 1)
        log_id = (await gateway.store.info()).log_id

        def is_at(position: int) -> bool:
            return gateway.hub.position == position

        for position in range(1, 61):
            update = {"key": f"s{position}", "position": position, "filling": "z" * 100_000}
            frame = {"log": log_id, "after": position - 1, "position": position, "updates": [update]}
            await gateway.store.nc.publish("status", json.dumps(frame).encode())
            await eventually(partial(is_at, position))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        told, last = bytearray(), f"\nid: {log_id[:8]}-60\n".encode()
        async with asyncio.timeout(60):
            while told.find(last, -150_000) < 0 or not told.endswith(b"}\n\n\r\n"):
                more = await asyncio.get_running_loop().sock_recv(raw, 1 << 20)
                assert more, "broken off"
                told += more
        raw.close()

    ids = [int(line.rpartition(b"-")[2]) for line in told.splitlines() if line.startswith(b"id: ")]
    assert ids == list(range(1, 61))
    assert told.count(b"z" * 100_000) == 60


async def test_a_silent_feed_gives_a_sign_of_life(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, so that neither a proxy nor the client takes the connection for dead."""
    monkeypatch.setattr(feed_module, "_SILENCE", 0.2)
    async with gateway.http.stream("GET", "/api/loading-status/stream") as response:
        chunks = response.aiter_bytes()
        await anext(chunks)
        async with asyncio.timeout(5):
            assert (await anext(chunks)).startswith(b":")


async def test_an_open_stream_does_not_hold_up_a_stop(gateway: Gateway) -> None:
    """It ends cleanly, and the server is gone well within two seconds."""
    ended = asyncio.Event()

    async def read() -> None:
        async with gateway.http.stream("GET", "/api/loading-status/stream") as response:
            async for _ in response.aiter_bytes():
                pass
        ended.set()

    readers = [asyncio.ensure_future(read()) for _ in range(20)]
    await eventually(lambda: len(gateway.hub._subscribers) == 20)

    async with asyncio.timeout(3):
        gateway.server.stop()
        await asyncio.gather(*readers)

    assert ended.is_set()


async def test_a_restart_of_nats_loses_nothing(gateway: Gateway, nats_server: NatsServer) -> None:
    """What was committed while NATS was away comes from the rows after the reconnect."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()
    async with subscribed(gateway.url, KEY_HEADER) as received:
        await eventually(lambda: received.positions == [1, 2])
        await gateway.record(added("c"))
        await gateway.project(tell=False)
        await nats_server.restart()

        await eventually(lambda: received.positions == [1, 2, 3])


@pytest.mark.parametrize(
    "params", [{"key": "Bad Key"}, {"key": "a\0"}, {"keys": "a"}, {"snapshot": "perhaps"}], ids=str
)
async def test_a_bad_subscription_is_refused(gateway: Gateway, params: dict[str, Any]) -> None:
    """400 that names what is wrong, before any stream begins."""
    response = await gateway.http.get("/api/loading-status/stream", params=params)

    assert response.status_code == 400
    assert next(iter(params)) in response.json()["detail"]


async def test_a_feed_without_a_key_is_refused(gateway: Gateway) -> None:
    """401, as everywhere."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{gateway.url}/api/loading-status/stream")

    assert response.status_code == 401


async def test_the_first_subscriber_waits_until_it_is_known_where_the_rows_stand(
    servers: dict[str, Any], postgres: Postgres, database: str
) -> None:
    """It comes right after the start, and is not sent away."""
    async with running_gateway(**servers) as gateway:
        nc, read_model = gateway.store.nc, ReadModel(engine := connect_engine(servers["reader_url"]))
        hub = Hub(nc, read_model, gateway.hub.log_id, gateway.metrics)
        connection = await postgres.connect(database=database)
        async with connection.transaction():
            await connection.execute("LOCK TABLE checkpoint")
            async with hub.running():
                joining = asyncio.ensure_future(hub.join(None, lambda: None))
                await eventually(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
                came_too_early = joining.done()
                await connection.execute("ROLLBACK")
                subscriber = await joining
        await connection.close()
        await engine.dispose()

    assert not came_too_early
    assert hub.position == 0
    assert not subscriber.closed


async def test_nobody_waits_for_rows_that_could_not_be_read(servers: dict[str, Any]) -> None:
    """503, for the second client without a wait."""
    async with running_gateway(**servers) as gateway:
        nowhere = connect_engine("postgresql+asyncpg://nobody@/nothing?host=/nonexistent", connect_timeout=1.0)
        hub = Hub(gateway.store.nc, ReadModel(nowhere), gateway.hub.log_id, gateway.metrics)
        async with hub.running():
            with pytest.raises(Unavailable, match="PostgreSQL"):
                await hub.join(None, lambda: None)
            with pytest.raises(Unavailable, match="PostgreSQL"):
                hub.join(None, lambda: None).send(None)
        await nowhere.dispose()
