"""Three processes and one upstream: its rate, its pauses and its breaker are what all of them keep together.

A process here is a NATS connection of its own, with the rights that a service has in earnest.
"""

import asyncio
import hashlib
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from nats.aio.client import Client
from nats.js.kv import KeyValue

from deploy.local.nats_server import NatsServer
from deploy.standin import Rule, StandIn
from deploy.standin.wire import Request, Response, Server
from services.platform.broker import connect
from services.platform.catalogues.tvmaze_wire import Show
from services.platform.failures import LoadFailure
from services.platform.response_cache import Kept, ResponseCache, Validators
from services.platform.streams import CACHE_BUCKET, UPSTREAMS_BUCKET, declare
from services.platform.upstream_gate import queueing_at_most
from services.platform.upstream_http import Upstream
from services.platform.upstream_shared import SharedState, UpstreamStates
from services.platform.upstream_state import UpstreamState, after_failure
from services.platform.urgency import urgency
from tests.support.waiting import eventually

SHOW = "/shows/919"
ROLES = ("gateway", "nfo", "episodes")

Start = Callable[..., Awaitable[Upstream]]


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as standin:
        yield standin


@pytest.fixture
async def clients(nats_server: NatsServer) -> AsyncIterator[list[Client]]:
    """A connection of each process that calls upstreams."""
    operator = await connect("test", nats_server.url())
    await declare(operator.jetstream())
    clients = [await connect(role, nats_server.url(role)) for role in ROLES]
    yield clients
    for client in (operator, *clients):
        await client.close()


@pytest.fixture
async def start(clients: list[Client], standin: StandIn) -> AsyncIterator[Start]:
    """An upstream as the process of that number has it."""
    async with AsyncExitStack() as stack:

        async def started(number: int, **options: Any) -> Upstream:
            state = SharedState("TVmaze", await bucket(clients[number]), callers=3)
            made = Upstream("TVmaze", standin.url, state=state, **{"rate": 1000, "timeout": 0.5, **options})
            stack.push_async_callback(made.aclose)
            return made

        yield started


async def bucket(client: Client) -> KeyValue:
    return await client.jetstream().key_value(UPSTREAMS_BUCKET)


async def ask(upstream: Upstream, number: int = 0) -> None:
    await upstream.get_json(SHOW, Show, [("n", str(number))])


async def known(client: Client) -> UpstreamState:
    """What an outsider reads."""
    (state,) = await UpstreamStates(client.jetstream()).all()
    return state


def failed_often(times: int, last: float) -> UpstreamState:
    """An upstream that has failed so many times in a row, the last time at `last`."""
    state = UpstreamState(name="TVmaze")
    for _ in range(times):
        state = after_failure(state, last, "TVmaze did not answer", jitter=0.0)
    return state


async def break_it(client: Client) -> None:
    """Let the breaker have been open for as long as it stays so."""
    state = failed_often(5, time.time() - 30.0)
    await SharedState("TVmaze", await bucket(client)).change(lambda _, callers: (state, None))


async def test_the_rate_holds_for_all_processes_together(start: Start, standin: StandIn) -> None:
    """Twenty a second after a burst of a hundred: no window of any length holds more, whoever asks how fast."""
    upstreams = [await start(number, rate=20) for number in range(3)]

    await asyncio.gather(*(ask(one, number) for number in range(45) for one in upstreams))

    times = sorted(call.at for call in standin.controls.recent)
    assert len(times) == 135
    for first, begin in enumerate(times):
        for last, end in enumerate(times[first:], first):
            # The slack is what turns taken ahead, and a slow machine, may shift; three bursts would be far above.
            assert last - first + 1 <= 100 + 20 * (end - begin) + 20


async def test_one_process_may_use_the_whole_rate(start: Start, standin: StandIn) -> None:
    """What the others leave idle is not lost: ten at once is what TVmaze grants, and no third of it."""
    upstream = await start(0, rate=2)

    begun = time.time()
    await asyncio.gather(*(ask(upstream, number) for number in range(10)))

    assert [call.at - begun < 2.0 for call in standin.controls.recent] == [True] * 10


