"""One delivery's way through a loader, on a real nats-server: what is recorded, acknowledged, given back, undone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from nats.aio.msg import Msg

from contracts.events import (
    Canonical,
    Event,
    FileRecord,
    FinalEvent,
    LoadError,
    Part,
    PartFailed,
    PartReleased,
    PartRequested,
    PartRetrying,
    PartStarted,
    RecordedEvent,
    RequestReason,
    SeriesAdded,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.subjects import STREAM
from services.platform.domain import MAX_WAITED
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Appended, EventStore, life_of
from services.platform.failures import LoadFailure
from services.platform.job import Job, Written
from services.platform.neighbours import Neighbours, Shut
from services.platform.part_loader import PartLoader
from services.platform.upstream_gate import Gate
from services.platform.upstream_shared import SharedState
from services.platform.urgency import is_background
from tests.support.connection import forget_ids_at_once
from tests.support.waiting import eventually

ADDED = SeriesAdded(
    key="bleach", name="Bleach", site="e", link="https://e/x", canonical=Canonical(site="e", id="b"), folder="Bleach"
)

WRITTEN = ("Bleach (2004)/poster.jpg", "0" * 64)


@pytest.fixture
async def store(store: EventStore) -> EventStore:
    """A log in which one series was added."""
    await store.append(ADDED)
    return store


async def identify(job: Job) -> FinalEvent:
    return SeriesIdentified(
        key=job.key,
        cause=job.cause,
        attempt=job.run.attempt,
        catalogue="tvmaze",
        catalogue_id="1",
        name="Bleach",
        folder="Bleach (2004)",
    )


async def delivery(store: EventStore, timeout: float = 5.0) -> Msg:
    """The next delivery of identity's durable consumer."""
    subscription = await store.js.pull_subscribe_bind(durable="identity", stream=STREAM)
    (message,) = await subscription.fetch(1, timeout=timeout)
    await subscription.unsubscribe()
    return message


async def recorded(store: EventStore) -> list[object]:
    return [one.event for one in await store.events_of("bleach") if isinstance(one, RecordedEvent)]


async def waiting(store: EventStore) -> tuple[int, int]:
    """How many deliveries of identity are not acknowledged, and how many were never made."""
    info = await store.js.consumer_info(STREAM, "identity")
    return info.num_ack_pending or 0, info.num_pending or 0


async def test_a_delivery_is_started_settled_and_acknowledged(store: EventStore) -> None:
    """The plain way: started, then the outcome, then nothing is left to do."""
    await PartLoader(Part.IDENTITY, store, identify).handle(await delivery(store))

    events = await recorded(store)
    assert [type(event) for event in events] == [SeriesAdded, PartStarted, SeriesIdentified]
    assert events[1] == PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=1, deaths=0)
    assert await waiting(store) == (0, 0)


async def test_what_nobody_waits_for_is_background_work(store: EventStore) -> None:
    """A person's add goes before what the caretaker asks for by itself."""
    seen: list[bool] = []

    async def notes(job: Job) -> FinalEvent:
        seen.append(is_background())
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, notes)
    await loader.handle(await delivery(store))
    await store.append(PartRequested(key="bleach", part=Part.IDENTITY, reason="startup"))
    await loader.handle(await delivery(store))

    assert seen == [False, True]


async def test_a_settled_start_delivered_again_does_nothing(store: EventStore) -> None:
    """A worker that died between the outcome and the acknowledgement leaves nothing to repeat."""
    message = await delivery(store)
    await PartLoader(Part.IDENTITY, store, identify).handle(message)
    before = await recorded(store)

    again = Msg(
        _client=message._client,
        subject=message.subject,
        reply=message.reply,
        data=message.data,
        headers=message.headers,
    )
    await PartLoader(Part.IDENTITY, store, identify).handle(again)

    assert await recorded(store) == before


