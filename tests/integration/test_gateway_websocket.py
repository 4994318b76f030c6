"""The feed over a real WebSocket: the same updates, for the keys that the client names."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from contracts.api import Frame
from contracts.events import Part, PartStarted
from deploy.local.postgres import Postgres
from services.gateway.websocket import MOST_KEYS
from tests.support.gateway import API_KEY, Gateway
from tests.support.histories import added
from tests.support.waiting import eventually


def connected(gateway: Gateway, **headers: str) -> connect:
    address = gateway.url.replace("http://", "ws://") + "/ws/loading-status"
    return connect(address, additional_headers=headers or {"x-api-key": API_KEY}, proxy=None)


async def say(client: ClientConnection, action: str, *keys: str) -> None:
    await client.send(json.dumps({"action": action, "keys": list(keys)} if keys else {"action": action}))


async def hear(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return dict(json.loads(await client.recv()))


@asynccontextmanager
async def rows_held_back(postgres: Postgres, database: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever reads a series' row in the block waits until its end."""
    connection = await postgres.connect(database=database)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE anime_series")
            yield connection
    finally:
        await connection.close()


async def reader_that_waits(connection: asyncpg.Connection) -> int:
    """The process of whoever waits for the rows; 0 if nobody does."""
    return await connection.fetchval("SELECT pid FROM pg_locks WHERE NOT granted") or 0


async def test_a_subscriber_to_all_gets_the_present_and_then_every_change(gateway: Gateway) -> None:
    """The answer, the snapshot by position, the changes."""
    await gateway.record(added("b"), added("a"))
    await gateway.project()

    async with connected(gateway) as client:
        await say(client, "subscribe")
        answer = await hear(client)
        snapshot = [await hear(client), await hear(client)]
        await gateway.record(added("c"))
        await gateway.project()
        change = await hear(client)

    assert answer == {"type": "subscribed", "keys": None}
    assert [(one["key"], one["position"]) for one in [*snapshot, change]] == [("b", 1), ("a", 2), ("c", 3)]
    assert change["type"] == "series_loading_update"


async def test_a_large_snapshot_comes_whole(gateway: Gateway) -> None:
    """In order, though others have their turn in between; and it counts as given."""
    await gateway.record(*(added(f"s{number}") for number in range(250)))
    await gateway.project()

    async with connected(gateway) as client:
        await say(client, "subscribe")
        await hear(client)
        told = [(await hear(client))["position"] for _ in range(250)]

    assert told == list(range(1, 251))
    assert gateway.metrics.updates_sent._value.get() == 250


async def test_keys_come_and_go(gateway: Gateway) -> None:
    """Nothing before the first subscription; then only its keys, until they are taken back."""
    await gateway.record(added("a"), added("b"))
    await gateway.project()

    async with connected(gateway) as client:
        await say(client, "subscribe", "b")
        assert await hear(client) == {"type": "subscribed", "keys": ["b"]}
        assert (await hear(client))["key"] == "b"
        await say(client, "subscribe", "c")
        assert await hear(client) == {"type": "subscribed", "keys": ["b", "c"]}
        assert (await hear(client))["key"] == "b"
        await say(client, "unsubscribe", "b")
        assert await hear(client) == {"type": "subscribed", "keys": ["c"]}
        await gateway.record(
            PartStarted(key="b", part=Part.IDENTITY, cause=2, attempt=1, delivery=1), added("d"), added("c")
        )
        await gateway.project()
        assert (await hear(client))["key"] == "c"
        await say(client, "unsubscribe")
        assert await hear(client) == {"type": "subscribed", "keys": []}


