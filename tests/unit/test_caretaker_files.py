"""Which files the caretaker looks at, and which parts it asks for when they are not whole."""

import pytest

from contracts.events import Event, Part, PartRequested
from services.caretaker.domain import files_to_look_at, missing_files
from tests.support.builders import (
    NETWORK,
    NFO,
    POSTER,
    added,
    all_loaded,
    failed,
    identified,
    parked,
    removed,
    requested,
    state_after,
    unavailable,
    unchanged,
)

LOADED: tuple[Event, ...] = (added(), identified(), *all_loaded(2))  # positions 1 to 6


def test_the_part_of_a_broken_file_is_asked_for() -> None:
    """Nothing good is overwritten, and the other parts are left alone."""
    found = missing_files(state_after(*LOADED), {POSTER})

    assert found == [PartRequested(key="bleach", part=Part.IMAGES, reason="missing_file", client="caretaker")]


def test_what_is_loaded_is_looked_at() -> None:
    refreshed = (*LOADED, requested(Part.NFO), unchanged(Part.NFO, 7))

    assert files_to_look_at(state_after(*refreshed)) == {Part.NFO: (NFO,), Part.IMAGES: (POSTER,)}


@pytest.mark.parametrize("event", [removed(), parked(5), requested(Part.IDENTITY)])
def test_a_series_that_is_gone_broken_or_identified_anew_is_not_looked_at(event: Event) -> None:
    assert files_to_look_at(state_after(*LOADED, event)) == {}


@pytest.mark.parametrize(
    "outcome",
    [(), (failed(Part.IMAGES, 7, error=NETWORK),), (unavailable(Part.IMAGES, 7),)],
    ids=["open", "failed", "unavailable"],
)
def test_a_part_in_work_or_without_a_good_last_load_is_not_looked_at(outcome: tuple[Event, ...]) -> None:
    """Its last load did not say that the files are there, and could not bring them: asking for ever helps nobody."""
    state = state_after(*LOADED, requested(Part.IMAGES), *outcome)

    assert missing_files(state, {POSTER}) == []
