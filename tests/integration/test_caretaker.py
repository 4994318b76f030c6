"""The caretaker on a real log and a real library: what it asks for again, what it deletes, what it leaves alone."""

import asyncio
from pathlib import Path

import pytest

from contracts.events import (
    NfoLoaded,
    Part,
    PartRequested,
    PartStarted,
    RecordedEvent,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.subjects import STREAM
from services.caretaker.caretaker import Caretaker
from services.platform.event_store import EventStore, life_of
from services.platform.library import Library
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.make_marker()
    return library


def caretaker(store: EventStore, library: Library) -> Caretaker:
    return Caretaker(store, library, interval=60, between=0)


async def acknowledge_all(store: EventStore, part: Part) -> None:
    """What a broken worker would do: acknowledge its deliveries without an outcome."""
    subscription = await store.js.pull_subscribe_bind(durable=part.value, stream=STREAM)
    for message in await subscription.fetch(10, timeout=2):
        await message.ack_sync()
    await subscription.unsubscribe()


async def requests(store: EventStore) -> list[PartRequested]:
    found = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return [event for event in found if isinstance(event, PartRequested)]


async def test_lost_work_is_asked_for_once(store: EventStore, library: Library) -> None:
    """A start that was acknowledged without an outcome is started anew; the next look finds it waiting."""
    await store.append(added("bleach"))
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))
    await acknowledge_all(store, Part.IDENTITY)
    one = caretaker(store, library)

    asked = [await one.check(), await one.check(), await caretaker(store, library).check()]

    assert asked == [1, 0, 0]
    assert await requests(store) == [PartRequested(key="bleach", part=Part.IDENTITY, reason="startup")]


async def test_two_caretakers_ask_once(store: EventStore, library: Library) -> None:
    """The same loss has the same id: the log drops the second request."""
    await store.append(added("bleach"))
    await acknowledge_all(store, Part.IDENTITY)
    first, second = caretaker(store, library), caretaker(store, library)
    await first._catch_up()
    await second._catch_up()

    await first.check()
    await second.check()

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


async def test_files_of_a_removed_series_are_deleted_if_that_was_asked_for(
    store: EventStore, library: Library, tmp_path: Path
) -> None:
    """What Coldopen wrote goes; what a person changed or put there stays, and with it the folder."""
    gone, kept = await loaded_series(store, library, "gone"), await loaded_series(store, library, "kept")
    (tmp_path / "Edited").mkdir()
    edited = await loaded_series(store, library, "edited")
    (tmp_path / "Edited" / "tvshow.nfo").write_bytes(b"<tvshow><title>Mine</title></tvshow>")
    (tmp_path / "Edited" / "episode.mkv").write_bytes(b"video")
    await store.append(SeriesRemoved(key="gone", delete_files=True), expect=life_of("gone", gone))
    await store.append(SeriesRemoved(key="kept"), expect=life_of("kept", kept))
    await store.append(SeriesRemoved(key="edited", delete_files=True), expect=life_of("edited", edited))
    one = caretaker(store, library)
    await one.check()

    done = [await one.delete_files(), await one.delete_files()]

    assert done == [2, 0]
    assert not (tmp_path / "Gone").exists()
    assert (tmp_path / "Kept" / "tvshow.nfo").exists()
    assert sorted(path.name for path in (tmp_path / "Edited").iterdir()) == ["episode.mkv", "tvshow.nfo"]


async def test_nothing_is_deleted_from_a_folder_that_a_living_series_has(
    store: EventStore, library: Library, tmp_path: Path
) -> None:
    """The next one has moved in: its files are in use, whoever wrote them."""
    first = await loaded_series(store, library, "first", folder="Shared")
    await store.append(SeriesRemoved(key="first", delete_files=True), expect=life_of("first", first))
    await loaded_series(store, library, "second", folder="shared")
    one = caretaker(store, library)
    await one.check()

    assert await one.delete_files() == 0
    assert (tmp_path / "Shared" / "tvshow.nfo").exists()


async def loaded_series(store: EventStore, library: Library, key: str, folder: str | None = None) -> int:
    """A series whose NFO was written into its folder; the position of its add."""
    folder = folder or key.title()
    position = (await store.append(added(key, parts=(Part.NFO,)))).position
    identified = SeriesIdentified(
        key=key, cause=position, attempt=1, catalogue="tvmaze", catalogue_id=key, name=key, folder=folder
    )
    cause = (await store.append(identified)).position
    record = await library.write(folder, "tvshow.nfo", f"<tvshow><title>{key}</title></tvshow>".encode())
    await store.append(NfoLoaded(key=key, cause=cause, attempt=1, files=(record,)))
    return position
