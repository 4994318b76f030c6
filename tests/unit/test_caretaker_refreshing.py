"""Which series the caretaker loads anew because time has passed."""

from datetime import timedelta

import pytest

from contracts.events import Event, Part, PartRequested
from contracts.state import ADOPTED
from services.caretaker.refreshing import refreshes
from tests.support.builders import (
    BEGIN,
    NETWORK,
    added,
    all_loaded,
    failed,
    identified,
    parked,
    removed,
    requested,
    state_after,
    unavailable,
)

DAY = timedelta(days=1)
LOADED: tuple[Event, ...] = (added(), identified(status="Continuing"), *all_loaded(2))  # positions 1 to 6


def due(*events: Event, after: timedelta = timedelta(days=30)) -> list[Part]:
    """The parts that are asked for so long after the last event."""
    found = refreshes(state_after(*events), BEGIN + timedelta(seconds=len(events)) + after, DAY)

    assert found == [PartRequested(key="bleach", part=one.part, reason="refresh", client="caretaker") for one in found]
    return [one.part for one in found]


def test_a_day_after_anything_happened_a_series_loads_anew() -> None:
    """What there is to know of new seasons; pictures that are there stay."""
    assert due(*LOADED, after=DAY - timedelta(seconds=1)) == []
    assert due(*LOADED, after=DAY) == [Part.IDENTITY, Part.EPISODES, Part.NFO]


@pytest.mark.parametrize("status", [None, "Continuing", "Unreleased"])
def test_what_may_go_on_loads_anew(status: str | None) -> None:
    assert due(added(), identified(status=status), *all_loaded(2))


def test_what_has_ended_does_not() -> None:
    assert due(added(), identified(status="Ended"), *all_loaded(2)) == []


def test_pictures_that_there_were_none_of_are_looked_for() -> None:
    without_logo = (*LOADED[:4], unavailable(Part.LOGO, 2), LOADED[5])

    assert due(*without_logo) == [Part.IDENTITY, Part.EPISODES, Part.NFO, Part.LOGO]


def test_what_was_never_loaded_is_started_by_the_identification() -> None:
    """Asked for by itself too it would be loaded twice."""
    without_nfo = (*LOADED[:3], failed(Part.NFO, 2, error=NETWORK), *LOADED[4:])

    assert due(*without_nfo) == [Part.IDENTITY, Part.EPISODES]


def test_only_wanted_parts_are_asked_for() -> None:
    assert due(added(parts=(Part.LOGO,)), identified(), LOADED[4]) == [Part.IDENTITY]


@pytest.mark.parametrize("last", [requested(Part.LOGO), requested(Part.IDENTITY), removed(), parked(5)])
def test_a_series_in_work_removed_or_broken_is_left_alone(last: Event) -> None:
    assert due(*LOADED, last) == []


def test_what_nobody_was_asked_about_is_left_to_people() -> None:
    """A row that predates the log, and a series that was never identified: renewals are for that."""
    assert due(added(), identified(catalogue=ADOPTED), *all_loaded(2)) == []
    assert due(added(), failed(Part.IDENTITY, 1)) == []
