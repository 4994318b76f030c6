"""When what has failed is asked for again: told from the log alone, so that a restart starts no schedule anew. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from contracts.events import ErrorKind, Part, PartRequested, RecordedEvent
from contracts.presentation import parts_of
from contracts.state import PartState, SeriesState
from services.caretaker.domain import asked_again, is_looked_after

# After the first failure. Whatever is still away a day later is looked for at the caretaker's next start.
_SCHEDULE = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
# What passes by itself; of anything else a person has to change something, and may have by the next start.
_PASSING: frozenset[ErrorKind] = frozenset({"network", "busy"})
# Since anything last happened to the part: a caretaker that is restarted over and over must not ask every time.
_REST = timedelta(minutes=5)


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """How a part has failed since somebody else than the caretaker last had it loaded.

    `since` is when it failed first, `asked` when it was asked for last after that (at first: `since`), `touched` when
    it last was asked for or failed. Where the log has an earlier time for the later event, a clock was set back.
    """

    since: datetime
    asked: datetime
    touched: datetime


def follow(failing: Mapping[Part, Failing], state: SeriesState, recorded: RecordedEvent) -> dict[Part, Failing]:
    """How the series' parts fail after `recorded`, which made `state` of it; without those that don't."""
    parts = [(part, _follow(failing.get(part), one, recorded)) for part, one in parts_of(state)]
    return {part: after for part, after in parts if after}


def _follow(failing: Failing | None, one: PartState, recorded: RecordedEvent) -> Failing | None:
    time = recorded.time
    if not one.cause:
        return None  # not started in this life
    if one.is_open and one.cause == recorded.position:
        is_renewal = isinstance(recorded.event, PartRequested) and recorded.event.reason == "startup"
        if failing is None or not is_renewal:
            return None
        return Failing(since=min(failing.since, time), asked=time, touched=time)
    if one.outcome == "failed" and one.error_position == recorded.position:
        return replace(failing, touched=time) if failing else Failing(since=time, asked=time, touched=time)
    return None if one.outcome in ("loaded", "unavailable") else failing


def renewals(
    state: SeriesState, failing: Mapping[Part, Failing], now: datetime, started_at: datetime
) -> list[PartRequested]:
    """The requests that are due `now` for what has failed; the caretaker runs since `started_at`.

    A refresh that failed is renewed too, though the last good result stands: its error is shown until one succeeds.
    """
    if not is_looked_after(state) or state.identity.is_open:
        return []  # what the series turns out to be may start the other parts
    due = [
        part
        for part, one in parts_of(state)
        if one.outcome == "failed" and one.error and part in failing
        if _is_due(failing[part], one.error.kind, now, started_at)
    ]
    # Likewise: the others stay due until identity has its outcome.
    return [asked_again(state, part) for part in (due if Part.IDENTITY not in due else [Part.IDENTITY])]


def _is_due(failing: Failing, kind: ErrorKind, now: datetime, started_at: datetime) -> bool:
    # The clock was set back since: what is asked for now has a time that counts, and begins the schedule anew.
    if failing.asked - now >= _REST:
        return True
    moments = [started_at]
    if kind in _PASSING:
        moments += [failing.since + after for after in _SCHEDULE]
    # However many moments have passed since it was asked for last, as while nothing ran: they are one.
    return abs(now - failing.touched) >= _REST and any(failing.asked < moment <= now for moment in moments)
