"""Fold a batch: from the states before it to the rows that changed and the updates to tell. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from contracts.events import EpisodesLoaded, RecordedEvent, SeriesAdded
from contracts.loading import evolve
from contracts.presentation import encode_update
from contracts.state import SeriesState


class Folded(msgspec.Struct, frozen=True):
    """What a batch changed.

    `states` are the newest states by key; `episodes` the events whose seasons now count, by key; `begun` the keys
    whose life began in the batch (their rows are made anew); `updates` is one LoadingUpdate per change, encoded, in
    position order.
    """

    states: dict[str, SeriesState]
    episodes: dict[str, EpisodesLoaded]
    begun: frozenset[str]
    updates: list[bytes]


def fold(before: Mapping[str, SeriesState], events: Iterable[RecordedEvent]) -> Folded:
    """The batch folded onto `before`, which must hold the state of every key that has one."""
    states: dict[str, SeriesState] = {}
    episodes: dict[str, EpisodesLoaded] = {}
    begun: set[str] = set()
    updates: list[bytes] = []
    for recorded in events:
        event = recorded.event
        was = states.get(event.key) or before.get(event.key)
        now = evolve(was, recorded)
        if now is None or now is was:
            continue
        states[event.key] = now
        updates.append(encode_update(now))
        if isinstance(event, SeriesAdded):
            begun.add(event.key)
            episodes.pop(event.key, None)
        elif isinstance(event, EpisodesLoaded) and now.episodes_at == recorded.position:
            episodes[event.key] = event
    return Folded(states, episodes, frozenset(begun), updates)


def keys_of(events: Iterable[RecordedEvent]) -> set[str]:
    """The series that the events are about."""
    return {recorded.event.key for recorded in events}
