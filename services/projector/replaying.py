"""Folding what was folded before: an event that could not be taken then is not taken now, even if it could be. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from contracts.events import EpisodesLoaded, EventParked, EventUnparked, RecordedEvent
from contracts.state import SeriesState
from services.platform.stored_event import Unreadable
from services.projector import domain
from services.projector.domain import Folded

One: TypeAlias = RecordedEvent | Unreadable
# Where the last EventParked is, by the key and the position of the event that it is about.
Parkings: TypeAlias = Mapping[tuple[str, int], int]


def key_of(one: One) -> str:
    """The series that the event is about; of one that can't be read, as far as its subject tells."""
    return one.event.key if isinstance(one, RecordedEvent) else one.subject.split(".")[1]


def is_skipped(one: One, parkings: Parkings, *, at: int) -> bool:
    """Whether the log says, after the position `at`, that the event could not be taken there."""
    return bool(parkings) and parkings.get((key_of(one), one.position), 0) > at


def release(
    events: Iterable[One], unparked: EventUnparked, parkings: Parkings, *, at: int
) -> tuple[One | None, list[RecordedEvent]]:
    """What an EventUnparked at the position `at` lets count, of its series' events up to there.

    The event that it means (None: it still was not taken), and all that can be read of what counts then.
    """
    counting = [one for one in events if not is_skipped(one, parkings, at=at)]
    released = next((one for one in counting if one.position == unparked.parked_position), None)
    return released, [one for one in counting if isinstance(one, RecordedEvent)]


class Untaken(msgspec.Struct, frozen=True):
    """An event that can't be taken, and the log does not say so yet; `again` is as in `parking.park`."""

    one: Unreadable
    again: int = 0


class Replayed(msgspec.Struct, frozen=True):
    """One series as its rows are to be (no state: it has none), and which of its events nobody has judged before."""

    state: SeriesState | None = None
    episodes: EpisodesLoaded | None = None
    untaken: tuple[Untaken, ...] = ()

    def after(self, folded: Folded, key: str) -> "Replayed":
        """With what a further batch changed."""
        before = None if folded.begun else self.episodes
        return Replayed(folded.states.get(key, self.state), folded.episodes.get(key, before), self.untaken)

    def without(self, one: One, reason: str, *, again: int = 0) -> "Replayed":
        """With one more event that can't be taken."""
        unreadable = one if isinstance(one, Unreadable) else Unreadable(one.position, f"series.{key_of(one)}", reason)
        return Replayed(self.state, self.episodes, (*self.untaken, Untaken(unreadable, again)))


def replay(key: str, events: Sequence[One], end: int) -> Replayed:
    """One series of which events were skipped or released, as the projector folded it up to the position `end`.

    `events` are all of the series, in order, also those behind `end`: they may tell what was skipped before it.
    """
    parkings = _parkings_in(events)
    now = Replayed()
    for number, one in enumerate(events):
        if one.position > end:
            break
        if isinstance(one, RecordedEvent) and isinstance(one.event, EventUnparked):
            released, readable = release(events[: number + 1], one.event, parkings, at=one.position)
            if isinstance(released, RecordedEvent) and domain.has_room_for(released.event):
                now = now.after(domain.refold(readable), key)
                continue
            if released is not None:
                now = now.without(released, _TOO_LARGE, again=one.position)
        if is_skipped(one, parkings, at=one.position):
            continue
        if isinstance(one, Unreadable):
            now = now.without(one, one.reason)
            continue
        folded = domain.fold({key: now.state} if now.state else {}, [one])
        now = now.after(folded, key)
        for refused in folded.refused:
            now = now.without(refused, _TOO_LARGE)
    return now


_TOO_LARGE = "its numbers are too large"


def _parkings_in(events: Iterable[One]) -> dict[tuple[str, int], int]:
    return {
        (one.event.key, one.event.parked_position): one.position
        for one in events
        if isinstance(one, RecordedEvent) and isinstance(one.event, EventParked)
    }
