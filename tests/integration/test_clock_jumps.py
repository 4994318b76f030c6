"""The clock is set while things run: retries, looks, turns, kept answers and sessions outlive it."""

from pathlib import Path

import msgspec
import pytest
from nats.aio.msg import Msg

from contracts.events import FinalEvent, Part, PartRequested, PartRetrying, RecordedEvent, SeriesIdentified
from contracts.subjects import STREAM
from deploy.standin import StandIn
from services.caretaker import caretaker
from services.caretaker.caretaker import Caretaker
from services.gateway.sessions import SESSION_SECONDS, Sessions
from services.platform import event_store, part_loader
from services.platform.catalogues.tvmaze_wire import Show
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.job import Job
from services.platform.library import Library
from services.platform.login_tokens import LOGIN_SECONDS, mint_login_token
from services.platform.part_loader import PartLoader
from services.platform.response_cache import Answer, Kept, ResponseCache, Validators
from services.platform.upstream_http import Upstream
from tests.support.clocks import SystemClock
from tests.support.histories import added, loaded_after

API_KEY = "a key of at least 16 characters"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SystemClock:
    return SystemClock(monkeypatch, part_loader, event_store, caretaker)


async def delivery(store: EventStore) -> Msg:
    """The next delivery of identity's durable consumer."""
    subscription = await store.js.pull_subscribe_bind(durable="identity", stream=STREAM)
    (message,) = await subscription.fetch(1, timeout=20)
    await subscription.unsubscribe()
    return message


async def events_of(store: EventStore, key: str) -> list[object]:
    return [one.event for one in await store.events_of(key) if isinstance(one, RecordedEvent)]


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_part_that_waits_for_its_retry_completes(store: EventStore, clock: SystemClock, days: int) -> None:
    """The broker's wait is the one that counts: one retry, whatever the loaders' clock shows by then."""
    attempts: list[int] = []

    async def flaky(job: Job) -> FinalEvent:
        attempts.append(job.run.attempt)
        if len(attempts) == 1:
            raise LoadFailure("network", "timeout", "TVmaze did not answer")
        return SeriesIdentified(
            key=job.key,
            cause=job.cause,
            attempt=job.run.attempt,
            catalogue="tvmaze",
            catalogue_id="1",
            name="Bleach",
            folder="Bleach (2004)",
        )

    await store.append(added("bleach"))
    loader = PartLoader(Part.IDENTITY, store, flaky)
    await loader.handle(await delivery(store))
    clock.set(days=days)

    await loader.handle(await delivery(store))

    events = await events_of(store, "bleach")
    assert [isinstance(one, PartRetrying) for one in events].count(True) == 1
    assert isinstance(events[-1], SeriesIdentified)
    assert attempts == [1, 2]


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_file_that_is_gone_is_found_by_the_next_look(
    store: EventStore, tmp_path: Path, clock: SystemClock, days: int
) -> None:
    """A look that was put off for hours is not put off for a day more."""
    library = Library(tmp_path)
    library.make_marker()
    position = (await store.append(added("bleach"))).position
    for event in loaded_after("bleach", position):
        await store.append(event)
    one = Caretaker(store, library, interval=60, between=0)
    clock.set(days=days)

    asked = [await one.look_at_files(), await one.look_at_files()]

    assert asked[0] > 0
    assert asked[1] == 0
    reasons = {one.reason for one in await events_of(store, "bleach") if isinstance(one, PartRequested)}
    assert reasons == {"missing_file"}


@pytest.mark.parametrize("days", [-1, 1])
async def test_turns_that_were_reserved_before_hold_nobody_up(clock: SystemClock, days: int) -> None:
    """At a high rate some are taken along for later calls; a day away they are nobody's."""
    async with StandIn() as standin:
        upstream = Upstream("TVmaze", standin.url, rate=1000, timeout=5)
        try:
            await upstream.get_json("/shows/919", Show, [("n", "1")])
            clock.set(days=days)

            show = await upstream.get_json("/shows/919", Show, [("n", "2")])
        finally:
            await upstream.aclose()

    assert show.id == 919


class MemoryBucket:
    """A bucket of one entry."""

    def __init__(self) -> None:
        self.value: bytes | None = None

    async def get(self, _: str) -> "MemoryBucket":
        return self

    async def put(self, _: str, value: bytes) -> int:
        self.value = value
        return 1


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_kept_answer_of_which_the_age_is_unknown_is_confirmed(clock: SystemClock, days: int) -> None:
    """It would count as fresh for a day if the clock was set back."""
    bucket = MemoryBucket()
    bucket.value = msgspec.msgpack.encode(None)  # unreadable: nothing is kept yet
    cache = ResponseCache(bucket)
    asked: list[Validators] = []

    async def ask(validators: Validators) -> Answer:
        asked.append(validators)
        return Answer(None if validators.etag else b"1", max_age=3600, validators=Validators(etag='"a"'))

    answers = [await cache.fetch("u", ask, bytes), await cache.fetch("u", ask, bytes)]
    clock.set(days=days)
    answers += [await cache.fetch("u", ask, bytes), await cache.fetch("u", ask, bytes)]

    assert answers == [b"1"] * 4
    assert [one.etag for one in asked] == ["", '"a"']
    assert msgspec.msgpack.decode(bucket.value, type=Kept).validators.etag == '"a"'


@pytest.mark.parametrize("days", [-1, 1])
def test_who_has_logged_in_stays_so(clock: SystemClock, days: int) -> None:
    """Until the session is as old as one may get, or as far ahead: a cookie for ever is never made."""
    sessions = Sessions(API_KEY)
    cookie = sessions.open()

    clock.set(days=days)
    is_open = sessions.is_open(cookie)
    clock.set(seconds=days * (SESSION_SECONDS + 60))

    assert is_open
    assert not sessions.is_open(cookie)


@pytest.mark.parametrize("direction", [-1, 1])
def test_a_login_link_lives_for_minutes_and_works_once(clock: SystemClock, direction: int) -> None:
    """Also one that was made by a clock some minutes ahead or behind."""
    sessions = Sessions(API_KEY)
    first, second = mint_login_token(API_KEY), mint_login_token(API_KEY)

    clock.set(seconds=direction * LOGIN_SECONDS / 2)
    taken = [sessions.redeem(first), sessions.redeem(first)]
    clock.set(seconds=direction * (LOGIN_SECONDS + 60))

    assert taken == [True, False]
    assert not sessions.redeem(second)