async def test_a_worker_that_died_is_counted(store: EventStore) -> None:
    """A start without an outcome or a release means that its worker died; five deaths are enough."""
    loader = PartLoader(Part.IDENTITY, store, identify)
    for number in range(1, 6):
        await store.append(
            PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=number, deaths=number - 1)
        )

    await loader.handle(await delivery(store))

    last = (await recorded(store))[-1]
    assert isinstance(last, PartFailed)
    assert (last.error.kind, last.attempt) == ("crash", 1)
    assert "5 times" in last.error.message


async def test_a_network_failure_is_tried_again_later(store: EventStore) -> None:
    """The retry is recorded with its time, the broker waits, and the second attempt settles the part."""
    tries: list[int] = []

    async def flaky(job: Job) -> FinalEvent:
        tries.append(job.run.attempt)
        if len(tries) == 1:
            raise LoadFailure("network", "timeout", "TVmaze did not answer")
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, flaky)
    await loader.handle(await delivery(store))
    await loader.handle(await delivery(store))

    events = await recorded(store)
    retrying = events[2]
    assert isinstance(retrying, PartRetrying)
    assert (retrying.counted, retrying.retries, retrying.error.message) == (True, 1, "TVmaze did not answer")
    assert 2.0 <= retrying.delay <= 2.5
    assert isinstance(events[-1], SeriesIdentified)
    assert tries == [1, 2]


@pytest.mark.parametrize(("reason", "code"), [("startup", "behind_others"), ("retry", "queue"), ("retry", "paused")])
async def test_only_an_upstream_uses_up_the_hour_of_a_start(
    store: EventStore, reason: RequestReason, code: str
) -> None:
    """After an hour of pauses one more is the end; but who keeps to the rate goes on, be it the caretaker or a bulk."""
    gate = Gate(SharedState("TVmaze"), rate=0.005)  # a call in 200 s
    await gate.enter()
    if code == "paused":
        await gate.pause(60.0, "HTTP 429")

    async def asks(job: Job) -> FinalEvent:
        await gate.enter()
        return await identify(job)

    cause = (await store.append(PartRequested(key="bleach", part=Part.IDENTITY, reason=reason))).position
    await store.append(waited_an_hour(cause))
    loader = PartLoader(Part.IDENTITY, store, asks)
    for _ in range(2):  # the add's delivery, which the request has superseded, comes first
        await loader.handle(await delivery(store))

    last = (await recorded(store))[-1]
    assert isinstance(last, PartFailed if code == "paused" else PartRetrying)
    assert (last.error.kind, last.error.code, last.attempt) == ("busy", code, 2)
    if isinstance(last, PartRetrying):
        assert (last.counted, last.retries, last.waited) == (False, 0, MAX_WAITED)


def waited_an_hour(cause: int) -> PartRetrying:
    """The start at `cause` was put off by an upstream for as long as one may be, and is due again."""
    error = LoadError(kind="busy", code="rate_limited", message="TVmaze asks for fewer calls")
    return PartRetrying(
        key="bleach",
        part=Part.IDENTITY,
        cause=cause,
        attempt=1,
        error=error,
        retry_at=datetime.now(UTC),
        delay=30.0,
        counted=False,
        waited=MAX_WAITED,
    )


@pytest.mark.parametrize("kind", ["not_found", "filesystem", "invalid"])
async def test_what_cannot_get_better_fails_at_once(store: EventStore, kind: str) -> None:
    """Final failures are not tried again."""

    async def fail(job: Job) -> FinalEvent:
        raise LoadFailure(kind, "code", "what and what to do")  # type: ignore[arg-type]  # one of the kinds

    await PartLoader(Part.IDENTITY, store, fail).handle(await delivery(store))

    last = (await recorded(store))[-1]
    assert isinstance(last, PartFailed)
    assert (last.error.kind, last.error.message) == (kind, "what and what to do")
    assert await waiting(store) == (0, 0)


async def test_a_bug_in_the_work_is_a_failure_that_says_so(store: EventStore) -> None:
    """An unforeseen exception settles the part instead of coming again for ever."""

    async def broken(job: Job) -> FinalEvent:
        raise KeyError("runtime")

    await PartLoader(Part.IDENTITY, store, broken).handle(await delivery(store))

    last = (await recorded(store))[-1]
    assert isinstance(last, PartFailed)
    assert last.error.code == "unforeseen"
    assert "KeyError" in last.error.message


