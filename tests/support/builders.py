"""Small events with sensible bodies, and logs made of them: a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from contracts.events import (
    Canonical,
    CatalogueIds,
    Episode,
    EpisodesLoaded,
    Event,
    EventParked,
    EventUnparked,
    FileRecord,
    FilesDeleted,
    ImagesLoaded,
    LoadError,
    LogoLoaded,
    NfoLoaded,
    Part,
    PartFailed,
    PartLoaded,
    PartReleased,
    PartRequested,
    PartRetrying,
    PartStarted,
    PartUnavailable,
    PartUnchanged,
    RecordedEvent,
    Season,
    SeriesAdded,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.loading import evolve
from contracts.state import SeriesState

KEY = "bleach"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NETWORK = LoadError(kind="network", code="timeout", message="TVmaze did not answer within 10 s")
NOT_FOUND = LoadError(kind="not_found", code="no_match", message="no catalogue knows it")
POSTER = FileRecord(path="Bleach (2004)/poster.jpg", sha256="5e" * 32, bytes=9, state="written")
NFO = FileRecord(path="Bleach (2004)/tvshow.nfo", sha256="3a" * 32, bytes=7, state="written")


def at(position: int, event: Event) -> RecordedEvent:
    """`event` recorded at `position`, that many seconds after BEGIN."""
    return RecordedEvent(position=position, time=BEGIN + timedelta(seconds=position), event=event)


def log(*events: Event) -> list[RecordedEvent]:
    """The events recorded at the positions 1, 2, 3 …"""
    return [at(position, event) for position, event in enumerate(events, 1)]


def fold(recorded: list[RecordedEvent], state: SeriesState | None = None) -> SeriesState | None:
    """What the events add up to, after `state`."""
    for one in recorded:
        state = evolve(state, one)
    return state


def state_after(*events: Event) -> SeriesState:
    """The state of a series with these events at the positions 1, 2, 3 …"""
    state = fold(log(*events))
    assert state is not None
    return state


def added(**changes: Any) -> SeriesAdded:
    event = SeriesAdded(
        key=KEY,
        name="Bleach",
        site="aniworld.to",
        link="https://aniworld.to/anime/stream/bleach",
        canonical=Canonical(site="aniworld.to", id="bleach"),
        folder="Bleach",
    )
    return replace(event, **changes)


def identified(cause: int = 1, **changes: Any) -> SeriesIdentified:
    event = SeriesIdentified(
        key=KEY,
        cause=cause,
        attempt=1,
        catalogue="tvmaze",
        catalogue_id="83",
        name="Bleach",
        folder="Bleach (2004)",
        ids=CatalogueIds(tvmaze=83),
        year=2004,
    )
    return replace(event, **changes)


def requested(part: Part, **changes: Any) -> PartRequested:
    return replace(PartRequested(key=KEY, part=part, reason="refresh"), **changes)


def started(part: Part, cause: int, delivery: int = 1, **changes: Any) -> PartStarted:
    return replace(PartStarted(key=KEY, part=part, cause=cause, attempt=1, delivery=delivery), **changes)


def released(part: Part, cause: int, delivery: int = 1, **changes: Any) -> PartReleased:
    return replace(PartReleased(key=KEY, part=part, cause=cause, attempt=1, delivery=delivery), **changes)


def retrying(part: Part, cause: int, **changes: Any) -> PartRetrying:
    event = PartRetrying(
        key=KEY,
        part=part,
        cause=cause,
        attempt=1,
        error=NETWORK,
        retry_at=BEGIN + timedelta(minutes=1),
        delay=2.0,
        retries=1,
    )
    return replace(event, **changes)


def picture(name: str) -> FileRecord:
    """A file in the series' folder, whose hash says its name."""
    return FileRecord(
        path=f"Bleach (2004)/{name}", sha256=sha256(name.encode()).hexdigest(), bytes=len(name), state="written"
    )


def loaded(part: Part, cause: int, attempt: int = 1) -> PartLoaded:
    match part:
        case Part.EPISODES:
            seasons = (Season(number=1, episodes=(Episode(number=1, title="The Day I Became a Shinigami"),)),)
            return EpisodesLoaded(key=KEY, cause=cause, attempt=attempt, seasons=seasons)
        case Part.NFO:
            return NfoLoaded(key=KEY, cause=cause, attempt=attempt, files=(NFO,))
        case Part.LOGO:
            return LogoLoaded(key=KEY, cause=cause, attempt=attempt)
        case Part.IMAGES:
            return ImagesLoaded(key=KEY, cause=cause, attempt=attempt, files=(POSTER,))
        case Part.IDENTITY:
            raise ValueError("identity's loaded is SeriesIdentified")


def all_loaded(cause: int) -> list[Event]:
    """The outcomes of the four parts, all good."""
    return [loaded(part, cause) for part in (Part.EPISODES, Part.NFO, Part.LOGO, Part.IMAGES)]


def unchanged(part: Part, cause: int) -> PartUnchanged:
    return PartUnchanged(key=KEY, part=part, cause=cause, attempt=1)


def unavailable(part: Part, cause: int) -> PartUnavailable:
    return PartUnavailable(key=KEY, part=part, cause=cause, attempt=1, reason="TVmaze lists none")


def failed(part: Part, cause: int, **changes: Any) -> PartFailed:
    return replace(PartFailed(key=KEY, part=part, cause=cause, attempt=1, error=NOT_FOUND), **changes)


def removed(*, delete_files: bool = False) -> SeriesRemoved:
    return SeriesRemoved(key=KEY, delete_files=delete_files)


def parked(position: int) -> EventParked:
    return EventParked(key=KEY, parked_position=position, reason="its body has a wrong shape")


def deleted() -> FilesDeleted:
    return FilesDeleted(key=KEY, files=("Bleach (2004)/poster.jpg",))


def unparked(position: int) -> EventUnparked:
    return EventUnparked(key=KEY, parked_position=position)


# One of each type, by tag's order in the contract: what a whole log can hold.
EXAMPLES: tuple[Event, ...] = (
    added(),
    identified(),
    requested(Part.NFO),
    started(Part.NFO, 2),
    released(Part.NFO, 2),
    retrying(Part.NFO, 2),
    *all_loaded(2),
    unchanged(Part.NFO, 3),
    unavailable(Part.LOGO, 2),
    failed(Part.IMAGES, 2),
    removed(),
    deleted(),
    parked(4),
    unparked(4),
)


def series_state(**changes: Any) -> SeriesState:
    """A series that was added at 10; what else is known of it is the test's."""
    base = SeriesState(
        key="bleach",
        added=10,
        name="Bleach",
        site="e",
        link="https://e/x",
        canonical=Canonical(site="e", id="b"),
        folder="Bleach",
        added_at=BEGIN,
        started_at=BEGIN,
        updated_at=BEGIN,
        position=20,
    )
    return replace(base, **changes)
