"""Against the stand-in: limits hold, failures say what they are, and what is needed by many is asked once."""

import asyncio
import gc
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import nats.errors
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nats.js.errors import KeyNotFoundError

from contracts.events import ErrorKind
from deploy.standin import Rule, StandIn
from services.platform.broker import connect
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.catalogues.tvmaze_wire import Show
from services.platform.failures import LoadFailure
from services.platform.response_cache import LARGEST, Answer, Kept, ResponseCache, Validators, max_age_seconds
from services.platform.streams import CACHE_BUCKET, declare
from services.platform.upstream_exchange import USER_AGENT
from services.platform.upstream_gate import retry_after_seconds
from services.platform.upstream_http import Upstream
from services.platform.upstream_pictures import Pictures
from tests.support.waiting import eventually

SHOW = "/shows/919"
SECRET = [("api_key", "s3cret")]


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as standin:
        yield standin


@pytest.fixture
async def upstream(standin: StandIn) -> AsyncIterator[Upstream]:
    upstream = make(standin)
    yield upstream
    await upstream.aclose()


@pytest.fixture
async def pictures(standin: StandIn) -> AsyncIterator[Pictures]:
    pictures = Pictures([standin.host], timeout=1.5, max_picture=2_000_000)
    yield pictures
    await pictures.aclose()


def make(standin: StandIn, **options: Any) -> Upstream:
    return Upstream("TVmaze", standin.url, **{"rate": 1000, "timeout": 1.5, "max_answer": 100_000, **options})


class MemoryBucket:
    """A bucket in memory, which can be told to be away."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.away = False

    async def get(self, key: str) -> "MemoryEntry":
        self._check()
        if key not in self.entries:
            raise KeyNotFoundError
        return MemoryEntry(self.entries[key])

    async def put(self, key: str, value: bytes) -> int:
        self._check()
        self.entries[key] = value
        return 1

    def _check(self) -> None:
        if self.away:
            raise nats.errors.NoServersError


class MemoryEntry(msgspec.Struct):
    value: bytes | None


@pytest.mark.parametrize(
    ("rule", "kind", "code"),
    [
        (Rule(behaviour="slow", seconds=3), "network", "timeout"),
        (Rule(behaviour="trickle", seconds=0.05), "network", "timeout"),
        (Rule(behaviour="drop"), "network", "connection"),
        (Rule(behaviour="fail", status=500), "network", "server_error"),
        (Rule(behaviour="fail", status=503), "network", "server_error"),
        (Rule(behaviour="fail", status=503, retry_after="30"), "busy", "rate_limited"),
        (Rule(behaviour="fail", status=429), "busy", "rate_limited"),
        (Rule(behaviour="fail", status=404), "not_found", "not_found"),
        (Rule(behaviour="fail", status=403), "invalid", "refused"),
        (Rule(behaviour="html"), "invalid", "not_json"),
        (Rule(behaviour="truncated"), "invalid", "not_json"),
        (Rule(behaviour="wrong_shape"), "invalid", "wrong_shape"),
        (Rule(behaviour="endless"), "invalid", "too_large"),
        (Rule(behaviour="bomb"), "invalid", "too_large"),
        (Rule(behaviour="redirect", location="http://localhost:1/shows/919"), "invalid", "foreign_redirect"),
        (Rule(behaviour="redirect", location="http://127.0.0.1:1/shows/919"), "invalid", "foreign_redirect"),
        (Rule(behaviour="redirect", location="file:///etc/passwd"), "invalid", "foreign_redirect"),
        (Rule(behaviour="redirect", location="http://127.0.0.1:x/"), "invalid", "bad_redirect"),
        (Rule(behaviour="redirect", location=SHOW), "invalid", "too_many_redirects"),
    ],
    ids=lambda value: f"{value.behaviour}-{value.status}-{value.location}" if isinstance(value, Rule) else None,
)
async def test_every_failure_is_named(
    standin: StandIn, upstream: Upstream, rule: Rule, kind: ErrorKind, code: str
) -> None:
    """Kind and code for programs; a sentence that names the upstream and no secret for people."""
    standin.misbehave(rule)
    started = time.monotonic()

    with pytest.raises(LoadFailure) as caught:
        await upstream.get_json(SHOW, Show, SECRET)

    assert (caught.value.error.kind, caught.value.error.code) == (kind, code)
    assert caught.value.error.message.startswith("TVmaze ")
    assert "s3cret" not in caught.value.error.message
    assert time.monotonic() - started < 10  # not when the upstream has had enough


async def test_the_wrong_type_is_found_by_its_path(standin: StandIn, upstream: Upstream) -> None:
    """Somebody has to mend the mapping: the message says where."""
    standin.misbehave(Rule(behaviour="wrong_shape"))

    with pytest.raises(LoadFailure, match=r"Expected `int`, got `str` - at `\$\.id`"):
        await upstream.get_json(SHOW, Show)


async def test_no_server_and_no_name() -> None:
    """A refused connection and a name that does not resolve are the network's failures."""
    for url in ("http://127.0.0.1:1", "http://name.invalid"):
        upstream = Upstream("TVmaze", url, rate=1000, timeout=2)
        with pytest.raises(LoadFailure) as caught:
            await upstream.get_json(SHOW, Show)
        await upstream.aclose()

        assert caught.value.error.kind == "network"


