"""The caretaker on a real log and a real library: what it asks for again, what it deletes, what it leaves alone."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts import codec
from contracts.events import (
    Event,
    LoadError,
    Part,
    PartFailed,
    PartRequested,
    PartStarted,
    PartUnchanged,
    SeriesRemoved,
)
from contracts.subjects import STREAM, subject_of
from services.caretaker.caretaker import Caretaker
from services.platform.event_store import EventStore, life_of
from services.platform.library import Library
from services.platform.tasks import end
from tests.support.builders import NETWORK, NOT_FOUND
from tests.support.caretaking import Clock, caretaker, loaded_series, requests
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.make_marker()
    return library


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def acknowledge_all(store: EventStore, part: Part) -> None:
    """What a broken worker would do: acknowledge its deliveries without an outcome."""
    subscription = await store.js.pull_subscribe_bind(durable=part.value, stream=STREAM)
    for message in await subscription.fetch(10, timeout=2):
        await message.ack_sync()
    await subscription.unsubscribe()


async def test_lost_work_is_asked_for_once(store: EventStore, library: Library) -> None:
    """A start that was acknowledged without an outcome is started anew; the next look finds it waiting."""
    await store.append(added("bleach"))
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))
    await acknowledge_all(store, Part.IDENTITY)
    one = caretaker(store, library)

    asked = [await one.check(), await one.check(), await caretaker(store, library).check()]

    assert asked == [1, 0, 0]
    assert await requests(store) == [
        PartRequested(key="bleach", part=Part.IDENTITY, reason="startup", client="caretaker")
    ]


async def test_two_caretakers_ask_once(store: EventStore, library: Library) -> None:
    """The same loss has the same id: the log drops the second request."""
    await store.append(added("bleach"))
    await acknowledge_all(store, Part.IDENTITY)
    first, second = caretaker(store, library), caretaker(store, library)

    await asyncio.gather(first.check(), second.check())

    assert len(await requests(store)) == 1


async def test_what_waits_or_is_settled_is_left_alone(store: EventStore, library: Library) -> None:
    """Queued work, complete series and removed ones are none of its business."""
    await store.append(added("queued"))
    position = (await store.append(added("complete"))).position
    for event in loaded_after("complete", position):
        await store.append(event)
    gone = (await store.append(added("gone"))).position
    await store.append(SeriesRemoved(key="gone"), expect=life_of("gone", gone))

    asked = await caretaker(store, library).check()

    assert asked == 0
    assert await requests(store) == []


async def test_what_a_person_asked_for_meanwhile_is_left_alone(store: EventStore, library: Library) -> None:
    """Between finding lost work and asking for it anew somebody may have done so: their load is not superseded."""
    for key in ("bleach", "naruto"):
        await store.append(added(key))
    await acknowledge_all(store, Part.IDENTITY)
    slow = Caretaker(store, library, interval=60, between=0.5)

    checking = asyncio.ensure_future(slow.check())
    await eventually(lambda: _count(store, 1))
    asked_first = (await requests(store))[0].key
    other = "naruto" if asked_first == "bleach" else "bleach"
    await store.append(PartRequested(key=other, part=Part.IDENTITY, reason="retry"))

    assert await checking == 1
    assert [one.reason for one in await requests(store)] == ["startup", "retry"]


async def _count(store: EventStore, wanted: int) -> bool:
    return len(await requests(store)) == wanted


async def record_earlier(store: EventStore, event: Event, **ago: float) -> None:
    """Record the event as if that had been so long ago."""
    headers = codec.headers_of(event, time=datetime.now(UTC) - timedelta(**ago))
    await store.js.publish(subject_of(event), codec.encode(event), headers=headers)


async def fail(store: EventStore, cause: int, error: LoadError, **ago: float) -> None:
    """Let the identity of bleach, which was added at 1, fail."""
    failure = PartFailed(key="bleach", part=Part.IDENTITY, cause=cause, attempt=1, error=error)
    await record_earlier(store, failure, **ago)


async def test_what_failed_is_asked_for_on_one_schedule_whoever_keeps_it(
    store: EventStore, library: Library, clock: Clock
) -> None:
    """The log tells when it failed first: a caretaker that is started anew goes on where the last one stopped."""
    await store.append(added("bleach"))
    await fail(store, 1, NETWORK, minutes=20)
    asked_at_first = await caretaker(store, library, clock).check()
    await fail(store, 3, NETWORK)
    restarted = caretaker(store, library, clock)

    asked = [await restarted.check()]
    for _ in range(2):
        clock.go(minutes=20.5)
        asked.append(await restarted.check())

    assert asked_at_first == 1
    assert asked == [0, 0, 1]  # an hour after the first failure, not 15 min after the start
    assert [(one.reason, one.client) for one in await requests(store)] == [("startup", "caretaker")] * 2


async def test_what_does_not_pass_by_itself_is_asked_for_once_per_start(
    store: EventStore, library: Library, clock: Clock
) -> None:
    """A person may have mended it while nothing ran."""
    await store.append(added("bleach"))
    await fail(store, 1, NOT_FOUND, minutes=20)
    one = caretaker(store, library, clock)
    asked = [await one.check()]
    await fail(store, 3, NOT_FOUND)
    clock.go(days=2)

    asked += [await one.check(), await caretaker(store, library, clock).check()]

    assert asked == [1, 0, 1]


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda file: file.write_bytes(b""), lambda file: file.write_bytes(file.read_bytes()[:-1])],
    ids=["gone", "empty", "truncated"],
)
async def test_a_file_that_is_not_whole_is_asked_for(
    store: EventStore, library: Library, tmp_path: Path, clock: Clock, damage: Callable[[Path], object]
) -> None:
    """A minute after the start and every six hours from then on, and not while the load is under way."""
    await loaded_series(store, library, "bleach")
    await loaded_series(store, library, "whole")
    damage(tmp_path / "Bleach" / "tvshow.nfo")
    one = caretaker(store, library, clock)

    asked = [await one.look_at_files()]
    for span in (1, 5, 360):
        clock.go(minutes=span)
        asked.append(await one.look_at_files())
    await store.append(PartUnchanged(key="bleach", part=Part.NFO, cause=7, attempt=1))
    clock.go(hours=6)
    asked.append(await one.look_at_files())

    assert asked == [0, 1, 0, 0, 1]
    wanted = PartRequested(key="bleach", part=Part.NFO, reason="missing_file", client="caretaker")
    assert await requests(store) == [wanted, wanted]


async def test_what_a_killed_writer_left_goes_with_a_look(
    store: EventStore, library: Library, tmp_path: Path, clock: Clock
) -> None:
    """Also from a series where all is well, and into whose folder nobody writes any more."""
    await loaded_series(store, library, "bleach")
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from services.platform.library_files import _temporary_name as name; print(name(), end='')",
        stdout=asyncio.subprocess.PIPE,
    )
    name = (await writer.communicate())[0].decode()
    (tmp_path / "Bleach" / name).write_bytes(b"half a pict")
    one = caretaker(store, library, clock)
    clock.go(minutes=1)

    assert await one.look_at_files() == 0
    assert [path.name for path in (tmp_path / "Bleach").iterdir()] == ["tvshow.nfo"]


async def test_nothing_is_missing_while_the_library_is_not_there(
    store: EventStore, library: Library, tmp_path: Path, clock: Clock
) -> None:
    """An unmounted disk is not a deleted library: the look is put off."""
    await loaded_series(store, library, "bleach")
    (tmp_path / "Bleach" / "tvshow.nfo").unlink()
    (tmp_path / ".coldopen").unlink()
    one = caretaker(store, library, clock)

    clock.go(minutes=1)
    without = await one.look_at_files()
    library.make_marker()
    clock.go(hours=6)

    assert (without, await one.look_at_files()) == (0, 1)


async def test_a_file_that_can_not_be_looked_at_is_not_missing(
    store: EventStore, library: Library, tmp_path: Path, clock: Clock
) -> None:
    """Nor does it keep others from being looked at."""
    for key in ("blocked", "edited", "gone"):
        await loaded_series(store, library, key)
    for key in ("blocked", "gone"):
        (tmp_path / key.title() / "tvshow.nfo").unlink()
    (tmp_path / "Blocked" / "tvshow.nfo").mkdir()
    (tmp_path / "Edited" / "tvshow.nfo").write_text("<tvshow><title>Edited, and longer than it was</title></tvshow>")
    one = caretaker(store, library, clock)
    clock.go(minutes=1)

    asked = await one.look_at_files()

    assert asked == 1
    assert [one.key for one in await requests(store)] == ["gone"]


async def test_it_goes_on_by_itself(store: EventStore, library: Library, tmp_path: Path, clock: Clock) -> None:
    """Every look is made again and again."""
    await loaded_series(store, library, "bleach")
    running = asyncio.ensure_future(Caretaker(store, library, interval=0.05, between=0, now=clock).run())
    (tmp_path / "Bleach" / "tvshow.nfo").unlink()

    clock.go(minutes=1)

    try:
        await eventually(lambda: _count(store, 1))
    finally:
        await end(running)
