"""Fold a batch: from the states before it to the rows that changed and what there is to tell. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from contracts import loading
from contracts.events import EpisodesLoaded, Event, EventUnparked, RecordedEvent, SeriesAdded, SeriesIdentified
from contracts.loading import evolve
from contracts.state import SeriesState

T = TypeVar("T")
_NUMBERS = range(-(2**31), 2**31)  # what a column of type integer takes
_NUMBERED = (SeriesAdded, SeriesIdentified, EpisodesLoaded)  # events with numbers that have a column


class Folded(msgspec.Struct, frozen=True):
    """What a batch changed.

    `states` are the newest states by key; `episodes` the events whose seasons now count, by key, and `reloaded` those
    of these keys that had seasons before; `begun` the keys of which another life began in the batch (their rows are
    made anew); `changes` is the state after each change, in position order. `refused` are the events that were left
    out: no column takes their numbers.
    """

    states: dict[str, SeriesState]
    episodes: dict[str, EpisodesLoaded]
    begun: frozenset[str]
    changes: list[SeriesState]
    refused: tuple[RecordedEvent, ...] = ()
    reloaded: frozenset[str] = frozenset()

    @property
    def newest(self) -> list[SeriesState]:
        """The last of the changes of each series, in position order."""
        return sorted(self.states.values(), key=lambda state: state.position)


NOTHING = Folded({}, {}, frozenset(), [])


def fold(before: Mapping[str, SeriesState], events: Iterable[RecordedEvent]) -> Folded:
    """The batch folded onto `before`, which must hold the state of every key that has one."""
    states: dict[str, SeriesState] = {}
    episodes: dict[str, EpisodesLoaded] = {}
    begun: set[str] = set()
    changes: list[SeriesState] = []
    refused: list[RecordedEvent] = []
    for recorded in events:
        event = recorded.event
        was = states.get(event.key) or before.get(event.key)
        now = evolve(was, recorded)
        if now is None or now is was:
            continue
        if not has_room_for(event):
            # Each by itself: in another batch, the database would not see what a later event has replaced.
            refused.append(recorded)
            continue
        states[event.key] = now
        changes.append(now)
        if isinstance(event, SeriesAdded):
            if event.key in before:
                begun.add(event.key)
            episodes.pop(event.key, None)
        elif isinstance(event, EpisodesLoaded) and now.episodes_at == recorded.position:
            episodes[event.key] = event
    reloaded = frozenset(key for key in episodes if _has_seasons(before.get(key), states[key]))
    return Folded(states, episodes, frozenset(begun), changes, tuple(refused), reloaded)


def _has_seasons(before: SeriesState | None, now: SeriesState) -> bool:
    """Whether seasons of this life are in the tables."""
    return before is not None and before.added == now.added and before.episodes_at > 0


def has_room_for(event: Event) -> bool:
    """Whether the columns take the event's numbers."""
    if not isinstance(event, _NUMBERED):
        return True
    return all(number is None or number in _NUMBERS for number in _numbers_of(event))


def _numbers_of(event: SeriesAdded | SeriesIdentified | EpisodesLoaded) -> Iterator[int | None]:
    match event:
        case SeriesAdded() | SeriesIdentified():
            yield from (event.year, event.ids.tmdb, event.ids.tvdb, event.ids.tvmaze)
        case EpisodesLoaded():
            for season in event.seasons:
                yield season.number
                for one in season.episodes:
                    yield from (one.number, one.runtime, one.absolute)


def refold(events: Sequence[RecordedEvent]) -> Folded:
    """One series folded from its beginning, up to a last event that lets another one count again.

    Nothing changes if that one does not belong to its present life.
    """
    state = loading.fold(events)
    if state is None or state.position != events[-1].position:
        return NOTHING
    event = next((one.event for one in events if one.position == state.episodes_at), None)
    episodes = {state.key: event} if isinstance(event, EpisodesLoaded) else {}
    # Its row is made anew: it may be the add itself that counts again, and with it another life.
    return Folded({state.key: state}, episodes, frozenset({state.key}), [state])


def pieces(batch: Sequence[T]) -> Iterator[Sequence[T]]:
    """The batch in order, each EventUnparked by itself: it wants more than what is at hand."""
    begin = 0
    for number, one in enumerate(batch):
        if isinstance(one, RecordedEvent) and isinstance(one.event, EventUnparked):
            if begin < number:
                yield batch[begin:number]
            yield batch[number : number + 1]
            begin = number + 1
    if begin < len(batch):
        yield batch[begin:] if begin else batch


def keys_of(events: Iterable[RecordedEvent]) -> set[str]:
    """The series that the events are about."""
    return {recorded.event.key for recorded in events}
