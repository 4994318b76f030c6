"""A log with thousands of series that have loaded, and a library with their posters."""

import asyncio
import hashlib
import os
from pathlib import Path

from msgspec.structs import replace

from contracts.events import Event, FileRecord, ImagesLoaded
from deploy.standin.pictures import SIZES, Picture, draw
from services.platform.event_store import EventStore
from services.platform.library_paths import MARKER
from tests.support.histories import added, loaded_after

_POSTERS = 24  # different ones: every so many series have the same
_AT_ONCE = 50  # series: how many are sent before the server is waited for


async def fill(store: EventStore, library: Path, count: int) -> None:
    """`count` series into an empty log, one after the other: Series-0000, Series-0001 …"""
    (library / MARKER).touch()
    store = EventStore(store.nc, timeout=60)  # hundreds of events at once, on a machine that other tests use
    posters = [_draw(library, number) for number in range(_POSTERS)]
    position = 0
    for begin in range(0, count, _AT_ONCE):
        events: list[Event] = []
        for number in range(begin, min(begin + _AT_ONCE, count)):
            key = f"series-{number:04}"
            poster = _put(library, posters[number % _POSTERS], key)
            events += [added(key), *(_with(event, poster) for event in loaded_after(key, position + len(events) + 1))]
        # The order in the log is that of sending.
        appended = await asyncio.gather(*(store.append(event) for event in events))
        position += len(events)
        assert [one.position for one in appended][-1] == position


def _draw(library: Path, number: int) -> Path:
    width, height = SIZES["poster"]
    path = library / f".poster-{number}"
    path.write_bytes(draw(Picture(title=f"{number}", words=f"{number}", kind="poster", width=width, height=height)))
    return path


def _put(library: Path, poster: Path, key: str) -> FileRecord:
    """The poster in the folder of a series."""
    path = Path(f"{key.title()} (2013)") / "poster.jpg"
    (library / path).parent.mkdir()
    os.link(poster, library / path)
    content = poster.read_bytes()
    return FileRecord(
        path=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        state="written",
        width=680,
        height=1000,
    )


def _with(event: Event, poster: FileRecord) -> Event:
    return replace(event, files=(poster,)) if isinstance(event, ImagesLoaded) else event
