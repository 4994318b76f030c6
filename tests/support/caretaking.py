"""A caretaker by a clock that stands still, series whose files are in its library, and what it asked for."""

from datetime import UTC, datetime, timedelta

from contracts.events import NfoLoaded, Part, PartRequested, RecordedEvent, SeriesIdentified
from services.caretaker.caretaker import Caretaker
from services.platform.event_store import EventStore
from services.platform.library import Library
from tests.support.histories import added


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def go(self, **span: float) -> None:
        self.time += timedelta(**span)


def caretaker(store: EventStore, library: Library, now: Clock | None = None) -> Caretaker:
    return Caretaker(store, library, interval=60, between=0, now=now or Clock())


async def requests(store: EventStore) -> list[PartRequested]:
    found = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return [event for event in found if isinstance(event, PartRequested)]


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