async def test_a_failure_tells_which_files_are_there_nevertheless(store: EventStore) -> None:
    """And so does each that follows, whatever it fails for: loaders read the last one only."""
    poster, fanart = (FileRecord(path=f"Bleach/{name}", sha256="00", bytes=1, state="written") for name in "pf")
    failures = [
        LoadFailure("not_found", "http_404", "it is gone", files=(poster,)),
        LoadFailure("filesystem", "ENOSPC", "no space left", files=(fanart,)),
        ValueError("a bug"),
    ]

    async def fails(job: Job) -> FinalEvent:
        raise failures[len(told)]

    told: list[tuple[FileRecord, ...]] = []
    for _ in failures:
        if told:
            await store.append(PartRequested(key="bleach", part=Part.IDENTITY, reason="retry"))
        await PartLoader(Part.IDENTITY, store, fails).handle(await delivery(store))
        last = (await recorded(store))[-1]
        assert isinstance(last, PartFailed)
        told.append(last.files)
    position = (await store.append(PartRequested(key="bleach", part=Part.IDENTITY, reason="retry"))).position
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=position, attempt=1, delivery=5, deaths=4))
    await PartLoader(Part.IDENTITY, store, fails).handle(await delivery(store))
    last = (await recorded(store))[-1]

    assert told == [(poster,), (poster, fanart), (poster, fanart)]
    assert isinstance(last, PartFailed)
    assert (last.error.kind, last.files) == ("crash", (poster, fanart))


async def test_a_removal_while_it_runs_undoes_the_work(store: EventStore) -> None:
    """What was written for a series that was removed meanwhile is taken back, and no outcome is recorded."""
    undone: list[str] = []

    async def slow(job: Job) -> FinalEvent:
        async def undo() -> None:
            undone.append("poster.jpg")

        job.written.append(Written(WRITTEN, undo))
        await store.append(SeriesRemoved(key="bleach"), expect=life_of("bleach", 1))
        await job.check()
        return await identify(job)

    await PartLoader(Part.IDENTITY, store, slow).handle(await delivery(store))

    assert undone == ["poster.jpg"]
    assert isinstance((await recorded(store))[-1], SeriesRemoved)
    assert await waiting(store) == (0, 0)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_removal_beside_the_outcome_undoes_the_work_if_it_came_first(store: EventStore, when: str) -> None:
    """An outcome behind the removal counts for nothing: nobody would ever know of the files. One before it tells."""
    undone: list[str] = []

    class Crowded(EventStore):
        async def append(self, event: Event, **how: Any) -> Appended:
            removal = SeriesRemoved(key="bleach", delete_files=True)
            is_outcome = isinstance(event, SeriesIdentified)
            if is_outcome and when == "before":
                await super().append(removal, expect=life_of("bleach", 1))
            recorded = await super().append(event, **how)
            if is_outcome and when == "after":
                await super().append(removal, expect=life_of("bleach", 1))
            return recorded

    async def writes(job: Job) -> FinalEvent:
        async def undo() -> None:
            undone.append("poster.jpg")

        job.written.append(Written(WRITTEN, undo))
        job.has_written = True
        return await identify(job)

    await PartLoader(Part.IDENTITY, Crowded(store.nc), writes).handle(await delivery(store))

    assert undone == (["poster.jpg"] if when == "before" else [])
    await eventually(partial(is_all_acknowledged, store))


