"""Following the log over real HTTP, while clients are slow, gateways are started anew and the broker is away."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any

import httpx2
import psutil
import pytest

from contracts.events import Episode, EpisodesLoaded, Part, PartStarted, Season
from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.event_store import EventStore
from tests.support.gateway import Gateway
from tests.support.gateway_process import GatewayProcess
from tests.support.histories import added
from tests.support.waiting import eventually

LOG = "/api/events"


def started(key: str, number: int) -> PartStarted:
    return PartStarted(key=key, part=Part.NFO, cause=1, attempt=1, delivery=number)


async def fill(store: EventStore, megabytes: int) -> None:
    """Put that much into the log, in events of a megabyte."""
    episodes = tuple(Episode(number=number, title="x" * 980) for number in range(1000))
    for attempt in range(1, megabytes + 1):
        await store.append(
            EpisodesLoaded(key="long", cause=1, attempt=attempt, seasons=(Season(number=1, episodes=episodes),))
        )


class Follower:
    """A client that comes back with the last position that it was told, for ever."""

    def __init__(self, make_client: Callable[[], httpx2.AsyncClient], **asked: Any) -> None:
        self.positions: list[int] = []
        self.connections = 0
        self._client = make_client
        self._asked = asked

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except (httpx2.TransportError, httpx2.HTTPStatusError):
                await asyncio.sleep(0.02)

    async def has(self, count: int, *, connections: int = 1) -> None:
        """Wait until it has been told that many events, and has connected that often."""
        await eventually(lambda: len(self.positions) >= count and self.connections >= connections, within=60)

    async def _follow(self) -> None:
        after = self.positions[-1] if self.positions else 0
        params = {"after_position": after, "follow": "true", **self._asked}
        async with self._client() as client, client.stream("GET", LOG, params=params) as response:
            response.raise_for_status()
            self.connections += 1
            async for line in response.aiter_lines():
                if line:
                    self.positions.append(json.loads(line)["position"])


async def test_a_follower_sees_every_position_once_over_restarts_of_the_gateway(
    process: GatewayProcess, store: EventStore
) -> None:
    """Killed or stopped in order, while events are recorded all the time: of all series, and of one."""
    everything, one = Follower(process.client), Follower(process.client, key="even")
    written: dict[str, list[int]] = {"even": [], "odd": []}
    is_over = asyncio.Event()

    async def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            key = "odd" if number % 2 else "even"
            written[key].append((await store.append(started(key, number))).position)

    writing, *following = [asyncio.ensure_future(work) for work in (write(), everything.run(), one.run())]
    for times, number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL), 1):
        await everything.has(50 * times, connections=times)
        await process.stop(number)
        await process.start()
    is_over.set()
    await writing
    end = (await store.info()).last_position

    await eventually(lambda: everything.positions[-1:] == [end], within=60)
    await eventually(lambda: one.positions[-1:] == written["even"][-1:], within=60)
    assert everything.positions == list(range(1, end + 1))
    assert one.positions == written["even"]
    assert everything.connections >= 4
    for task in following:
        task.cancel()


async def test_slow_readers_cost_the_gateway_no_memory(process: GatewayProcess, store: EventStore) -> None:
    """Twelve of them, before a log of 60 MB: none reads more than the beginning, and a fast one gets it all."""
    await fill(store, 60)
    async with process.client(timeout=60) as client:
        assert len((await client.get(LOG, params={"limit": 1})).content) > 1_000_000
        before = process.memory
        slow = [client.stream("GET", LOG, params={"follow": "true"}) for _ in range(12)]
        chunks = [(await one.__aenter__()).aiter_raw() for one in slow]
        for one in chunks:
            assert await anext(one)

        fast = await client.get(LOG)
        grown = process.memory - before
        for stream in slow:
            await stream.__aexit__(None, None, None)

    assert len(fast.text.splitlines()) == 60
    assert grown < 12 * 30_000_000, f"{grown:,} bytes"


async def test_many_follow_at_the_price_of_one_look(gateway: Gateway) -> None:
    """Whoever waits for news looks together with the others: if each looked for itself, each event would cost 40."""
    looks = 0

    async def on_look(_: object) -> None:
        nonlocal looks
        looks += 1

    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=gateway.url, headers=gateway.http.headers, trust_env=False, verify=False)

    followers = [Follower(client) for _ in range(40)]
    following = [asyncio.ensure_future(one.run()) for one in followers]

    async def have_all(end: int) -> None:
        await eventually(lambda: all(one.positions[-1:] == [end] for one in followers), within=60)

    await have_all(await gateway.record(added("a")))
    subscription = await gateway.store.nc.subscribe("$JS.API.STREAM.INFO.SERIES", cb=on_look)
    for number in range(20):
        await have_all(await gateway.record(started("a", number)))

    assert 20 <= looks < 20 * 40 / 2
    assert all(one.positions == list(range(1, 22)) for one in followers)
    assert all(one.connections == 1 for one in followers)
    await subscription.unsubscribe()
    for task in following:
        task.cancel()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_a_follower_is_sent_away_when_the_broker_is(gateway: Gateway, nats_server: NatsServer, how: str) -> None:
    """It does not wait before a log that nobody can read, and is told why when it comes back."""
    await gateway.record(added("a"))
    async with gateway.http.stream("GET", LOG, params={"follow": "true"}) as response:
        lines = response.aiter_lines()
        first = json.loads(await anext(lines))
        broker = psutil.Process(nats_server.pid)
        if how == "stopped":
            await nats_server.stop()
        else:
            broker.suspend()
        try:
            rest = [line async for line in lines if line]
            refused = await gateway.http.get(LOG, params={"after_position": 1, "follow": "true"})
        finally:
            if how == "stopped":
                await nats_server.start()
            else:
                broker.resume()

    assert (first["position"], rest) == (1, [])
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0

    async def is_back() -> bool:
        return (await gateway.http.get(LOG, params={"after_position": 1})).status_code == 200

    await eventually(is_back, within=30)
    position = await gateway.record(added("b"))
    later = await gateway.http.get(LOG, params={"after_position": 1, "follow": "true", "limit": 1})
    assert json.loads(later.text)["position"] == position == 2


@pytest.mark.parametrize("cause", ["broker", "gateway"])
async def test_an_answer_that_is_not_whole_does_not_look_so(
    gateway: Gateway, nats_server: NatsServer, cause: str
) -> None:
    """Who reads the whole log, and is slow, must not take half of it for all."""
    await fill(gateway.store, 30)

    async with gateway.http.stream("GET", LOG) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        if cause == "broker":
            await nats_server.stop()
        else:
            gateway.server.stop()
            await eventually(gateway.hub.closing.is_set)

        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in chunks:
                pass

    if cause == "broker":
        await nats_server.start()


async def test_a_position_behind_the_end_is_refused(gateway: Gateway) -> None:
    """With the range that there is; the end itself is where a follower begins that wants only what is new."""
    end = await gateway.record(added("a"), added("b"))

    problem = await gateway.get(LOG, expected=400, after_position=end + 1, follow="true")
    at_end = await gateway.http.get(LOG, params={"after_position": end})

    assert (problem["type"], problem["first"], problem["last"]) == ("urn:coldopen:out-of-range", 0, end)
    assert (at_end.status_code, at_end.text) == (200, "")
    assert (at_end.headers["coldopen-log"], at_end.headers["coldopen-log-end"]) == (gateway.hub.log_id, str(end))


async def test_a_follower_learns_that_it_is_another_log(gateway: Gateway) -> None:
    """Its position means nothing there: the answer ends, and the header tells."""
    await gateway.record(added("a"), added("b"))
    async with gateway.http.stream("GET", LOG, params={"follow": "true"}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        await anext(lines)

        await gateway.store.js.delete_stream("SERIES")
        await streams.declare(gateway.store.js)
        rest = [line async for line in lines if line]

    again = await gateway.http.get(LOG)
    assert rest == []
    assert again.headers["coldopen-log"] != response.headers["coldopen-log"]