async def test_after_a_failure_the_client_still_works(standin: StandIn, upstream: Upstream) -> None:
    """A connection that was broken off is not used again."""
    for behaviour in ("drop", "endless", "trickle", "html"):
        standin.misbehave(Rule(behaviour=behaviour, times=1))
        with pytest.raises(LoadFailure):
            await upstream.get_json(SHOW, Show)

        assert (await upstream.get_json(SHOW, Show)).id == 919


async def test_retry_after_pauses_all_callers(standin: StandIn, upstream: Upstream) -> None:
    """Until then nobody asks; who asks meanwhile is told how long, without a call."""
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="30", times=1))
    with pytest.raises(LoadFailure) as first:
        await upstream.get_json(SHOW, Show)

    with pytest.raises(LoadFailure) as other:
        await upstream.get_json("/shows/1505", Show)

    assert first.value.retry_after == 30
    assert other.value.error.kind == "busy"
    assert other.value.retry_after == pytest.approx(30, abs=1)
    assert standin.controls.count() == 1


async def test_a_short_pause_is_waited_out(standin: StandIn, upstream: Upstream) -> None:
    """It costs less than to be delivered again."""
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="1", times=1))
    with pytest.raises(LoadFailure):
        await upstream.get_json(SHOW, Show)
    started = time.monotonic()

    await asyncio.gather(upstream.get_json(SHOW, Show), upstream.get_json("/shows/1505", Show))

    assert 0.8 < time.monotonic() - started < 10.0


async def test_the_rate_holds_and_does_not_eat_the_timeout(standin: StandIn) -> None:
    """After a burst of five seconds' worth, calls go out at the rate, however long they queue for it."""
    upstream = make(standin, rate=10, timeout=2.0)

    started = time.time()
    await asyncio.gather(*(upstream.get_json(SHOW, Show, [("n", str(n))]) for n in range(85)))
    await upstream.aclose()

    # 50 at once, the other 35 in 3.5 seconds: more than one call may take, and none failed.
    assert max(call.at - started for call in standin.controls.recent) > 3.0


async def test_pictures_come_from_known_hosts_only(standin: StandIn, pictures: Pictures) -> None:
    """Whatever a catalogue names: another host, port or scheme, or a user name, is refused without a call."""
    for url in (
        "https://example.org/a.jpg",
        "http://127.0.0.1:1/a.jpg",
        f"http://user@{standin.host}/images/919/poster.jpg",
        f"ftp://{standin.host}/images/919/poster.jpg",
        "file:///etc/passwd",
        "/images/919/poster.jpg",
        "http://[",
        "",
    ):
        with pytest.raises(LoadFailure) as caught:
            await pictures.fetch_picture(url)

        assert caught.value.error.kind == "invalid"
    assert standin.controls.count() == 0
    assert (await pictures.fetch_picture(f"{standin.url}/images/919/poster.jpg")).startswith(b"\xff\xd8\xff")


async def test_a_picture_is_no_larger_than_allowed(standin: StandIn) -> None:
    """What announces too much is refused, and so is what only turns out to be."""
    pictures = Pictures([standin.host], max_picture=1000)
    url = f"{standin.url}/images/919/poster.jpg"

    with pytest.raises(LoadFailure, match="more than"):
        await pictures.fetch_picture(url)
    standin.misbehave(Rule(behaviour="endless"))
    with pytest.raises(LoadFailure, match="more than"):
        await pictures.fetch_picture(url)
    await pictures.aclose()


