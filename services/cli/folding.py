"""The log folded on this side of HTTP: what the events read so far add up to, for each series."""

from collections.abc import Callable, Iterable

from contracts import codec
from contracts.api import HistoryItem
from contracts.events import EventParked, EventUnparked, RecordedEvent
from contracts.loading import evolve, fold
from contracts.state import SeriesState


class Folding:
    """`events_of(key)` gives all recorded events of a series: it is read anew when what is skipped changes."""

    def __init__(self, events_of: Callable[[str], Iterable[HistoryItem]]) -> None:
        self._states: dict[str, SeriesState] = {}
        self._events_of = events_of

    @property
    def states(self) -> list[SeriesState]:
        """The series, by key; the removed ones too."""
        return [state for _, state in sorted(self._states.items())]

    def take(self, item: HistoryItem) -> SeriesState | None:
        """The state of its series after the event; None if it changed nothing."""
        recorded = _recorded(item)
        if recorded is None:
            return None
        key = recorded.event.key
        before = self._states.get(key)
        if isinstance(recorded.event, EventParked | EventUnparked):
            after = self._anew(key, recorded.position)
        else:
            after = evolve(before, recorded)
        if after is None or after is before:
            return None
        self._states[key] = after
        return after

    def _anew(self, key: str, until: int) -> SeriesState | None:
        """The series as it is at a position, from all its events: a parked one counts no more, or counts again."""
        events = (_recorded(item) for item in self._events_of(key) if item.position <= until)
        return fold(one for one in events if one is not None)


def _recorded(item: HistoryItem) -> RecordedEvent | None:
    """The event; None if this program can't read it: then it is skipped, as everywhere."""
    try:
        event = codec.decode(bytes(item.event))
    except codec.UndecodableEvent:
        return None
    return RecordedEvent(
        position=item.position, time=item.time, event=event, id=item.id, correlation_id=item.correlation_id
    )
