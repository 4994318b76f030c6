"""A series' recorded events as a timeline that people can read: what GET …/history and the board tell. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from contracts import words
from contracts.api import Mood
from contracts.events import (
    CausedFact,
    EpisodesLoaded,
    Event,
    EventParked,
    EventUnparked,
    FileRecord,
    FilesDeleted,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    PartFailed,
    PartReleased,
    PartRequested,
    PartRetrying,
    PartStarted,
    PartUnavailable,
    PartUnchanged,
    RecordedEvent,
    SeriesAdded,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.presentation import MAX_RETRIES

_WHY = {"retry": "retry", "refresh": "refresh", "startup": "start-up check", "missing_file": "a file is missing"}
_ORIGINS = {"api": "", "import": ", taken over from before", "bulk": ", among many"}
_SOON = 1.0  # seconds in which a start is taken up when nothing is in its way


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event in words: the fields that HistoryEntry adds to its item."""

    what: str
    detail: str
    mood: Mood
    attempt: int | None = None
    seconds: float | None = None


def timeline(events: Iterable[RecordedEvent]) -> dict[int, Entry]:
    """The entry of each event by its position. `events` are all that can be read of a series, in their order."""
    started: dict[tuple[str, int, int], datetime] = {}
    recorded: dict[int, datetime] = {}
    entries: dict[int, Entry] = {}
    for one in events:
        recorded[one.position] = one.time
        what, detail, mood = _words(one.event)
        entries[one.position] = Entry(
            what=what,
            detail="; ".join(filter(None, (detail, _waited(one.event, one.time, recorded)))),
            mood=mood,
            attempt=one.event.attempt if isinstance(one.event, CausedFact) else None,
            seconds=_took(one.event, one.time, started),
        )
    return entries


def unreadable(reason: str) -> Entry:
    """The entry of an event that can't be read."""
    return Entry(what="event that can't be read", detail=reason, mood="bad")


def _waited(event: Event, time: datetime, recorded: Mapping[int, datetime]) -> str:
    """How long a start was in the queue before its first delivery, if that is worth telling."""
    if not isinstance(event, PartStarted) or event.delivery > 1 or event.cause not in recorded:
        return ""
    seconds = (time - recorded[event.cause]).total_seconds()
    return f"after {words.duration(seconds)} in the queue" if seconds >= _SOON else ""


def _took(event: Event, time: datetime, started: dict[tuple[str, int, int], datetime]) -> float | None:
    """How long the attempt took that `event` ended; notes when attempts begin."""
    if not isinstance(event, CausedFact):
        return None
    attempt = (event.part.value, event.cause, event.attempt)
    if isinstance(event, PartStarted):
        started[attempt] = time
        return None
    begun = started.pop(attempt, None)
    return None if begun is None else max((time - begun).total_seconds(), 0.0)


def _words(event: Event) -> tuple[str, str, Mood]:
    """What happened, the detail, and the mood."""
    match event:
        case SeriesAdded():
            what = f"{words.titled(event.name, event.year)}, {event.link}{_ORIGINS[event.origin]}"
            return "added", what + _by(event.client), "strong"
        case SeriesIdentified():
            found = f"{event.catalogue} {event.catalogue_id}: {words.titled(event.name, event.year)}"
            return "identified", f"{found}, in {event.folder}/", "good"
        case SeriesRemoved():
            files = "with the files that Coldopen wrote" if event.delete_files else "its files stay"
            return "removed", files + _by(event.client), "strong"
        case FilesDeleted():
            kept = f"; kept: {', '.join(map(_name, event.kept))}" if event.kept else ""
            return "files deleted", f"{words.count(len(event.files), 'file')}{kept}", "plain"
        case EventParked():
            return "event set aside", f"#{event.parked_position}: {event.reason}", "bad"
        case EventUnparked():
            return "event let in again", f"#{event.parked_position}{_by(event.client)}", "plain"
        case PartRequested():
            return f"{event.part} asked for", ", ".join(_asked(event)) + _by(event.client), "plain"
        case PartStarted():
            deaths = f"its worker died {words.count(event.deaths, 'time')}" if event.deaths else ""
            return f"{event.part} started", deaths, "quiet"
        case PartReleased():
            return f"{event.part} handed back", "its worker was stopped", "quiet"
        case PartRetrying():
            delay = words.duration(event.delay)
            what = f"failed, retrying in {delay} ({event.retries} of {MAX_RETRIES})"
            return f"{event.part} {what if event.counted else f'put off for {delay}'}", event.error.message, "warning"
        case _:
            return _outcome(event)


def _by(client: str | None) -> str:
    """Who wanted it."""
    return "" if client is None else f", by {words.program(client)}"


def _asked(event: PartRequested) -> Iterator[str]:
    yield _WHY[event.reason]
    if event.overwrite:
        yield "overwriting"
    if event.ids is not None:
        named = ((name, getattr(event.ids, name)) for name in event.ids.__struct_fields__)
        yield "as " + " and ".join(f"{name} {value}" for name, value in named if value is not None)


def _outcome(
    event: EpisodesLoaded | NfoLoaded | LogoLoaded | ImagesLoaded | PartUnchanged | PartUnavailable | PartFailed,
) -> tuple[str, str, Mood]:
    match event:
        case EpisodesLoaded():
            episodes = sum(len(season.episodes) for season in event.seasons)
            seasons = words.count(len(event.seasons), "season")
            return "episodes loaded", f"{seasons}, {words.count(episodes, 'episode')}", "good"
        case NfoLoaded() | LogoLoaded() | ImagesLoaded():
            return f"{event.part} loaded", ", ".join(map(_file, event.files)), "good"
        case PartUnchanged():
            return f"{event.part} unchanged", "nothing new", "good"
        case PartUnavailable():
            return f"{event.part} unavailable", event.reason, "plain"
        case PartFailed():
            candidates = f"; is it one of these? {'; '.join(event.candidates)}" if event.candidates else ""
            return f"{event.part} failed", event.error.message + candidates, "bad"


def _file(record: FileRecord) -> str:
    return f"{_name(record.path)} ({record.state}, {words.size(record.bytes)})"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