async def test_each_picture_host_is_paused_alone(standin: StandIn) -> None:
    """What one asks for is no reason to leave the other in peace; the failure says which one it was."""
    async with StandIn() as other:
        pictures = Pictures([standin.host, other.host])
        standin.misbehave(Rule(behaviour="fail", status=429, retry_after="30"))
        with pytest.raises(LoadFailure, match=f"{standin.host} asks for fewer"):
            await pictures.fetch_picture(f"{standin.url}/images/919/poster.jpg")

        with pytest.raises(LoadFailure, match=f"{standin.host} asked for a pause") as paused:
            await pictures.fetch_picture(f"{standin.url}/images/919/poster.jpg")
        there = await pictures.fetch_picture(f"{other.url}/images/919/poster.jpg")
        await pictures.aclose()

    assert paused.value.error.kind == "busy"
    assert there.startswith(b"\xff\xd8\xff")


async def test_those_who_ask_together_ask_once(standin: StandIn, upstream: Upstream) -> None:
    """Four parts of one series: one call, one decoded answer; a failure too is shared, and not kept."""
    standin.misbehave(Rule(behaviour="slow", seconds=0.1, times=1))
    four = await asyncio.gather(*(TVmaze(upstream).details("919") for _ in range(4)))
    assert standin.controls.count("details") == 1
    standin.misbehave(Rule(behaviour="fail", times=1))

    failed = await asyncio.gather(*(upstream.get_json(SHOW, Show) for _ in range(4)), return_exceptions=True)
    again = await upstream.get_json(SHOW, Show)

    assert all(one == four[0] for one in four)
    assert all(isinstance(one, LoadFailure) for one in failed)
    assert again.id == 919
    assert standin.controls.count("show") == 2


async def test_a_caller_that_gives_up_stops_no_other(standin: StandIn, upstream: Upstream) -> None:
    """The first asker's deadline is its own."""
    standin.misbehave(Rule(behaviour="slow", seconds=0.2, times=1))
    first = asyncio.create_task(upstream.get_json(SHOW, Show))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(upstream.get_json(SHOW, Show))
    await asyncio.sleep(0.05)

    first.cancel()

    assert (await second).id == 919
    assert standin.controls.count() == 1


