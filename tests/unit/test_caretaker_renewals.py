"""When the caretaker asks again for what has failed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.events import CatalogueIds, Event, FileRecord, LoadError, Part, PartRequested, RecordedEvent
from contracts.loading import evolve
from contracts.state import SeriesState
from services.caretaker.domain import missing_files
from services.caretaker.renewals import Failing, follow, renewals
from tests.support.builders import (
    BEGIN,
    KEY,
    NETWORK,
    NOT_FOUND,
    added,
    failed,
    identified,
    loaded,
    parked,
    removed,
    requested,
    retrying,
    started,
    unavailable,
)
from tests.support.loaders import histories

BUSY = LoadError(kind="busy", code="http_429", message="TVmaze asks for a rest")
LONG_AGO = BEGIN - timedelta(days=30)  # a caretaker's start that has no say any more
ADDED = added(parts=(Part.NFO,))
RENEWED = PartRequested(key=KEY, part=Part.NFO, reason="startup", client="caretaker")

Timed = tuple[float, Event]


def minutes(count: float) -> datetime:
    return BEGIN + timedelta(minutes=count)


def at_minutes(*events: Timed) -> list[RecordedEvent]:
    """The events at the positions 1, 2, 3 …, each recorded so many minutes after BEGIN."""
    return [
        RecordedEvent(position=position, time=minutes(when), event=event)
        for position, (when, event) in enumerate(events, 1)
    ]


def followed(events: list[RecordedEvent]) -> tuple[SeriesState, dict[Part, Failing]]:
    state: SeriesState | None = None
    failing: dict[Part, Failing] = {}
    for one in events:
        state = evolve(state, one)
        assert state is not None
        failing = follow(failing, state, one)
    assert state is not None
    return state, failing


def due(now: float, *events: Timed, started_at: datetime = LONG_AGO) -> list[PartRequested]:
    """What is asked for `now`, in minutes after BEGIN."""
    state, failing = followed(at_minutes(*events))
    return renewals(state, failing, minutes(now), started_at)


def nfo_failed_at(minute: float, error: LoadError = NETWORK) -> tuple[Timed, ...]:
    return (0, ADDED), (0, identified()), (minute, failed(Part.NFO, 2, error=error))


@pytest.mark.parametrize("error", [NETWORK, BUSY])
@pytest.mark.parametrize("after", [15, 60, 6 * 60, 24 * 60])
def test_what_passes_by_itself_is_asked_for_on_a_schedule(error: LoadError, after: int) -> None:
    """15 min, 1 h, 6 h and 24 h after the failure; with the one before made, no minute sooner."""
    before = {15: 0.0, 60: 15.0, 360: 60.0, 1440: 360.0}[after]
    history: tuple[Timed, ...] = nfo_failed_at(0, error)
    if before:
        history = (*history, (before, RENEWED), (before, failed(Part.NFO, 4, error=error)))

    assert due(after - 1, *history) == []
    assert due(after, *history) == [RENEWED]


def test_after_a_day_only_the_next_start_asks() -> None:
    history = (*nfo_failed_at(0), (1440, RENEWED), (1441, failed(Part.NFO, 4, error=NETWORK)))

    assert due(100_000, *history) == []
    assert due(100_000, *history, started_at=minutes(99_999)) == [RENEWED]


def test_moments_that_passed_while_nothing_ran_are_one() -> None:
    """A caretaker that was away asks once, not once for each."""
    renewed = (*nfo_failed_at(0), (400, RENEWED), (400, failed(Part.NFO, 4, error=NETWORK)))

    assert due(400, *nfo_failed_at(0)) == [RENEWED]
    assert due(406, *renewed) == []
    assert due(1440, *renewed) == [RENEWED]


@pytest.mark.parametrize("error", [NETWORK, NOT_FOUND])
def test_a_start_asks_once_for_whatever_has_failed(error: LoadError) -> None:
    """Also for what only a person can mend, who may have done so by now."""
    history = nfo_failed_at(0, error)
    renewed = (*history, (10, RENEWED), (10, failed(Part.NFO, 4, error=error)))

    assert due(10, *history, started_at=minutes(10)) == [RENEWED]
    assert due(14, *renewed, started_at=minutes(10)) == []


def test_what_can_not_pass_by_itself_has_no_schedule() -> None:
    assert due(100_000, *nfo_failed_at(0, NOT_FOUND)) == []


def test_a_caretaker_that_starts_over_and_over_lets_things_rest() -> None:
    """Within five minutes of the last request or failure no start asks anew."""
    history = (*nfo_failed_at(0, NOT_FOUND), (10, RENEWED), (11, failed(Part.NFO, 4)))

    assert [due(now, *history, started_at=minutes(now)) for now in (12, 15.9)] == [[], []]
    assert due(16, *history, started_at=minutes(15)) == [RENEWED]


@pytest.mark.parametrize("news", [requested(Part.NFO), loaded(Part.NFO, 2), unavailable(Part.NFO, 2), added()])
def test_somebody_elses_request_or_a_success_begins_a_new_story(news: Event) -> None:
    """The next failure has the whole schedule before it."""
    _, failing = followed(at_minutes(*nfo_failed_at(0), (20, news)))

    assert failing == {}


def test_work_under_way_keeps_its_story() -> None:
    """A renewal that runs, waits, or was lost and asked for again does not start the schedule anew."""
    lost = (30, RENEWED)
    events = (*nfo_failed_at(0), (15, RENEWED), (15, started(Part.NFO, 4)), (16, retrying(Part.NFO, 4)), lost)

    state, failing = followed(at_minutes(*events))

    assert failing == {Part.NFO: Failing(since=minutes(0), asked=minutes(30), touched=minutes(30))}
    assert renewals(state, failing, minutes(100_000), minutes(99_999)) == []


def test_a_request_is_renewed_as_it_was() -> None:
    ids = CatalogueIds(tvmaze=1)
    asked = requested(Part.IDENTITY, reason="retry", overwrite=True, ids=ids)

    found = due(15, (0, ADDED), (0, asked), (0, failed(Part.IDENTITY, 2, error=NETWORK)))

    assert found == [replace(RENEWED, part=Part.IDENTITY, overwrite=True, ids=ids)]


def test_a_refresh_that_failed_is_renewed() -> None:
    """What was loaded still stands, but its error does too."""
    history: tuple[Timed, ...] = (
        (0, ADDED),
        (0, identified()),
        (0, loaded(Part.NFO, 2)),
        (0, requested(Part.NFO)),
        (0, failed(Part.NFO, 4, error=NETWORK)),
    )

    assert due(15, *history) == [RENEWED]


def test_identity_comes_first() -> None:
    """What the series turns out to be may start the other parts; where nothing comes of it they have their turn."""
    asked = (1, requested(Part.IDENTITY))
    unreachable = (*nfo_failed_at(0), asked, (1, failed(Part.IDENTITY, 4, error=NETWORK)))
    unknown = (*nfo_failed_at(0), asked, (1, failed(Part.IDENTITY, 4, error=NOT_FOUND)))

    assert due(30, *nfo_failed_at(0), asked) == []
    assert [one.part for one in due(30, *unreachable)] == [Part.IDENTITY]
    assert [one.part for one in due(30, *unknown)] == [Part.NFO]


def test_removed_and_parked_series_are_left_alone() -> None:
    assert due(30, *nfo_failed_at(0), (1, removed())) == []
    assert due(30, *nfo_failed_at(0), (1, parked(3))) == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(histories(), histories(races=True)), st.integers(0, 3000), st.integers(0, 3000))
def test_what_is_queued_running_or_scheduled_is_never_asked_for(
    events: list[RecordedEvent], now: int, started_at: int
) -> None:
    """Whatever happened before, and whatever is missing on disk."""
    state, failing = followed(events)
    files: set[FileRecord] = {one for part in Part for one in state.part(part).files}

    found = [*renewals(state, failing, minutes(now), minutes(started_at)), *missing_files(state, files)]

    assert not [one for one in found if state.part(one.part).is_open or state.identity.is_open or state.removed]
    assert len({one.part for one in found}) == len(found)
