"""How a series' state reads to people and programs: progress, message, error, and the bodies made of them. Pure."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from contracts.api import EpisodeState, LoadingProgress, LoadingStatusBody, LoadingUpdate, PartSummary, PartView
from contracts.artwork import poster_of
from contracts.events import CONTENT_PARTS, Episode, ErrorKind, Part
from contracts.state import LoadingStatus, PartState, SeriesState

_Parts: TypeAlias = Sequence[tuple[Part, PartState]]
# The position of each error, its words, whether it is likely to pass by itself.
_Errors: TypeAlias = Sequence[tuple[int, str, bool]]

MAX_RETRIES = 3
_DOING = {
    Part.IDENTITY: "Identifying series",
    Part.EPISODES: "Loading episodes",
    Part.NFO: "Generating NFO file",
    Part.LOGO: "Loading logo",
    Part.IMAGES: "Loading images",
}
_PASSING: frozenset[ErrorKind] = frozenset({"network", "busy"})
_BY_ITSELF = ". It will be tried again by itself later; a retry does it now"
_CONTENT = tuple((part, attrgetter(part.value)) for part in CONTENT_PARTS)


def parts_of(state: SeriesState) -> list[tuple[Part, PartState]]:
    """Identity and the wanted parts, in the order in which they are named everywhere."""
    wanted = state.wanted
    return [(Part.IDENTITY, state.identity), *[(part, of(state)) for part, of in _CONTENT if part in wanted]]


def progress_of(state: SeriesState) -> LoadingProgress:
    """True for each part that is loaded, unavailable or not wanted; a running refresh keeps it true."""
    wanted = state.wanted
    return LoadingProgress(
        episodes=Part.EPISODES not in wanted or state.episodes.good is not None,
        nfo=Part.NFO not in wanted or state.nfo.good is not None,
        logo=Part.LOGO not in wanted or state.logo.good is not None,
        images=Part.IMAGES not in wanted or state.images.good is not None,
    )


def error_of(state: SeriesState) -> str | None:
    """The last error that still stands, of a part or of an event that could not be read; at most 1,000 characters."""
    return _last(_standing(state, parts_of(state)))


def _last(standing: _Errors) -> str | None:
    return max(standing)[1][:1000] if standing else None


def _standing(state: SeriesState, parts: _Parts) -> _Errors:
    """The errors that still stand."""
    found = [
        (part.error_position, f"{name}: {part.error.message}", part.error.kind in _PASSING)
        for name, part in parts
        if part.error
    ]
    if state.parked:
        found += [(position, f"event {position}: {reason}", False) for position, reason in state.parked.items()]
    return found


def message_of(state: SeriesState) -> str:
    """One line for people: what is going on."""
    parts = parts_of(state)
    return _message(state, state.loading_status, parts, _standing(state, parts))


def _message(state: SeriesState, status: LoadingStatus, parts: _Parts, standing: _Errors) -> str:
    if status == "removed":
        return "Removed, and its files deleted" if state.files_deleted else "Removed"
    if status == "completed":
        return _completed(state, parts, standing)
    if status == "failed":
        return _failed(standing)
    for part, one in parts:
        if one.status == "loading":
            return f"{_DOING[part]}…"
        if one.status == "retrying":
            return _retrying(part, one)
    return "Queued for loading"


def _failed(standing: _Errors) -> str:
    _, error, passes = max(standing, default=(0, "nothing could be loaded", False))
    return f"Failed: {error}"[: 1000 - len(_BY_ITSELF)] + (_BY_ITSELF if passes else "")


def _completed(state: SeriesState, parts: _Parts, standing: _Errors) -> str:
    position, error, _ = max(standing, default=(0, "", False))
    if position in state.parked:
        return f"Loaded; skipped is {error}"[:1000]
    if error:
        return f"Loaded; the last try to load again failed: {error}"[:1000]
    missing = [part.value for part, one in parts if one.status == "unavailable"]
    if not missing:
        return "All data loaded successfully"
    return f"Loaded; no {' and no '.join(missing)} {'exist' if missing[-1] in ('images', 'episodes') else 'exists'}"


def _retrying(part: Part, one: PartState) -> str:
    what = _DOING[part][0].lower() + _DOING[part][1:]
    count = f" ({one.retries} of {MAX_RETRIES})" if one.retries else ""
    why = f": {one.error.message}" if one.error else ""
    return f"Retrying {what} in {one.retry_delay:.0f} s{count}{why}"[:1000]


def part_summaries(state: SeriesState) -> dict[str, PartSummary]:
    """Where each part stands."""
    return {
        part: PartSummary(status=one.status, attempt=one.attempt, error=one.error, retry_at=one.retry_at)
        for part, one in parts_of(state)
    }


def part_views(state: SeriesState) -> dict[str, PartView]:
    """What clients see of each part."""
    return _views(parts_of(state))


def _views(parts: _Parts) -> dict[str, PartView]:
    return {
        part: PartView(status=one.status, attempt=one.attempt, error=one.error, retry_at=one.retry_at, files=one.files)
        for part, one in parts
    }


def state_of(episode: Episode, today: date) -> EpisodeState:
    """Whether a library can hold the episode, and does; `today` is the reader's.

    From its air date on it can; one whose date is not known has not aired, as media managers count (TBA).
    """
    if episode.on_disk:
        return "on_disk"
    has_aired = episode.air_date is not None and episode.air_date <= today.isoformat()
    return "missing" if has_aired else "unaired"


def status_body(state: SeriesState) -> LoadingStatusBody:
    """The answer of GET …/loading-status."""
    return LoadingStatusBody(
        key=state.key,
        loading_status=state.loading_status,
        progress=progress_of(state),
        started_at=state.started_at,
        completed_at=state.completed_at,
        message=message_of(state),
        error=error_of(state),
        parts=part_views(state),
        position=state.position,
    )


def series_fields(state: SeriesState) -> dict[str, Any]:
    """What the bodies that are a `Series` have in common."""
    # Each looked at once: every change of a series makes an update.
    status, parts = state.loading_status, parts_of(state)
    standing = _standing(state, parts)
    return {
        "key": state.key,
        "db_id": state.added,
        "name": state.name,
        "year": state.year,
        "loading_status": status,
        "progress": progress_of(state),
        "message": _message(state, status, parts, standing),
        "error": _last(standing),
        "poster": poster_of(state),
        "added_at": state.added_at,
        "started_at": state.started_at,
        "completed_at": state.completed_at,
        "position": state.position,
    }


def update_of(state: SeriesState) -> LoadingUpdate:
    """The update that SSE and WebSocket subscribers get."""
    return LoadingUpdate(**series_fields(state), parts=part_views(state), timestamp=state.updated_at)


def encode_update(state: SeriesState) -> bytes:
    """`update_of(state)` as JSON: encoded once, sent to everybody."""
    return msgspec.json.encode(update_of(state))