async def test_a_pause_that_one_is_told_holds_for_all(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """`Retry-After` is about the address, not about the process that happened to hear it."""
    upstreams = [await start(number, rate=2) for number in range(3)]
    for one in upstreams:
        await ask(one)
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="30", times=1))
    with pytest.raises(LoadFailure, match="fewer calls"):
        await ask(upstreams[0], 1)

    for one in [*upstreams, await start(1)]:
        with pytest.raises(LoadFailure) as told:
            await ask(one, 2)
        assert (told.value.error.kind, told.value.error.code) == ("busy", "paused")
        assert 20 < (told.value.retry_after or 0) <= 30
    assert standin.controls.count() == 4
    assert "TVmaze asks for fewer calls" in (await known(clients[2])).last_error


async def test_the_breaker_opens_for_all_and_one_call_of_all_closes_it(
    start: Start, standin: StandIn, clients: list[Client]
) -> None:
    """Five failures of whichever process; later one probe while the others wait; its success lets all through."""
    upstreams = [await start(number, rate=2, timeout=5.0) for number in range(3)]
    standin.misbehave(Rule(behaviour="fail", status=500))
    for number in range(5):
        with pytest.raises(LoadFailure) as failure:
            await ask(upstreams[number % 3], number)
        assert failure.value.error.kind == "network"

    for one in upstreams:
        with pytest.raises(LoadFailure, match="Coldopen will ask again in") as refused:
            await ask(one)
        assert (refused.value.error.kind, refused.value.error.code) == ("busy", "breaker_open")
        assert 15 < (refused.value.retry_after or 0) <= 25
    assert standin.controls.count() == 5

    standin.controls.clear()
    standin.misbehave(Rule(behaviour="slow", seconds=0.5, times=1))
    await break_it(clients[0])
    answers = await asyncio.gather(*(ask(one, number) for number, one in enumerate(upstreams)), return_exceptions=True)

    assert standin.controls.count() == 6
    assert sorted(type(one).__name__ for one in answers) == ["LoadFailure", "LoadFailure", "NoneType"]
    for one in upstreams:
        await ask(one, 9)
    assert (await known(clients[0])).openings == 0


async def test_a_probe_that_fails_keeps_it_shut_for_longer(
    start: Start, standin: StandIn, clients: list[Client]
) -> None:
    """And one more failure of the network is enough for that."""
    upstream = await start(0)
    standin.misbehave(Rule(behaviour="drop"))
    await break_it(clients[1])

    with pytest.raises(LoadFailure) as probe:
        await ask(upstream)
    with pytest.raises(LoadFailure) as refused:
        await ask(await start(2))

    assert probe.value.error.kind == "network"
    assert refused.value.error.code == "breaker_open"
    assert 35 < (refused.value.retry_after or 0) <= 50
    assert standin.controls.count() == 1


async def test_a_probe_on_which_something_of_ours_broke_is_the_next_ones(
    start: Start, standin: StandIn, clients: list[Client]
) -> None:
    """It says nothing of the upstream, and nobody waits for what will never be told."""

    def broken(status: int, body: bytes) -> LoadFailure | None:
        raise RuntimeError("a bug")

    upstream = await start(0, timeout=60.0, explain=broken)
    await break_it(clients[1])
    standin.misbehave(Rule(behaviour="fail", status=403, times=1))

    with pytest.raises(RuntimeError, match="a bug"):
        await ask(upstream, 1)
    afterwards = await known(clients[2])
    await ask(upstream, 2)

    assert (afterwards.openings, afterwards.probing_until) == (1, 0)
    assert (await known(clients[2])).openings == 0


