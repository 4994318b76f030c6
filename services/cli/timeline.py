"""A series' recorded events as a timeline that people can read. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from contracts import codec
from contracts.api import HistoryItem
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
    SeriesAdded,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.presentation import MAX_RETRIES
from services.cli import wording

_WHY = {"retry": "retry", "refresh": "refresh", "startup": "start-up check", "missing_file": "a file is missing"}
_ORIGINS = {"api": "", "import": ", taken over from before", "bulk": ", among many"}
_CLIENT = 40  # characters: browsers say much about themselves
_SOON = 1.0  # seconds in which a start is taken up when nothing is in its way


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `seconds` is how long the attempt took that this event ended (None: it ended none)."""

    position: int
    time: datetime
    what: str
    detail: str = ""
    style: str = ""
    attempt: int | None = None
    seconds: float | None = None


def timeline(items: Iterable[HistoryItem]) -> list[Entry]:
    """An entry for each item, in their order."""
    started: dict[tuple[str, int, int], datetime] = {}
    recorded: dict[int, datetime] = {}
    entries: list[Entry] = []
    for item in items:
        recorded[item.position] = item.time
        try:
            event = codec.decode(bytes(item.event))
        except codec.UndecodableEvent as error:
            why = _reason(item) or str(error)
            entries.append(Entry(position=item.position, time=item.time, what=item.type, detail=why, style="red"))
            continue
        what, detail, style = _words(event)
        entries.append(
            Entry(
                position=item.position,
                time=item.time,
                what=what,
                detail="; ".join(filter(None, (detail, _waited(event, item.time, recorded)))),
                style=style,
                attempt=event.attempt if isinstance(event, CausedFact) else None,
                seconds=_took(event, item.time, started),
            )
        )
    return entries


def _reason(item: HistoryItem) -> str | None:
    """Why the gateway could not read the event, if it is that which it tells."""
    told = msgspec.json.decode(item.event)
    return told.get("reason") if item.type == "unreadable" and isinstance(told, dict) else None


def _waited(event: Event, time: datetime, recorded: Mapping[int, datetime]) -> str:
    """How long a start was in the queue before its first delivery, if that is worth telling."""
    if not isinstance(event, PartStarted) or event.delivery > 1 or event.cause not in recorded:
        return ""
    seconds = (time - recorded[event.cause]).total_seconds()
    return f"after {wording.duration(seconds)} in the queue" if seconds >= _SOON else ""


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


def _words(event: Event) -> tuple[str, str, str]:
    """What happened, the detail, and the style."""
    match event:
        case SeriesAdded():
            what = f"{wording.titled(event.name, event.year)}, {event.link}{_ORIGINS[event.origin]}"
            return "added", what + _by(event.client), "bold"
        case SeriesIdentified():
            found = f"{event.catalogue} {event.catalogue_id}: {wording.titled(event.name, event.year)}"
            return "identified", f"{found}, in {event.folder}/", "green"
        case SeriesRemoved():
            files = "with the files that Coldopen wrote" if event.delete_files else "its files stay"
            return "removed", files + _by(event.client), "bold"
        case FilesDeleted():
            kept = f"; kept: {', '.join(map(_name, event.kept))}" if event.kept else ""
            return "files deleted", f"{wording.count(len(event.files), 'file')}{kept}", ""
        case EventParked():
            return "event set aside", f"#{event.parked_position}: {event.reason}", "red"
        case EventUnparked():
            return "event let in again", f"#{event.parked_position}{_by(event.client)}", ""
        case PartRequested():
            return f"{event.part} asked for", ", ".join(_asked(event)) + _by(event.client), ""
        case PartStarted():
            deaths = f"its worker died {wording.count(event.deaths, 'time')}" if event.deaths else ""
            return f"{event.part} started", deaths, "dim"
        case PartReleased():
            return f"{event.part} handed back", "its worker was stopped", "dim"
        case PartRetrying():
            delay = wording.duration(event.delay)
            what = f"failed, retrying in {delay} ({event.retries} of {MAX_RETRIES})"
            return f"{event.part} {what if event.counted else f'put off for {delay}'}", event.error.message, "yellow"
        case _:
            return _outcome(event)


def _by(client: str | None) -> str:
    """Who wanted it, as the program names itself."""
    if client is None:
        return ""
    return f", by {client}" if len(client) <= _CLIENT else f", by {client[:_CLIENT]}…"


def _asked(event: PartRequested) -> Iterator[str]:
    yield _WHY[event.reason]
    if event.overwrite:
        yield "overwriting"
    if event.ids is not None:
        named = ((name, getattr(event.ids, name)) for name in event.ids.__struct_fields__)
        yield "as " + " and ".join(f"{name} {value}" for name, value in named if value is not None)


def _outcome(
    event: EpisodesLoaded | NfoLoaded | LogoLoaded | ImagesLoaded | PartUnchanged | PartUnavailable | PartFailed,
) -> tuple[str, str, str]:
    match event:
        case EpisodesLoaded():
            episodes = sum(len(season.episodes) for season in event.seasons)
            seasons = wording.count(len(event.seasons), "season")
            return "episodes loaded", f"{seasons}, {wording.count(episodes, 'episode')}", "green"
        case NfoLoaded() | LogoLoaded() | ImagesLoaded():
            return f"{event.part} loaded", ", ".join(map(_file, event.files)), "green"
        case PartUnchanged():
            return f"{event.part} unchanged", "nothing new", "green"
        case PartUnavailable():
            return f"{event.part} unavailable", event.reason, ""
        case PartFailed():
            candidates = f"; is it one of these? {'; '.join(event.candidates)}" if event.candidates else ""
            return f"{event.part} failed", event.error.message + candidates, "bold red"


def _file(record: FileRecord) -> str:
    return f"{_name(record.path)} ({record.state}, {wording.size(record.bytes)})"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
