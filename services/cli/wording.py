"""How states and times read in a terminal. Pure: no colour, no clock, no I/O."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from contracts import words
from contracts.api import EpisodeCounts, LoadingProgress, PartView
from contracts.events import CONTENT_PARTS, Part
from contracts.state import PartStatus

# Symbol, symbol for terminals that can't show it, style.
_MARKS: dict[PartStatus, tuple[str, str, str]] = {
    "waiting": ("·", ".", "dim"),
    "queued": ("◌", "o", "dim"),
    "loading": ("●", "*", "cyan"),
    "retrying": ("↻", "~", "yellow"),
    "loaded": ("✓", "+", "green"),
    "unavailable": ("∅", "-", "dim"),
    "failed": ("✗", "x", "bold red"),
}
_STATUS_STYLES = {"completed": "green", "failed": "bold red", "pending": "dim", "removed": "dim"}
UNWANTED = " "
# The gateway speaks to programs: what it tells them to call or to give, as a person does it.
_COMMANDS = {
    "GET /api/anime": "coldopen list",
    "POST /api/anime/add": "coldopen add",
    "POST …/retry": "coldopen retry KEY",
    "POST …/refresh": "coldopen refresh KEY",
    "GET …/loading-status": "coldopen status KEY",
    "at_position: ": "--at: ",
    "at_time: ": "--at: ",
    "after_position: ": "--from: ",
}
_DUPLICATE = "duplicate"
_PARKED = re.compile(r"event \d+: ", re.ASCII)  # other errors begin with the name of a part
_UNIDENTIFIED = ("no_match", _DUPLICATE, "not_found")  # trying again finds the same: a person has to say which it is


def mark(status: PartStatus, *, unicode: bool) -> tuple[str, str]:
    """One character for a part's state, and the style that it is shown in."""
    symbol, plain, style = _MARKS[status]
    return (symbol if unicode else plain), style


def status_style(loading_status: str) -> str:
    """The style of a series' loading_status; cyan while it loads."""
    return _STATUS_STYLES.get(loading_status, "cyan")


def part_text(view: PartView | None, now: datetime | None) -> str:
    """A part's state in at most a few words: what follows its mark. None: it is of the past, which has no now."""
    if view is None:
        return "not wanted"
    if view.status == "retrying" and view.retry_at is not None:
        if now is None:
            return f"again at {clock(view.retry_at)}"
        return f"again in {words.duration(max((view.retry_at - now).total_seconds(), 0.0))}"
    if view.status == "loaded" and view.error is not None:
        return "loaded, refresh failed"
    if view.status == "unavailable":
        return "none exists"
    if view.status == "loading" and view.attempt > 1:
        return f"loading (attempt {view.attempt})"
    return view.status


def clock(moment: datetime, *, of: datetime | None = None) -> str:
    """`moment` in local time; with its date unless `of` is on the same day."""
    local = moment.astimezone()
    if of is not None and of.astimezone().date() == local.date():
        return local.strftime("%H:%M:%S")
    return local.strftime("%Y-%m-%d %H:%M:%S")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago `moment` was."""
    passed = max(now - moment, timedelta()).total_seconds()
    return "just now" if passed < 1 else f"{words.duration(passed)} ago"


def episode_counts(counts: EpisodeCounts) -> str:
    """`Episodes: 12 on disk, 3 missing, 1 not yet aired`."""
    named = [(counts.on_disk, "on disk"), (counts.missing, "missing"), (counts.unaired, "not yet aired")]
    return "Episodes: " + (", ".join(f"{number} {what}" for number, what in named if number) or "none")


def done_of(progress: LoadingProgress, wanted: Collection[str]) -> tuple[int, int]:
    """How many of the four parts are done, of how many: those that are not `wanted` don't count."""
    done = [getattr(progress, part.value) for part in CONTENT_PARTS if part.value in wanted]
    return sum(done), len(done)


def progress_text(progress: LoadingProgress, wanted: Collection[str] = CONTENT_PARTS) -> str:
    """How many of the parts are done, such as `3/4`."""
    done, count = done_of(progress, wanted)
    return f"{done}/{count}"


def has_failed(loading_status: str, error: str | None) -> bool:
    """Whether the last try to load ended badly: also that of a series which keeps what an earlier one loaded."""
    return loading_status == "failed" or (loading_status == "completed" and error is not None)


def is_parked(error: str | None) -> bool:
    """Whether the error that stands is an event that could not be taken: no load failed, none can mend it."""
    return error is not None and _PARKED.match(error) is not None


def last_try_failed(view: PartView) -> bool:
    """Whether the part has failed, with or without something good from before."""
    return view.status == "failed" or (view.status in ("loaded", "unavailable") and view.error is not None)


def way_out(key: str, parts: Mapping[str, PartView], error: str | None = None) -> str:
    """What to do about a series that failed, or whose `error` is that one of its events is skipped."""
    if is_parked(error):
        return "see which events are skipped, and why: coldopen quarantine"
    identity = parts.get(Part.IDENTITY.value)
    if identity is not None and identity.status == "failed" and identity.error and identity.error.code == _DUPLICATE:
        return (
            f"forget this one: coldopen remove {key}    (or say which other it is: coldopen identify {key} --tvmaze N)"
        )
    if identity is not None and identity.error is not None and identity.error.code in _UNIDENTIFIED:
        return f"say which it is: coldopen identify {key} --tvmaze N    (find N with: coldopen search TITLE)"
    return f"try again with: coldopen retry {key}"


def in_commands(text: str) -> str:
    """The gateway's words with commands in place of its routes."""
    for route, command in _COMMANDS.items():
        text = text.replace(route, command)
    return text


def shown_parts(parts: dict[str, PartView]) -> list[tuple[str, PartView | None]]:
    """The four parts in their order, None for one that isn't wanted; identity in front while it isn't settled well."""
    content: list[tuple[str, PartView | None]] = [(part.value, parts.get(part.value)) for part in CONTENT_PARTS]
    identity = parts.get(Part.IDENTITY.value)
    return (
        content
        if identity is None or (identity.status == "loaded" and identity.error is None)
        else [("identity", identity), *content]
    )