async def test_an_outcome_is_recorded_once_however_often_the_log_goes_away_behind_it(store: EventStore) -> None:
    """It is there: only the look for a removal in front of it is done again, and one behind it undoes nothing."""
    undone: list[str] = []

    class Leaving(EventStore):
        appended = 0
        looks_fail = 2

        async def append(self, event: Event, **how: Any) -> Appended:
            self.appended += isinstance(event, SeriesIdentified)
            return await super().append(event, **how)

        async def last_of(self, subjects: Sequence[str], *, after: int = 0, up_to: int = 0) -> list[RecordedEvent]:
            if self.appended and self.looks_fail:
                if self.looks_fail == 2:
                    await super().append(SeriesRemoved(key="bleach"), expect=life_of("bleach", 1))
                self.looks_fail -= 1
                raise LogUnavailable("it has just gone")
            return await super().last_of(subjects, after=after, up_to=up_to)

    async def writes(job: Job) -> FinalEvent:
        async def undo() -> None:
            undone.append("poster.jpg")

        job.written.append(Written(WRITTEN, undo))
        job.has_written = True
        return await identify(job)

    leaving = Leaving(store.nc)
    await PartLoader(Part.IDENTITY, leaving, writes).handle(await delivery(store))

    assert (leaving.appended, leaving.looks_fail, undone) == (1, 0, [])


async def test_an_outcome_whose_answer_was_lost_for_long_is_recorded_once(store: EventStore) -> None:
    """The broker forgets what is a duplicate after two minutes: before it is said again, the log is looked at."""
    await forget_ids_at_once(store)

    class Unanswered(EventStore):
        lost = 0

        async def append(self, event: Event, **how: Any) -> Appended:
            recorded = await super().append(event, **how)
            if isinstance(event, SeriesIdentified) and not self.lost:
                self.lost = recorded.position
                await asyncio.sleep(0.5)
                raise LogUnavailable("its answer was lost")
            return recorded

    unanswered = Unanswered(store.nc)
    await PartLoader(Part.IDENTITY, unanswered, identify).handle(await delivery(store))

    assert [type(event) for event in await recorded(store)] == [SeriesAdded, PartStarted, SeriesIdentified]
    assert unanswered.lost == 3
    assert await waiting(store) == (0, 0)


@pytest.mark.parametrize("later", ["loads", "fails"])
async def test_of_two_workers_with_one_start_the_first_to_end_settles_it(store: EventStore, later: str) -> None:
    """The other one takes back what it wrote, but for what the first one has recorded as the part's."""
    undone: list[str] = []
    record = FileRecord(path=WRITTEN[0], sha256=WRITTEN[1], bytes=1, state="written")
    other = FileRecord(path="Bleach (2004)/fanart.jpg", sha256="1" * 64, bytes=1, state="written")

    async def slow(job: Job) -> FinalEvent:
        for one in (record, other):

            async def undo(path: str = one.path) -> None:
                undone.append(path)

            job.written.append(Written((one.path, one.sha256), undo))
        error = LoadError(kind="invalid", code="any", message="the other one could not")
        await store.append(
            PartFailed(key="bleach", part=Part.IDENTITY, cause=job.cause, attempt=1, error=error, files=(record,))
        )
        if later == "fails":
            raise LoadFailure("invalid", "any", "this one could not either")
        return await identify(job)

    await PartLoader(Part.IDENTITY, store, slow).handle(await delivery(store))

    assert [type(event) for event in await recorded(store)] == [SeriesAdded, PartStarted, PartFailed]
    assert undone == [other.path]
    assert await waiting(store) == (0, 0)


async def test_what_a_newer_start_has_recorded_is_not_taken_back(store: EventStore) -> None:
    """Another process took the newer start, found the file there and said so: it is that one's now."""
    undone: list[str] = []
    record = FileRecord(path=WRITTEN[0], sha256=WRITTEN[1], bytes=1, state="written")
    other = FileRecord(path="Bleach (2004)/fanart.jpg", sha256="1" * 64, bytes=1, state="written")

    async def slow(job: Job) -> FinalEvent:
        for one in (record, other):

            async def undo(path: str = one.path) -> None:
                undone.append(path)

            job.written.append(Written((one.path, one.sha256), undo))
        again = PartRequested(key="bleach", part=Part.IDENTITY, reason="refresh")
        cause = (await store.append(again, expect=life_of("bleach", 1))).position
        error = LoadError(kind="invalid", code="any", message="it has a file nevertheless")
        await store.append(
            PartFailed(key="bleach", part=Part.IDENTITY, cause=cause, attempt=1, error=error, files=(record,))
        )
        await job.check()
        return await identify(job)

    await PartLoader(Part.IDENTITY, store, slow).handle(await delivery(store))

    assert undone == [other.path]


