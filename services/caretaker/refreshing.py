"""Which series are loaded anew because time has passed: those that may have new episodes. Pure."""

from datetime import datetime, timedelta

from contracts.events import Part, PartRequested
from contracts.presentation import parts_of
from contracts.state import ADOPTED, SeriesState
from services.caretaker.domain import is_looked_after
from services.platform.urgency import CARETAKER

_ENDED = "Ended"
# New seasons are told by these. Pictures that are there stay as they are; only those that there were none of are
# looked for.
_RENEWED = frozenset({Part.EPISODES, Part.NFO})


def refreshes(state: SeriesState, now: datetime, after: timedelta) -> list[PartRequested]:
    """The requests that load the series anew if nothing has happened to it for `after`; none for one that has ended.

    What is said to have happened further ahead of `now` than that was recorded by a wrong clock, and counts as old.
    What has no good result yet is left out: the identification, which comes with every refresh, starts it. A row that
    predates the log is left to people: identifying it may replace what it has.
    """
    is_settled = not any(one.is_open for _, one in parts_of(state))
    is_known = state.identified > 0 and state.catalogue != ADOPTED and state.status != _ENDED
    if not (is_looked_after(state) and is_settled and is_known and abs(now - state.updated_at) >= after):
        return []
    parts = [
        part
        for part, one in parts_of(state)
        if part is Part.IDENTITY or one.good == "unavailable" or (one.good == "loaded" and part in _RENEWED)
    ]
    return [PartRequested(key=state.key, part=part, reason="refresh", client=CARETAKER) for part in parts]