async def test_nothing_comes_behind_the_end_of_a_subscription(
    gateway: Gateway, postgres: Postgres, database: str
) -> None:
    """Not even what was queued for it before."""
    position = await gateway.record(added("a"))
    await gateway.project()
    log_id = (await gateway.store.info()).log_id
    change = msgspec.Raw(json.dumps({"key": "a", "position": position + 1}).encode())

    async with connected(gateway) as client:
        async with rows_held_back(postgres, database) as connection:
            await say(client, "subscribe")
            await eventually(lambda: reader_that_waits(connection))
            await gateway.tell(Frame(log=log_id, after=position, position=position + 1, updates=[change]))
            await eventually(lambda: gateway.hub.position == position + 1)
            await say(client, "unsubscribe")
            await (await client.ping())
        heard = [await hear(client) for _ in range(3)]
        await say(client, "subscribe", "b")
        heard.append(await hear(client))

    assert heard[0] == {"type": "subscribed", "keys": None}
    assert heard[1]["position"] == position
    assert heard[2:] == [{"type": "subscribed", "keys": []}, {"type": "subscribed", "keys": ["b"]}]


async def test_without_a_snapshot_there_is_no_subscription(gateway: Gateway, postgres: Postgres, database: str) -> None:
    """The error leaves the client with the keys that it had before."""
    async with connected(gateway) as client:
        await say(client, "subscribe", "a")
        await hear(client)
        async with rows_held_back(postgres, database) as connection:
            await say(client, "subscribe", "b")
            reader = await eventually(lambda: reader_that_waits(connection))
            await connection.execute("SELECT pg_terminate_backend($1)", reader)
            error = await hear(client)
        await say(client, "subscribe", "c")
        answer = await hear(client)

    assert error["type"] == "error"
    assert answer == {"type": "subscribed", "keys": ["a", "c"]}


async def test_the_keys_of_one_client_are_bounded(gateway: Gateway) -> None:
    """However many messages name them; those that it has stay."""
    async with connected(gateway) as client:
        await say(client, "subscribe", *(f"key-{number}" for number in range(MOST_KEYS)))
        most = await hear(client)
        await say(client, "subscribe", "one-more")
        error = await hear(client)
        await say(client, "unsubscribe", "key-0")
        fewer = await hear(client)

    assert len(most["keys"]) == MOST_KEYS
    assert (error["type"], error["detail"][:20]) == ("error", "more than 1,000 keys")
    assert len(fewer["keys"]) == MOST_KEYS - 1


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "[]",
        '{"action": "dance"}',
        '{"action": "subscribe", "keys": "a"}',
        '{"action": "subscribe", "keys": ["Bad Key"]}',
        '{"action": "subscribe", "key": ["a"]}',
        b"\xff\xfe",
    ],
)
async def test_nonsense_is_answered_and_harms_nothing(gateway: Gateway, said: str | bytes) -> None:
    """An error says what would be understood; the connection goes on."""
    async with connected(gateway) as client:
        await client.send(said)
        error = await hear(client)
        await say(client, "subscribe", "a")
        after = await hear(client)

    assert error["type"] == "error"
    assert "subscribe" in error["detail"]
    assert after["type"] == "subscribed"


async def test_one_of_all_cannot_be_taken_back(gateway: Gateway) -> None:
    """The error says what to do instead."""
    async with connected(gateway) as client:
        await say(client, "subscribe")
        await hear(client)
        await say(client, "unsubscribe", "a")
        error = await hear(client)

    assert error["type"] == "error"
    assert "unsubscribe with no keys" in error["detail"]


@pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {"x-other": "none"}])
async def test_without_a_key_it_is_closed_with_1008(gateway: Gateway, headers: dict[str, str]) -> None:
    """A code that a client can read, and nothing else."""
    async with connected(gateway, **headers) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_page_of_another_site_cannot_open_it(gateway: Gateway) -> None:
    """Not even with a session: it is refused before it opens."""
    with pytest.raises(InvalidStatus) as refused:
        async with connected(gateway, **{"x-api-key": API_KEY, "origin": "https://evil.example"}):
            pass

    assert refused.value.response.status_code == 403


async def test_a_stop_closes_it_with_1001(gateway: Gateway) -> None:
    """Going away, within two seconds."""
    async with connected(gateway) as client:
        await say(client, "subscribe")
        await hear(client)
        gateway.server.stop()
        async with asyncio.timeout(3):
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_a_client_that_goes_is_forgotten(gateway: Gateway) -> None:
    """Also one that vanishes without a word."""
    async with connected(gateway) as client:
        await say(client, "subscribe")
        await hear(client)
        client.transport.abort()

        await eventually(lambda: not gateway.hub._subscribers)
