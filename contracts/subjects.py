"""Which subject an event is recorded under, and which subjects start a part.

series.<key>.added | identified | removed | deleted | parked | unparked
series.<key>.<part>.requested | started | released | retrying | loaded | unchanged | unavailable | failed
"""

import re
from typing import Any

from contracts.events import (
    CausedFact,
    EpisodesLoaded,
    Event,
    EventParked,
    EventUnparked,
    FilesDeleted,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    Part,
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

STREAM = "SERIES"
ALL_EVENTS = "series.>"
FEED_SUBJECT = "status"
KEY_PATTERN = r"[a-z0-9][a-z0-9-]{0,99}"
# A series' page is /api/anime/<key>: words that are routes there can't be keys.
RESERVED_KEYS = frozenset({"add"})

_KEY = re.compile(KEY_PATTERN)
_WORDS: dict[type[Event], str] = {
    SeriesAdded: "added",
    SeriesIdentified: "identified",
    SeriesRemoved: "removed",
    FilesDeleted: "deleted",
    EventParked: "parked",
    EventUnparked: "unparked",
    PartRequested: "requested",
    PartStarted: "started",
    PartReleased: "released",
    PartRetrying: "retrying",
    EpisodesLoaded: "loaded",
    NfoLoaded: "loaded",
    LogoLoaded: "loaded",
    ImagesLoaded: "loaded",
    PartUnchanged: "unchanged",
    PartUnavailable: "unavailable",
    PartFailed: "failed",
}


def is_key(text: str) -> bool:
    """Whether `text` can be a series' key: one lower-case subject token of at most 100 characters, not reserved."""
    return _KEY.fullmatch(text) is not None and text not in RESERVED_KEYS


def subject_of(event: Event) -> str:
    """The subject that `event` is recorded under; raises ValueError if its key is no key."""
    if not is_key(event.key):
        raise ValueError(f"{event.key!r} is not a series key: it must match {KEY_PATTERN} and not be a route's name")
    word = _WORDS[type(event)]
    if isinstance(event, CausedFact | PartRequested) and not isinstance(event, SeriesIdentified):
        return f"series.{event.key}.{event.part}.{word}"
    return f"series.{event.key}.{word}"


def pattern_of(kind: type[Event]) -> str:
    """The subjects of a kind of event, with `{key}` left open, and `{part}` if it can be of any part."""
    word = _WORDS[kind]
    if kind is SeriesIdentified or not issubclass(kind, CausedFact | PartRequested):
        return f"series.{{key}}.{word}"
    part: Any = kind.part  # a part by its type, or else the field
    return f"series.{{key}}.{part if isinstance(part, Part) else '{part}'}.{word}"


def added_subject(key: str) -> str:
    """Where the series' lives begin: the subject that every guard looks at."""
    return f"series.{key}.added"


def events_of(key: str) -> str:
    """All events of one series."""
    return f"series.{key}.>"


def lives_and_starts_of(key: str, part: Part) -> tuple[str, ...]:
    """The subjects that tell which life of a series goes on, and which start of one part is its newest."""
    started = () if part is Part.IDENTITY else (f"series.{key}.identified",)
    return (added_subject(key), f"series.{key}.removed", *started, f"series.{key}.{part}.requested")


def outcomes_of(key: str, part: Part) -> tuple[str, ...]:
    """The subjects that tell how the starts of one part of a series have ended."""
    found = tuple(f"series.{key}.{part}.{word}" for word in ("loaded", "unchanged", "unavailable", "failed"))
    return (f"series.{key}.identified", *found[1:]) if part is Part.IDENTITY else found


def starts_of(part: Part) -> tuple[str, ...]:
    """The subjects whose events start `part`: what its durable consumer filters on."""
    first = "series.*.added" if part is Part.IDENTITY else "series.*.identified"
    return (first, f"series.*.{part}.requested")
