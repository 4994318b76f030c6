"""The caretaker deletes files of removed series, on a real log and a real library: which, when, and how often."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contracts.events import Event, FilesDeleted, LogoLoaded, Part, PartRequested, RecordedEvent, SeriesRemoved
from deploy.local.nats_server import NatsServer
from services.caretaker.caretaker import Caretaker
from services.platform.broker import connect
from services.platform.event_store import Appended, EventStore, life_of
from services.platform.library import Library
from services.platform.tasks import end
from tests.support.caretaking import Clock, caretaker, loaded_series, requests
from tests.support.histories import added
from tests.support.waiting import eventually


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.make_marker()
    return library


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
    assert await deletions(store) == [
        FilesDeleted(key="edited", kept=("Edited/tvshow.nfo",)),
        FilesDeleted(key="gone", files=("Gone/tvshow.nfo",)),
    ]


async def test_what_was_told_of_behind_the_removal_goes_with_the_rest(
    store: EventStore, library: Library, tmp_path: Path
) -> None:
    """Whoever wrote it takes it back, unless it is killed just then; a restarted caretaker knows of it, too."""
    gone, anew = await loaded_series(store, library, "gone"), await loaded_series(store, library, "anew")
    for key, position in (("gone", gone), ("anew", anew)):
        await store.append(SeriesRemoved(key=key, delete_files=True), expect=life_of(key, position))
        late = await library.write(key.title(), "logo.png", key.encode())
        await store.append(LogoLoaded(key=key, cause=position + 1, attempt=1, files=(late,)))
    # Its next life has found that file, and goes without its files.
    second = (await store.append(added("anew"), expect=life_of("anew", anew))).position
    await store.append(SeriesRemoved(key="anew"), expect=life_of("anew", second))

    assert await deleted_by_a_new_caretaker(store, library) == 1
    assert not (tmp_path / "Gone").exists()
    assert (tmp_path / "Anew" / "logo.png").exists()
    assert await deletions(store) == [FilesDeleted(key="gone", files=("Gone/tvshow.nfo", "Gone/logo.png"))]


async def test_files_are_deleted_once(store: EventStore, library: Library, tmp_path: Path) -> None:
    """What somebody brings back afterwards, the very same bytes from a backup, is theirs; also after a restart."""
    gone = await loaded_series(store, library, "gone")
    written = (tmp_path / "Gone" / "tvshow.nfo").read_bytes()
    await store.append(SeriesRemoved(key="gone", delete_files=True), expect=life_of("gone", gone))
    await deleted_by_a_new_caretaker(store, library)
    (tmp_path / "Gone").mkdir()
    (tmp_path / "Gone" / "tvshow.nfo").write_bytes(written)

    assert await deleted_by_a_new_caretaker(store, library) == 0
    assert (tmp_path / "Gone" / "tvshow.nfo").read_bytes() == written


async def test_nothing_is_deleted_from_a_folder_that_a_living_series_has(
    store: EventStore, library: Library, tmp_path: Path
) -> None:
    """The next one has moved in: its files are in use, whoever wrote them, and stay so when it goes without them."""
    first = await loaded_series(store, library, "first", folder="Shared")
    await store.append(SeriesRemoved(key="first", delete_files=True), expect=life_of("first", first))
    second = await loaded_series(store, library, "second", folder="shared")
    await deleted_by_a_new_caretaker(store, library)
    await store.append(SeriesRemoved(key="second"), expect=life_of("second", second))
    await deleted_by_a_new_caretaker(store, library)

    assert (tmp_path / "Shared" / "tvshow.nfo").exists()
    assert await deletions(store) == [FilesDeleted(key="first", kept=("Shared/tvshow.nfo",))]


async def test_a_series_added_anew_keeps_what_it_has_found(store: EventStore, library: Library, tmp_path: Path) -> None:
    """It comes between the look at the removal and the end of the deletion: the files are there again."""
    gone = await loaded_series(store, library, "gone")
    await store.append(SeriesRemoved(key="gone", delete_files=True), expect=life_of("gone", gone))
    there: list[bool] = []

    class Contested(EventStore):
        async def append(self, event: Event, **how: Any) -> Appended:
            if isinstance(event, FilesDeleted):
                there.append((tmp_path / "Gone" / "tvshow.nfo").exists())
                await super().append(added("gone", parts=(Part.NFO,)), expect=life_of("gone", gone))
            return await super().append(event, **how)

    assert await deleted_by_a_new_caretaker(Contested(store.nc), library) == 0

    assert there == [False]
    assert [one.name for one in (tmp_path / "Gone").iterdir()] == ["tvshow.nfo"]
    assert await deletions(store) == []


async def test_what_a_dead_caretaker_had_set_aside_is_deleted(
    store: EventStore, library: Library, tmp_path: Path
) -> None:
    """It died right behind FilesDeleted: nothing is left of the series, and a person's file stays."""
    dead = await asyncio.create_subprocess_exec("true")
    await dead.wait()
    for key in ("gone", "left"):
        position = await loaded_series(store, library, key)
        await store.append(SeriesRemoved(key=key, delete_files=True), expect=life_of(key, position))
        folder = tmp_path / key.title()
        written = sha256((folder / "tvshow.nfo").read_bytes()).hexdigest()
        aside = await library.set_aside(folder.name, "tvshow.nfo", written)
        assert aside is not None
        (folder / aside).rename(folder / aside.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
        await store.append(FilesDeleted(key=key), expect=life_of(key, position))
    (tmp_path / "Left" / "episode.mkv").write_bytes(b"video")

    await deleted_by_a_new_caretaker(store, library)

    assert not (tmp_path / "Gone").exists()
    assert [one.name for one in (tmp_path / "Left").iterdir()] == ["episode.mkv"]


async def deleted_by_a_new_caretaker(store: EventStore, library: Library) -> int:
    """Of how many series one that has just started deletes the files."""
    one = caretaker(store, library)
    await one.check()
    return await one.delete_files()


async def deletions(store: EventStore) -> list[FilesDeleted]:
    """What was deleted, by key."""
    events = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return sorted((one for one in events if isinstance(one, FilesDeleted)), key=lambda one: one.key)


async def test_a_log_that_denies_the_record_stops_nothing_else(
    store: EventStore, library: Library, tmp_path: Path, nats_server: NatsServer
) -> None:
    """As a server with an older release's permissions: no file keeps its name, and the library is looked through."""
    for key in ("first", "second"):
        position = await loaded_series(store, library, key)
        await store.append(SeriesRemoved(key=key, delete_files=True), expect=life_of(key, position))
    await loaded_series(store, library, "living")
    (tmp_path / "Living" / "tvshow.nfo").unlink()
    nc = await connect("test", nats_server.url("gateway"))  # who may ask for parts, and not record a deletion
    clock = Clock()
    denied = Caretaker(EventStore(nc, timeout=1.0), library, interval=60, between=0, now=clock)
    clock.go(minutes=1)

    running = asyncio.ensure_future(denied.run())
    try:
        asked = await eventually(lambda: requests(store), within=30)
    finally:
        await end(running)
        await nc.close()

    assert asked == [PartRequested(key="living", part=Part.NFO, reason="missing_file", client="caretaker")]
    assert not (tmp_path / "First" / "tvshow.nfo").exists()
    assert not (tmp_path / "Second" / "tvshow.nfo").exists()
    assert await deletions(store) == []
    assert await deleted_by_a_new_caretaker(store, library) == 2