async def test_a_call_that_nobody_waits_for_any_more_is_given_up(
    standin: StandIn, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """With the last caller, not before; who asks next, even at once, has a call of their own."""
    standin.misbehave(Rule(behaviour="slow", seconds=0.4, times=1))
    both = [asyncio.create_task(upstream.get_json(SHOW, Show)) for _ in range(2)]
    await eventually(lambda: standin.controls.count() == 1)
    for caller in both:
        caller.cancel()

    ends = await asyncio.gather(*both, upstream.get_json(SHOW, Show), return_exceptions=True)
    gc.collect()

    assert [type(end).__name__ for end in ends] == ["CancelledError", "CancelledError", "Show"]
    assert standin.controls.count() == 2
    assert [one for one in caplog.records if one.name == "asyncio"] == []


async def test_a_call_that_fails_after_its_callers_went_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """One that does not end when it is cancelled, say."""
    cache = ResponseCache()
    going = asyncio.Event()

    async def ask(_: Validators) -> Answer:
        going.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("no end")

    caller = asyncio.create_task(cache.fetch("u", ask, bytes))
    await going.wait()
    caller.cancel()
    await asyncio.wait({caller})
    await asyncio.sleep(0.01)
    gc.collect()

    assert caller.cancelled()
    assert [one for one in caplog.records if one.name == "asyncio"] == []


async def test_processes_share_through_the_bucket(standin: StandIn) -> None:
    """Two clients, one bucket: one call; its key is a hash, so that no secret of a URL is stored."""
    bucket = MemoryBucket()
    one, two = (make(standin, cache=ResponseCache(bucket)) for _ in range(2))

    first = await one.get_json(SHOW, Show, SECRET)
    second = await two.get_json(SHOW, Show, SECRET)

    assert first == second
    assert standin.controls.count() == 1
    (key,) = bucket.entries
    assert key == hashlib.sha256(f"{standin.url}{SHOW}?api_key=s3cret".encode()).hexdigest()
    assert b"Attack" not in bucket.entries[key]
    await asyncio.gather(one.aclose(), two.aclose())


async def test_the_bucket_is_a_key_value_store_of_nats(standin: StandIn, nats_url: str) -> None:
    """The real one, as it is declared; when its connection is gone, the call just goes upstream."""
    connection = await connect("test", nats_url)
    await declare(connection.jetstream())
    cache = ResponseCache(await connection.jetstream().key_value(CACHE_BUCKET))
    upstream = make(standin, cache=cache)

    for _ in range(2):
        assert (await TVmaze(upstream).details("919")).name == "Attack on Titan"
    asked = standin.controls.count()
    await connection.close()
    assert (await TVmaze(upstream).details("919")).name == "Attack on Titan"
    await upstream.aclose()

    assert asked == 1
    assert standin.controls.count() == 2


async def test_failures_and_lies_are_never_kept(standin: StandIn) -> None:
    """Neither a 404, nor a 500, nor a page of HTML."""
    bucket = MemoryBucket()
    upstream = make(standin, cache=ResponseCache(bucket))
    for rule in (Rule(behaviour="fail", status=404), Rule(behaviour="fail"), Rule(behaviour="html")):
        standin.controls.clear()
        standin.misbehave(rule)
        with pytest.raises(LoadFailure):
            await upstream.get_json(SHOW, Show)

    assert bucket.entries == {}
    await upstream.aclose()


async def test_without_its_bucket_the_call_just_goes_upstream(standin: StandIn) -> None:
    """NATS away, or an entry that nobody can read."""
    bucket = MemoryBucket()
    bucket.away = True
    upstream = make(standin, cache=ResponseCache(bucket))
    assert (await upstream.get_json(SHOW, Show)).id == 919
    bucket.away = False
    bucket.entries[hashlib.sha256(f"{standin.url}{SHOW}".encode()).hexdigest()] = b"rubbish"

    assert (await upstream.get_json(SHOW, Show)).id == 919
    assert (await upstream.get_json(SHOW, Show)).id == 919
    assert standin.controls.count() == 2
    await upstream.aclose()


async def test_what_is_stale_or_may_not_be_kept_is_asked_again() -> None:
    """The entry's own time decides, since a bucket may keep longer."""
    bucket = MemoryBucket()
    cache = ResponseCache(bucket)
    asked: list[int] = []

    async def ask(_: Validators) -> Answer:
        asked.append(1)
        return Answer(b"1", max_age=60)

    async def ask_not_to_keep(_: Validators) -> Answer:
        return Answer(b"2")

    await cache.fetch("u", ask, bytes)
    (key,) = bucket.entries
    kept = msgspec.msgpack.decode(bucket.entries[key], type=Kept)
    bucket.entries[key] = msgspec.msgpack.encode(Kept(time.time() - 1, kept.compressed))
    await cache.fetch("u", ask, bytes)
    await cache.fetch("v", ask_not_to_keep, bytes)

    assert len(asked) == 2
    assert bucket.entries.keys() == {key}
    assert 50 < kept.expires - time.time() <= 60


async def test_a_large_answer_holds_nobody_up() -> None:
    """It is compressed, and read again, beside the loop; smaller ones are not worth a thread."""
    cache = ResponseCache(MemoryBucket())
    body = secrets.token_hex(5_000_000).encode()
    beats = 0

    async def ask(_: Validators) -> Answer:
        return Answer(body, max_age=60)

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.001)
            beats += 1

    others = asyncio.create_task(beat())
    sizes = [await cache.fetch("u", ask, len) for _ in range(2)]
    others.cancel()

    assert sizes == [len(body)] * 2
    assert beats > 20  # of several hundred; on the loop there would be a handful between one step and the next