async def test_a_probe_that_is_given_up_is_the_next_ones(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """Its caller is gone; the next one does not wait for as long as a call may take."""
    upstream = await start(0, timeout=60.0)
    await break_it(clients[1])
    standin.misbehave(Rule(behaviour="slow", seconds=60, times=1))
    gone = asyncio.create_task(ask(upstream))
    await eventually(lambda: standin.controls.count() == 1)

    gone.cancel()

    async def is_given_up() -> bool:
        state = await known(clients[2])
        return state.openings == 1 and state.probing_until == 0

    await eventually(is_given_up)
    await ask(await start(1))
    assert (await known(clients[2])).openings == 0


async def test_what_the_upstream_refuses_is_no_outage(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """It answers, after all: neither 404s, nor 403s, nor a page of HTML open the breaker."""
    upstream = await start(0)
    for rule in (Rule(behaviour="fail", status=404), Rule(behaviour="fail", status=403), Rule(behaviour="html")):
        standin.controls.clear()
        standin.misbehave(rule)
        for number in range(6):
            with pytest.raises(LoadFailure):
                await ask(upstream, number)

    assert (await known(clients[0])).openings == 0
    assert standin.controls.count() == 18


async def test_impatience_is_no_evidence(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """The gateway waits for two seconds only: an upstream that is slow for it is still good for the loaders."""
    gateway, loader = await start(0, rate=2, timeout=0.1), await start(1, rate=2, timeout=5.0)
    standin.misbehave(Rule(behaviour="slow", seconds=0.3))
    for number in range(6):
        with pytest.raises(LoadFailure, match="did not answer"):
            await ask(gateway, number)

    await ask(loader)

    assert (await known(clients[2])).failures == 0


async def test_who_waited_for_a_turn_while_the_breaker_opened_does_not_go(
    start: Start, standin: StandIn, clients: list[Client]
) -> None:
    """The turn was good when it was taken; now nobody asks."""
    upstream = await start(0, rate=0.5)
    standin.misbehave(Rule(behaviour="fail", status=500))
    almost = replace(failed_often(4, time.time()), due=time.time() + 3.0)  # one turn is left, the next in 2 s
    await SharedState("TVmaze", await bucket(clients[1])).change(lambda _, callers: (almost, None))

    ends = await asyncio.gather(ask(upstream, 1), ask(upstream, 2), return_exceptions=True)

    codes = [end.error.code for end in ends if isinstance(end, LoadFailure)]
    assert codes == ["server_error", "breaker_open"]
    assert standin.controls.count() == 1


async def test_without_the_bucket_each_keeps_to_its_share(
    start: Start, standin: StandIn, clients: list[Client], nats_server: NatsServer
) -> None:
    """NATS away: calls go out all the same, at a third of the rate; a pause told meanwhile is shared later."""
    upstream = await start(0, rate=6)
    await ask(upstream)
    await nats_server.stop()

    begun = time.time()
    await asyncio.gather(*(ask(upstream, number) for number in range(14)))
    times = [call.at - begun for call in standin.controls.recent][1:]
    assert max(times) > 1.5  # ten at once, then two a second
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="30", times=1))
    with pytest.raises(LoadFailure):
        await ask(upstream, 20)
    await nats_server.start()

    await eventually(lambda: clients[0].is_connected and clients[1].is_connected)

    async def others_know() -> bool:
        with pytest.raises(LoadFailure, match="pause"):
            await ask(upstream, 21)
        return (await known(clients[1])).paused_until > time.time() + 10

    await eventually(others_know, within=30.0, every=0.2)


async def test_a_bucket_that_was_lost_is_told_again(
    start: Start, standin: StandIn, clients: list[Client], nats_server: NatsServer
) -> None:
    """A restart loses nothing; what a process knows outlives the bucket; and who deletes the entry resets it."""
    upstream = await start(0)
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="600", times=1))
    with pytest.raises(LoadFailure):
        await ask(upstream)
    before = await known(clients[1])
    await nats_server.stop()
    await nats_server.start()
    await eventually(lambda: clients[0].is_connected and clients[1].is_connected)
    assert await known(clients[1]) == before

    operator = await connect("test", nats_server.url())
    await operator.jetstream().purge_stream(f"KV_{UPSTREAMS_BUCKET}")
    with pytest.raises(LoadFailure, match="pause"):
        await ask(upstream)

    assert (await known(clients[1])).paused_until == before.paused_until

    await (await bucket(operator)).delete("tvmaze")
    nothing = await UpstreamStates(operator.jetstream()).all()
    await ask(upstream)
    await operator.close()

    assert nothing == []
    assert (await known(clients[1])).paused_until == 0