@pytest.mark.parametrize(("delivery_before", "in_doubt"), [(1, False), (2, True)])
async def test_a_failure_ends_no_doubt_about_what_a_dead_worker_wrote(
    store: EventStore, delivery_before: int, in_doubt: bool
) -> None:
    """The one that failed was another delivery than the one that may have written."""
    seen: list[bool] = []

    async def notes(job: Job) -> FinalEvent:
        seen.append(job.was_begun_before)
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, notes)
    first = await delivery(store)
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=delivery_before))
    error = LoadError(kind="network", code="timeout", message="it did not answer")
    await store.append(PartFailed(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, error=error))
    await first.ack()
    await store.append(PartRequested(key="bleach", part=Part.IDENTITY, reason="retry"), expect=life_of("bleach", 1))
    await loader.handle(await delivery(store))

    assert seen == [in_doubt]


async def is_all_acknowledged(store: EventStore) -> bool:
    return await waiting(store) == (0, 0)


async def test_a_newer_start_waits_until_the_former_one_has_cleaned_up(store: EventStore) -> None:
    """The series was removed and added anew: what the former life's load takes back, it takes from nobody."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    async def write(job: Job) -> FinalEvent:
        async def undo() -> None:
            order.append(f"{job.state.added} undone")

        order.append(f"{job.state.added} begun")
        job.written.append(Written(WRITTEN, undo))
        if not begun.is_set():
            begun.set()
            await go_on.wait()
        await job.check()
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, write)
    former = asyncio.ensure_future(loader.handle(await delivery(store)))
    await begun.wait()
    await store.append(SeriesRemoved(key="bleach"), expect=life_of("bleach", 1))
    again = (await store.append(ADDED, expect=life_of("bleach", 1), event_id="again")).position
    await loader.handle(await delivery(store))
    go_on.set()
    await former
    await loader.handle(await delivery(store))

    assert order == ["1 begun", "1 undone", f"{again} begun"]
    assert isinstance((await recorded(store))[-1], SeriesIdentified)


async def test_a_former_lifes_outcome_is_not_recorded(store: EventStore) -> None:
    """The series was removed and added again while the load ran: its outcome belongs to nobody."""

    async def slow(job: Job) -> FinalEvent:
        await store.append(SeriesRemoved(key="bleach"), expect=life_of("bleach", 1))
        await store.append(ADDED, event_id="again")
        return await identify(job)

    await PartLoader(Part.IDENTITY, store, slow).handle(await delivery(store))

    assert isinstance((await recorded(store))[-1], SeriesAdded)
    assert (await waiting(store))[0] == 0


async def test_a_stop_hands_running_work_back(store: EventStore) -> None:
    """After the grace time the load is released, and the next worker takes it up at once, without a death."""
    begun = asyncio.Event()

    async def endless(job: Job) -> FinalEvent:
        begun.set()
        await asyncio.sleep(60)
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, endless)
    handling = asyncio.ensure_future(loader.handle(await delivery(store)))
    await begun.wait()
    await loader.stop(grace=0.1)
    await handling
    await PartLoader(Part.IDENTITY, store, identify).handle(await delivery(store, timeout=3.0))

    events = await recorded(store)
    assert [type(event) for event in events] == [SeriesAdded, PartStarted, PartReleased, PartStarted, SeriesIdentified]
    assert events[3] == PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=2, deaths=0)


async def test_long_work_is_signalled_and_not_delivered_twice(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is told that the work goes on: nobody else gets the delivery meanwhile."""
    told: list[float] = []
    original = Msg.in_progress

    async def counted(self: Msg) -> None:
        told.append(asyncio.get_running_loop().time())
        await original(self)

    monkeypatch.setattr(Msg, "in_progress", counted)
    finish = asyncio.Event()

    async def slow(job: Job) -> FinalEvent:
        await finish.wait()
        return await identify(job)

    handling = asyncio.ensure_future(PartLoader(Part.IDENTITY, store, slow).handle(await delivery(store)))
    await eventually(lambda: told, within=8)
    finish.set()
    await handling

    assert isinstance((await recorded(store))[-1], SeriesIdentified)