async def test_what_does_not_fit_is_not_kept() -> None:
    """What only just does is; nothing can be gained by compressing noise."""
    bucket = MemoryBucket()
    cache = ResponseCache(bucket)
    for size in (LARGEST - 10_000, LARGEST - 10, LARGEST + 1):
        body = secrets.token_bytes(size)

        async def ask(_: Validators, body: bytes = body) -> Answer:
            return Answer(body, max_age=60)

        assert await cache.fetch(f"u{size}", ask, bytes) == body

    assert [len(value) <= LARGEST for value in bucket.entries.values()] == [True]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=3600"}, 3600),
        ({"cache-control": "public, max-age=86400"}, 3600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=60", "age": "100"}, 0),
        ({"cache-control": "no-store, max-age=60"}, 0),
        ({"cache-control": "no-cache, private"}, 0),
        ({"cache-control": "s-maxage=60"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({}, 0),
    ],
)
def test_how_long_an_answer_may_be_kept(headers: dict[str, str], seconds: float) -> None:
    """As long as its headers say, an hour at most; without a word not at all."""
    assert max_age_seconds(headers) == seconds


def test_headers_that_say_nothing_leave_it_to_the_caller() -> None:
    """What they forbid, or for how long they allow it, goes before that."""
    assert max_age_seconds({}, unsaid=600) == 600
    assert max_age_seconds({"cache-control": "public"}, unsaid=86400) == 3600
    assert max_age_seconds({"cache-control": "max-age=60"}, unsaid=600) == 60
    assert max_age_seconds({"cache-control": "no-store"}, unsaid=600) == 0
    assert max_age_seconds({"cache-control": "private"}, unsaid=600) == 0


async def test_a_redirect_is_told_and_not_followed(standin: StandIn, upstream: Upstream) -> None:
    """Which entry an id belongs to costs one call; a place that is no path of ours is refused."""
    assert await upstream.redirect_target("/lookup/shows", [("thetvdb", "919")]) == "/shows/919"
    assert await upstream.redirect_target(SHOW) == SHOW
    with pytest.raises(LoadFailure) as missing:
        await upstream.redirect_target("/lookup/shows", [("imdb", "tt0000001")])
    calls = standin.controls.count()
    standin.misbehave(Rule(behaviour="redirect", location="http://localhost:1/shows/919"))
    with pytest.raises(LoadFailure) as foreign:
        await upstream.redirect_target("/lookup/shows", [("imdb", "tt0000002")])

    assert calls == 3
    assert missing.value.error.kind == "not_found"
    assert foreign.value.error.code == "foreign_redirect"


async def test_a_redirect_is_told_below_the_base_address(standin: StandIn) -> None:
    """So that it can be asked for: the base may have a path of its own, and nothing beside it is ours."""
    upstream = Upstream("TVmaze", f"{standin.url}/lookup", rate=1000)
    standin.misbehave(Rule(behaviour="redirect", location="/lookup/shows/7?a=b", times=1))

    assert await upstream.redirect_target("/shows", [("thetvdb", "919")]) == "/shows/7"
    with pytest.raises(LoadFailure, match="outside"):
        await upstream.redirect_target("/shows", [("thetvdb", "1505")])
    await upstream.aclose()


def test_retry_after_is_seconds_or_a_date() -> None:
    """What is neither says nothing; a date that is over asks for no wait."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert retry_after_seconds("120") == 120
    assert retry_after_seconds(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90
    assert retry_after_seconds(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0
    assert [retry_after_seconds(text, now) for text in (None, "", "soon", "-5", "1.5")] == [None] * 5


_NUMBERS = st.one_of(st.integers(-1, 100), st.integers(-(10**30), 10**30)).map(str)
_DATES = st.tuples(
    st.sampled_from(["Mon, ", "Mon ", ""]),
    st.sampled_from(["{} Jan {} {}:{}:{} GMT", "{} Jan {} {}:{}:{} +{}", "{}-Jan-{} {}.{}.{} -{}"]),
    st.lists(_NUMBERS, min_size=6, max_size=6),
).map(lambda made: made[0] + made[1].format(*made[2]))


@given(st.one_of(st.text(), st.integers().map(str), _DATES))
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_whatever_retry_after_says_is_a_time_or_nothing(header: str) -> None:
    """A day at most: an upstream can write there what it likes."""
    seconds = retry_after_seconds(header)

    assert seconds is None or 0 <= seconds <= 86400


async def test_a_retry_after_that_makes_no_sense_still_pauses(standin: StandIn, upstream: Upstream) -> None:
    """As if it had named no time."""
    absurd = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after=absurd, times=1))

    with pytest.raises(LoadFailure) as told:
        await upstream.get_json(SHOW, Show)
    with pytest.raises(LoadFailure) as paused:
        await upstream.get_json(SHOW, Show)

    assert (told.value.error.code, told.value.retry_after) == ("rate_limited", 5)
    assert paused.value.error.code == "paused"


async def test_it_says_who_it_is(standin: StandIn, upstream: Upstream) -> None:
    """A truthful name and version; a cookie that it is given is not carried on."""
    assert USER_AGENT.startswith("Coldopen/")
    await upstream.get_json(SHOW, Show)
    await upstream.get_json("/shows/1505", Show)

    assert [(call.agent, call.cookie) for call in standin.controls.recent] == [(USER_AGENT, "")] * 2
