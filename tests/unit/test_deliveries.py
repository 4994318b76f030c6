"""What a delivery and a failure become: the decisions of services/platform/domain.py."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.events import LoadError, Part
from contracts.state import PartState, SeriesState
from services.platform.domain import (
    LONGEST_DELAY,
    MAX_WAITED,
    Again,
    GiveUp,
    Run,
    Skip,
    Wait,
    on_delivery,
    on_failure,
)
from tests.support.builders import BEGIN, series_state

NOW = BEGIN
SERIES = series_state(identified=15, nfo=PartState(status="queued", cause=15))
NETWORK = LoadError(kind="network", code="timeout", message="no answer")
BUSY = LoadError(kind="busy", code="429", message="too many")


def with_nfo(**changes: object) -> SeriesState:
    return replace(SERIES, nfo=replace(SERIES.nfo, **changes))


@pytest.mark.parametrize(
    ("state", "position"),
    [
        (None, 15),
        (replace(SERIES, removed=True), 15),
        (SERIES, 9),  # a former life
        (SERIES, 14),  # superseded by a newer start
        (SERIES, 16),  # this event did not start the part
        (with_nfo(outcome="loaded"), 15),
        (with_nfo(outcome="failed"), 15),
    ],
)
def test_what_is_over_or_not_meant_is_skipped(state: SeriesState | None, position: int) -> None:
    """A removed series, a former life, a superseded, foreign or settled start: nothing is loaded."""
    decision = on_delivery(state, Part.NFO, position, NOW)

    assert isinstance(decision, Skip)


def test_an_adopted_row_is_not_loaded() -> None:
    """`adopt` records what the row has; a loader must not be quicker. Identified anew, it is loaded like any other."""
    state = replace(SERIES, origin="import", identified=0, identity=PartState(status="queued", cause=10))
    adopted = replace(SERIES, origin="import", catalogue="library")

    assert isinstance(on_delivery(state, Part.IDENTITY, 10, NOW), Skip)
    assert isinstance(on_delivery(adopted, Part.NFO, 15, NOW), Skip)
    assert isinstance(on_delivery(replace(adopted, catalogue="tvmaze"), Part.NFO, 15, NOW), Run)


def test_a_queued_part_runs() -> None:
    """The first taking-up of the first attempt."""
    assert on_delivery(SERIES, Part.NFO, 15, NOW) == Run(attempt=1, delivery=1, deaths=0)


def test_a_retry_waits_for_its_time() -> None:
    """Before `retry_at` the delivery goes back for the rest of the time; then the next attempt runs."""
    due = {"retry_at": NOW + timedelta(seconds=3), "retry_delay": 4.0}
    state = with_nfo(status="retrying", attempt=2, delivery=1, **due)

    assert on_delivery(state, Part.NFO, 15, NOW) == Wait(3.0)
    assert on_delivery(state, Part.NFO, 15, NOW + timedelta(seconds=3)) == Run(attempt=2, delivery=2, deaths=0)


def test_deaths_are_counted_and_isolate() -> None:
    """A part that is still `loading` when it is delivered lost its worker; with one death it runs alone."""
    once = on_delivery(with_nfo(status="loading", delivery=1), Part.NFO, 15, NOW)
    last = on_delivery(with_nfo(status="loading", delivery=5, deaths=4), Part.NFO, 15, NOW)

    assert once == Run(attempt=1, delivery=2, deaths=1)
    assert isinstance(once, Run)
    assert once.alone
    assert isinstance(last, GiveUp)
    assert last.error.kind == "crash"


def test_network_failures_are_retried_three_times_with_growing_delays() -> None:
    """2, 4 and 8 seconds, each with up to a quarter more; then never."""
    one, delays = PartState(cause=15), []
    while (again := on_failure(one, NETWORK, None, jitter=0.0)) is not None:
        delays.append(again.delay)
        assert again.counted
        one = replace(one, retries=again.retries, waited=again.waited)

    assert delays == [2.0, 4.0, 8.0]
    assert on_failure(PartState(cause=15), NETWORK, None, jitter=0.99) == Again(2.0 * (1 + 0.25 * 0.99), True, 1, 0.0)


def test_busy_waits_as_told_and_counts_no_retry() -> None:
    """`Retry-After` decides; an hour of waiting for one start is enough."""
    again = on_failure(PartState(cause=15, retries=3), BUSY, 30.0, jitter=0.5)

    assert again == Again(30.5, counted=False, retries=3, waited=30.5)
    assert on_failure(PartState(cause=15, waited=MAX_WAITED - 10), BUSY, 30.0, jitter=0.0) is None


def test_what_is_held_back_waits_without_end_and_ever_more_rarely() -> None:
    """Nobody refused it: the hour stays what it was, and hours of waiting are few events in the log."""
    one = PartState(cause=15, retries=2, waited=MAX_WAITED)
    delays: list[float] = []
    while sum(delays) < 5 * MAX_WAITED:
        again = on_failure(one, BUSY, 15.0, jitter=0.5, held_back=True)
        assert again is not None
        assert (again.counted, again.retries, again.waited) == (False, 2, MAX_WAITED)
        delays.append(again.delay)
        one = replace(one, attempt=one.attempt + 1)

    assert delays[0] == 15.5
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
    assert on_failure(one, BUSY, 100.0, jitter=0.5, held_back=True) == Again(100.5, False, 2, MAX_WAITED)


@pytest.mark.parametrize("kind", ["not_found", "filesystem", "invalid", "crash"])
def test_other_failures_are_final(kind: str) -> None:
    """Trying again would not change them."""
    error = LoadError(kind=kind, code="c", message="m")  # type: ignore[arg-type]  # one of the kinds

    assert on_failure(PartState(cause=15), error, None, jitter=0.0) is None