async def test_an_outcome_that_is_too_large_fails_the_part(store: EventStore) -> None:
    """No server would ever take it: the part is settled instead of holding its slot for ever."""

    async def endless(job: Job) -> FinalEvent:
        return replace(await identify(job), name="x" * 9_000_000)

    await PartLoader(Part.IDENTITY, store, endless).handle(await delivery(store))

    last = (await recorded(store))[-1]
    assert isinstance(last, PartFailed)
    assert (last.error.kind, last.error.code) == ("invalid", "too_large")


async def test_one_that_killed_its_worker_runs_alone(store: EventStore) -> None:
    """After a death the load waits until its neighbours are done, and new ones come again when it is over."""
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))
    await store.append(
        SeriesAdded(
            key="naruto", name="N", site="e", link="https://e/n", canonical=Canonical(site="e", id="n"), folder="N"
        )
    )
    running: set[str] = set()
    together: list[set[str]] = []

    async def watch(job: Job) -> FinalEvent:
        running.add(job.key)
        await asyncio.sleep(0.1)
        together.append(set(running))
        running.discard(job.key)
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, watch)
    messages = [await delivery(store), await delivery(store)]
    await asyncio.gather(*(loader.handle(message) for message in messages))
    while len(together) < 2:  # who came second, when the door was shut, comes again
        await loader.handle(await delivery(store))

    assert sorted(map(sorted, together)) == [["bleach"], ["naruto"]]


async def test_work_that_loses_the_log_is_handed_back_when_it_is_there_again(store: EventStore) -> None:
    """An outage in the middle of the work is no death and no attempt: released, then taken up again."""
    tries: list[int] = []

    async def cut_off(job: Job) -> FinalEvent:
        tries.append(job.run.deaths)
        if len(tries) == 1:
            raise LogUnavailable("the claims can't be reached")
        return await identify(job)

    loader = PartLoader(Part.IDENTITY, store, cut_off)
    await loader.handle(await delivery(store))
    await loader.handle(await delivery(store, timeout=3.0))

    events = await recorded(store)
    assert [type(event) for event in events] == [SeriesAdded, PartStarted, PartReleased, PartStarted, SeriesIdentified]
    assert tries == [0, 0]


async def test_a_suspect_shuts_the_door_to_newcomers_of_every_part() -> None:
    """While it waits for the others to finish nobody begins, and while it runs it is alone in its process."""
    neighbours = Neighbours()
    inside: list[str] = []
    first, suspect = asyncio.Event(), asyncio.Event()

    async def take(name: str, until: asyncio.Event, *, alone: bool = False) -> None:
        async with neighbours.place(alone=alone):
            inside.append(name)
            await until.wait()

    async def is_refused(*, alone: bool) -> bool:
        try:
            async with neighbours.place(alone=alone):
                return False
        except Shut:
            return True

    loading = asyncio.ensure_future(take("first", first))
    await eventually(lambda: inside == ["first"])
    suspected = asyncio.ensure_future(take("suspect", suspect, alone=True))
    await eventually(lambda: is_refused(alone=False))
    assert await is_refused(alone=True)
    first.set()
    await eventually(lambda: inside == ["first", "suspect"])
    assert loading.done()
    assert await is_refused(alone=False)
    suspect.set()
    await suspected
    assert not await is_refused(alone=True)
    assert not await is_refused(alone=False)


async def test_what_comes_while_a_suspect_is_there_is_given_back(store: EventStore) -> None:
    """Should the process die, the broker has it still, and nothing was started."""
    neighbours = Neighbours()
    loader = PartLoader(Part.IDENTITY, store, identify, neighbours=neighbours)
    async with neighbours.place(alone=True):
        await loader.handle(await delivery(store))
    assert [type(event) for event in await recorded(store)] == [SeriesAdded]

    await loader.handle(await delivery(store))

    assert [type(event) for event in await recorded(store)] == [SeriesAdded, PartStarted, SeriesIdentified]