async def test_people_go_before_background_work(start: Start, standin: StandIn) -> None:
    """Once half of the burst is gone, in whichever process, background calls wait; a person's goes at once."""
    one, two = await start(0, rate=2, timeout=5.0), await start(1, rate=2, timeout=5.0)
    await asyncio.gather(*(ask(one, number) for number in range(9)))

    with urgency(background=True):
        waiting = asyncio.create_task(ask(two, 100))
    await asyncio.sleep(0.2)
    behind = standin.controls.count()
    begun = time.time()
    await ask(two, 101)
    person = standin.controls.recent[-1].at - begun
    await waiting

    assert behind == 9
    assert person < 1.0
    assert "n=100" in standin.controls.recent[-1].target


async def test_background_work_that_waits_too_long_gives_its_slot_back(start: Start) -> None:
    """It is delivered again later; nothing of its retries is used up."""
    upstream = await start(0, rate=0.1)
    await ask(upstream)

    with urgency(background=True), pytest.raises(LoadFailure, match="people wait for first") as refused:
        await ask(upstream, 1)

    assert (refused.value.error.kind, refused.value.error.code) == ("busy", "behind_others")
    assert refused.value.retry_after == 15


async def test_who_gives_up_leaves_no_turn_taken(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """Fifty lookups that nobody waits for: ten went out, and the loaders come right after these."""
    gateway, loader = await start(0, rate=2), await start(1, rate=2)

    async def look_up(number: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await ask(gateway, number)

    await asyncio.gather(*(look_up(number) for number in range(50)))
    ended = time.time()

    async def are_given_back() -> bool:
        return (await known(clients[2])).due < ended + 10 / 2 + 0.5

    await eventually(are_given_back)
    asked = time.time()
    await ask(loader, 50)
    assert standin.controls.count() <= 12
    assert time.time() - asked < 10  # it was 20 s, behind those who had gone


async def test_a_turn_that_is_given_up_is_its_neighbours(start: Start, standin: StandIn, clients: list[Client]) -> None:
    """One with others' behind it can't be given back, but who asks next in the same process gets it."""
    gateway, loader = await start(0, rate=2), await start(1, rate=2)
    await asyncio.gather(*(ask(gateway, number) for number in range(10)))
    gone = [asyncio.create_task(ask(gateway, number)) for number in range(10, 14)]
    await asyncio.sleep(0.2)
    behind = asyncio.create_task(ask(loader, 14))
    await asyncio.sleep(0.1)
    reserved = (await known(clients[2])).due

    for caller in gone:
        caller.cancel()
    await asyncio.wait(gone)
    await asyncio.sleep(0.05)
    await ask(gateway, 15)
    order = [call.target[-2:] for call in standin.controls.recent]
    await behind

    assert order[-1] == "15"
    assert (await known(clients[2])).due == reserved


async def test_who_is_impatient_is_told_at_once(start: Start, clients: list[Client]) -> None:
    """That the queue is too long for them, and it does not become longer by them."""
    gateway = await start(0, rate=2)
    begun = time.time()

    with queueing_at_most(1.2):
        ends = await asyncio.gather(*(ask(gateway, number) for number in range(30)), return_exceptions=True)

    refused = [end.error for end in ends if isinstance(end, LoadFailure)]
    assert {(error.kind, error.code) for error in refused} == {("busy", "queue")}
    assert 12 <= len(ends) - len(refused) <= 18
    assert time.time() - begun < 10
    assert (await known(clients[2])).due < time.time() + 6.5


class Versioned:
    """A server that confirms what it sent when it is asked with the validator of that."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers
        self.version = 1
        self.asked: list[dict[str, str]] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request.headers)
        etag = f'W/"{self.version}"'
        head = (("ETag", etag), *self.headers.items())
        if request.headers.get("if-none-match") == etag:
            return Response(status=304, headers=head)
        return Response(body=b'{"id":%d}' % self.version, headers=head)


@pytest.mark.parametrize("control", ["public, max-age=0", "no-cache"])
async def test_a_stale_answer_is_confirmed_and_its_body_saved(clients: list[Client], control: str) -> None:
    """Another process kept it; what the upstream has changed since comes with its body."""
    says = Versioned(**{"Cache-Control": control})
    server = Server(says)
    await server.start()
    one, two = [
        Upstream(
            "TMDB",
            f"http://127.0.0.1:{server.port}",
            rate=1000,
            cache=ResponseCache(await client.jetstream().key_value(CACHE_BUCKET)),
        )
        for client in clients[:2]
    ]

    first = await one.get_json("/tv/1", Show)
    confirmed = await two.get_json("/tv/1", Show)
    says.version = 2
    changed = await one.get_json("/tv/1", Show)
    await asyncio.gather(one.aclose(), two.aclose())
    await server.stop()

    assert (first.id, confirmed.id, changed.id) == (1, 1, 2)
    assert [head.get("if-none-match") for head in says.asked] == [None, 'W/"1"', 'W/"1"']


async def test_a_confirmed_answer_is_fresh_again(clients: list[Client]) -> None:
    """For as long as the confirmation says; then nobody asks."""
    says = Versioned(**{"Cache-Control": "max-age=0"})
    server = Server(says)
    await server.start()
    cache = ResponseCache(await clients[0].jetstream().key_value(CACHE_BUCKET))
    upstream = Upstream("TMDB", f"http://127.0.0.1:{server.port}", rate=1000, cache=cache)

    await upstream.get_json("/tv/1", Show)
    says.headers["Cache-Control"] = "max-age=600"
    await upstream.get_json("/tv/1", Show)
    says.version = 2
    kept = await upstream.get_json("/tv/1", Show)
    await upstream.aclose()
    await server.stop()

    assert kept.id == 1
    assert len(says.asked) == 2


@pytest.mark.parametrize("control", ["no-store", "private, max-age=60"])
async def test_what_may_not_be_kept_has_no_validators_either(clients: list[Client], control: str) -> None:
    says = Versioned(**{"Cache-Control": control})
    server = Server(says)
    await server.start()
    cache = ResponseCache(await clients[0].jetstream().key_value(CACHE_BUCKET))
    upstream = Upstream("TMDB", f"http://127.0.0.1:{server.port}", rate=1000, cache=cache)

    for _ in range(2):
        await upstream.get_json("/tv/1", Show)
    await upstream.aclose()
    await server.stop()

    assert all("if-none-match" not in head for head in says.asked)
    assert len(says.asked) == 2


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
@pytest.mark.parametrize("value", ['"\xe9"', '"\xc3\xa9"', '"a\tb"'])
async def test_a_validator_that_no_request_can_bear_is_not_kept(clients: list[Client], name: str, value: str) -> None:
    """The answer is good all the same, today and when it has turned stale; so is one that was kept with it before."""

    async def says(request: Request) -> Response:
        assert "if-none-match" not in request.headers
        assert "if-modified-since" not in request.headers
        return Response(body=b'{"id":1}', headers=((name, value), ("Cache-Control", "max-age=0")))

    server = Server(says)
    await server.start()
    kept = await clients[0].jetstream().key_value(CACHE_BUCKET)
    url = f"http://127.0.0.1:{server.port}"
    before = Kept(0.0, zlib.compress(b'{"id":1}'), Validators(value, value))
    await kept.put(hashlib.sha256(f"{url}/tv/2".encode()).hexdigest(), msgspec.msgpack.encode(before))
    upstream = Upstream("TMDB", url, rate=1000, cache=ResponseCache(kept))

    ids = [(await upstream.get_json(path, Show)).id for path in ("/tv/1", "/tv/1", "/tv/2")]
    await upstream.aclose()
    await server.stop()

    assert ids == [1, 1, 1]


async def test_not_modified_without_being_asked_is_a_lie() -> None:
    async def lies(_: Request) -> Response:
        return Response(status=304)

    server = Server(lies)
    await server.start()
    upstream = Upstream("TMDB", f"http://127.0.0.1:{server.port}", rate=1000)
    with pytest.raises(LoadFailure, match="nothing has changed"):
        await upstream.get_json("/tv/1", Show)
    await upstream.aclose()
    await server.stop()
