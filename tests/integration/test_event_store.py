"""The event log over a real nats-server: appending with an expectation, reading one series, following."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import psutil
import pytest
from nats.aio.msg import Msg

from contracts.events import (
    Canonical,
    Episode,
    EpisodesLoaded,
    Part,
    PartStarted,
    RecordedEvent,
    Season,
    SeriesAdded,
    SeriesRemoved,
)
from contracts.subjects import STREAM, added_subject
from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.broker import connect
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, Expect, TooLarge, life_of
from services.platform.stored_event import Unreadable
from services.platform.streams import ForeignLog
from tests.support.waiting import eventually


def added(key: str) -> SeriesAdded:
    return SeriesAdded(
        key=key, name=key, site="example", link="https://example/x", canonical=Canonical(site="e", id=key), folder=key
    )


def started(key: str, cause: int, delivery: int = 1) -> PartStarted:
    return PartStarted(key=key, part=Part.NFO, cause=cause, attempt=1, delivery=delivery)


@asynccontextmanager
async def frozen(server: NatsServer) -> AsyncIterator[None]:
    """The server keeps its connections, but answers nothing until the end of the block."""
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        await eventually(lambda: process.status() == psutil.STATUS_STOPPED)
        yield
    finally:
        process.resume()


async def test_of_two_simultaneous_adds_of_one_key_one_wins(store: EventStore) -> None:
    """The log holds one SeriesAdded, and the others learn that they lost."""
    expect = Expect(added_subject("bleach"), 0)

    answers = await asyncio.gather(
        *(store.append(added("bleach"), expect=expect) for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(answer, Conflict) for answer in answers) == 9
    assert [one.position for one in await store.events_of("bleach")] == [1]


async def test_an_event_of_a_former_life_is_refused(store: EventStore) -> None:
    """The guard names the newest SeriesAdded: who means an older one comes too late."""
    first = (await store.append(added("bleach"))).position
    again = (await store.append(added("bleach"), expect=Expect(added_subject("bleach"), first))).position

    with pytest.raises(Conflict):
        await store.append(started("bleach", first), expect=life_of("bleach", first))
    late = await store.append(started("bleach", again), expect=life_of("bleach", again))

    assert late.position == again + 1


async def test_the_same_outcome_of_the_same_cause_is_recorded_once(store: EventStore) -> None:
    """Caused events have the same id again, so the log drops the repeat and says where the first one is."""
    first = await store.append(started("bleach", 1))

    repeat = await store.append(started("bleach", 1))

    assert (repeat.position, repeat.duplicate) == (first.position, True)


async def test_a_conflict_with_our_own_earlier_try_is_success(store: EventStore) -> None:
    """A repeated command whose first try was recorded finds its own event in the way, by its id."""
    expect = Expect(added_subject("bleach"), 0)
    first = await store.append(added("bleach"), expect=expect, event_id="command-1")

    again = await store.append(added("bleach"), expect=expect, event_id="command-1")

    assert (again.position, again.duplicate) == (first.position, True)


async def test_an_append_survives_a_restart_of_the_server(store: EventStore, nats_server: NatsServer) -> None:
    """While the server is away an append is refused, not buffered; then it works again."""
    await store.append(added("one"))

    await nats_server.stop()
    with pytest.raises(LogUnavailable):
        await store.append(added("two"), tries=1)
    await nats_server.start()

    async def works() -> bool:
        try:
            await store.append(added("three"), tries=1)
        except LogUnavailable:
            return False
        return True

    await eventually(works)
    assert [one.event.key async for one in store.read_all() if isinstance(one, RecordedEvent)] == ["one", "three"]


async def test_an_append_waits_for_a_silent_server_as_long_as_for_one_answer(nats_server: NatsServer) -> None:
    """However often it tries, it takes no longer than one read; asked again with the same id it is recorded once."""
    nc = await connect("test", nats_server.url())
    await streams.declare(nc.jetstream())
    patient = EventStore(nc, timeout=1.0)
    clock = asyncio.get_running_loop().time

    async with frozen(nats_server):
        begun = clock()
        with pytest.raises(LogUnavailable):
            await patient.last_of_each("one")
        read = clock()
        with pytest.raises(LogUnavailable):
            await patient.append(added("one"), event_id="command-1", expect=life_of("one", 0))
        appended = clock()
    again = await EventStore(nc).append(added("one"), event_id="command-1", expect=life_of("one", 0))
    await nc.close()

    assert again.position == 1
    assert appended - read < 2 * (read - begun)


async def test_the_last_event_of_each_kind_is_read_in_order(store: EventStore) -> None:
    """One read gives what a loader folds, and nothing of other series."""
    await store.append(added("bleach"))
    await store.append(added("bleach-2"))
    for delivery in (1, 2, 3):
        await store.append(started("bleach", 1, delivery))

    found = await store.last_of_each("bleach", up_to=5)

    assert [one.position for one in found] == [1, 5]
    assert await store.last_of_each("nobody") == []


async def test_what_was_read_before_need_not_be_read_again(store: EventStore) -> None:
    """Of the subjects that are asked for, what came after a position; nothing is no error."""
    await store.append(added("bleach"))
    await store.append(started("bleach", 1))
    await store.append(SeriesRemoved(key="bleach"))
    both = ("series.bleach.added", "series.bleach.removed")

    found = [[one.position for one in await store.last_of(both, after=after)] for after in range(5)]

    assert found == [[1, 3], [3], [3], [], []]


async def test_a_series_of_which_nothing_is_new_costs_no_search(store: EventStore) -> None:
    """The server is asked for its last event only; what follows the known state is read when there is any."""
    asked: list[list[str]] = []

    async def hear(message: Msg) -> None:
        asked.append(sorted(msgspec.json.decode(message.data)))

    await store.nc.subscribe(f"$JS.API.DIRECT.GET.{STREAM}", cb=hear)
    await store.append(added("bleach"))
    known = await store.state_of("bleach")
    await store.append(added("bleach-2"))
    await eventually(lambda: asked)
    asked.clear()

    same = await store.state_of("bleach", since=known)
    await store.append(started("bleach", 1))
    newer = await store.state_of("bleach", since=known)

    assert known is not None
    assert same == known
    assert newer is not None
    assert newer.position == 3
    await eventually(lambda: len(asked) >= 3)
    assert asked[:3] == [["last_by_subj"], ["last_by_subj"], ["batch", "max_bytes", "next_by_subj", "seq"]]


async def test_reading_pages_through_a_long_history(store: EventStore) -> None:
    """More events than a page holds come complete and in order, from any position on."""
    for start in range(0, 1200, 300):
        await asyncio.gather(*(store.append(started("bleach", 1, n + 1)) for n in range(start, start + 300)))

    everything = await store.events_of("bleach")
    later = await store.events_of("bleach", after=1150)

    assert [one.position for one in everything] == list(range(1, 1201))
    assert [one.position for one in later] == list(range(1151, 1201))
    assert [one.position async for one in store.read_all(after=499)] == list(range(500, 1201))


async def test_large_events_are_read_a_few_at_a_time(store: EventStore) -> None:
    """A page has few bytes, whatever its events have: yet none is left out, of one series as of all."""
    episodes = tuple(Episode(number=number, title="x" * 990) for number in range(1000))
    large = EpisodesLoaded(key="bleach", cause=1, attempt=1, seasons=(Season(number=1, episodes=episodes),))
    await store.append(added("bleach"))
    for attempt in range(1, 13):
        await store.append(msgspec.structs.replace(large, attempt=attempt))

    pages = [[one.position for one in page] async for page in store.pages()]
    of_series = [one.position for one in await store.events_of("bleach")]
    of_all = [one.position async for one in store.read_all()]

    assert max(map(len, pages)) <= 6
    assert [one for page in pages for one in page] == of_series == of_all == list(range(1, 14))


async def test_what_cannot_be_decoded_is_told_as_such(store: EventStore) -> None:
    """Garbage and events under a foreign subject stop nobody and are never taken for facts."""
    await store.append(added("bleach"))
    for subject, body in (("series.bleach.nfo.failed", b"\xff"), ("series.naruto.added", b'{"type":"new.v9"}')):
        await store.js.publish(subject, body)
    await store.js.publish("series.naruto.removed", b'{"type":"series-removed.v1","key":"bleach"}')

    found = [one async for one in store.read_all()]

    assert [type(one) for one in found] == [RecordedEvent, Unreadable, Unreadable, Unreadable]
    assert [one.position for one in await store.last_of_each("bleach")] == [1]


async def test_following_misses_nothing_over_a_restart(store: EventStore, nats_server: NatsServer) -> None:
    """A kill of the server in the middle leaves neither a gap nor a repeat."""
    seen: list[int] = []

    async def deliver(one: RecordedEvent | Unreadable) -> None:
        seen.append(one.position)

    for number in range(20):
        await store.append(added(f"before-{number}"))
    following = await store.follow(5, deliver)
    await eventually(lambda: len(seen) == 15)
    await nats_server.stop()
    await nats_server.start()
    await eventually(lambda: store.nc.is_connected)
    for number in range(10):
        await store.append(added(f"after-{number}"))
    await eventually(lambda: len(seen) == 25, within=15)
    await following.stop()

    assert seen == list(range(6, 31))


async def test_following_goes_on_from_its_place_even_if_nothing_came_yet(
    store: EventStore, nats_server: NatsServer
) -> None:
    """A restart of the server while nothing happens does not bring the whole log again."""
    seen: list[int] = []

    async def deliver(one: RecordedEvent | Unreadable) -> None:
        seen.append(one.position)

    for number in range(10):
        await store.append(added(f"before-{number}"))
    following = await store.follow(10, deliver)
    await nats_server.stop()
    await nats_server.start()
    await eventually(lambda: store.nc.is_connected)
    await store.append(added("after"))
    await eventually(lambda: seen, within=15)
    await following.stop()

    assert seen == [11]


async def test_an_event_that_no_server_takes_is_told_as_such(store: EventStore) -> None:
    """Trying again would not make it smaller."""
    with pytest.raises(TooLarge, match="8388608"):
        await store.append(msgspec.structs.replace(added("bleach"), name="x" * 9_000_000))


async def test_a_recreated_or_shorter_log_is_an_error(store: EventStore) -> None:
    """Whoever read another log, or further than this one goes, is told so."""
    info = await store.info()

    info.check_continues(info.log_id, 0)
    with pytest.raises(ForeignLog, match="recreated"):
        info.check_continues("another", 0)
    with pytest.raises(ForeignLog, match="older backup"):
        info.check_continues(info.log_id, 1)


async def test_declaring_again_keeps_the_log_and_the_consumers(store: EventStore) -> None:
    """Every start declares; a declared log keeps its id and its consumers their place."""
    before = await store.info()
    await store.append(added("bleach"))

    after = await streams.declare(store.js)

    assert (after.log_id, after.last_position) == (before.log_id, 1)
    assert {one.name for one in await store.js.consumers_info(STREAM)} == {part.value for part in Part}
