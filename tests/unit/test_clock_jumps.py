"""A clock that is set ahead or back: nothing that waits for a time waits for longer than that time was meant to be."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.events import Event, LoadError, Part, PartRequested, RecordedEvent
from contracts.state import PartState, SeriesState
from services.caretaker.refreshing import refreshes
from services.caretaker.renewals import Failing, follow, renewals
from services.platform.domain import Run, Wait, on_delivery
from services.platform.upstream_state import (
    LONGEST_PAUSE,
    LONGEST_QUEUE,
    Blocked,
    Rate,
    UpstreamState,
    admit,
    after_answer,
    after_failure,
    after_pause_asked,
    blocked_by,
)
from tests.support.builders import (
    BEGIN,
    KEY,
    NETWORK,
    NOT_FOUND,
    added,
    all_loaded,
    failed,
    fold,
    identified,
    series_state,
    state_after,
)

DAY = timedelta(days=1)
JUMPS = [timedelta(hours=1), -timedelta(hours=1), DAY, -DAY]
RENEWED = PartRequested(key=KEY, part=Part.NFO, reason="startup", client="caretaker")
LONG_AGO = BEGIN - timedelta(days=300)  # a caretaker's start that has no say any more

# --- deliveries


@pytest.mark.parametrize("jump", JUMPS)
def test_a_retry_is_due_whatever_the_clock_was_set_to(jump: timedelta) -> None:
    """Set ahead its time has passed; set back, what is left is longer than the whole wait was: that is over, too."""
    retrying = PartState(status="retrying", cause=15, attempt=2, retry_at=BEGIN + timedelta(seconds=8), retry_delay=8.0)
    state = series_state(identified=15, nfo=retrying)

    assert on_delivery(state, Part.NFO, 15, BEGIN + timedelta(seconds=1)) == Wait(7.0)
    assert isinstance(on_delivery(state, Part.NFO, 15, BEGIN + jump), Run)


# --- the caretaker


def follow_all(*events: tuple[timedelta, Event]) -> tuple[SeriesState, dict[Part, Failing]]:
    """The state and how its parts fail after events of so long after BEGIN, by the clock of then."""
    recorded = [
        RecordedEvent(position=position, time=BEGIN + when, event=event)
        for position, (when, event) in enumerate(events, 1)
    ]
    state, failing = series_state(), dict[Part, Failing]()
    for number, one in enumerate(recorded, 1):
        state = fold(recorded[:number]) or state
        failing = follow(failing, state, one)
    return state, failing


def failed_nfo(when: timedelta, error: LoadError = NETWORK) -> tuple[tuple[timedelta, Event], ...]:
    return (when, added(parts=(Part.NFO,))), (when, identified()), (when, failed(Part.NFO, 2, error=error))


@pytest.mark.parametrize("error", [NETWORK, NOT_FOUND])
def test_what_failed_by_a_clock_that_was_ahead_is_asked_for_at_once_and_then_on_schedule(error: LoadError) -> None:
    """It does not wait until the time has come again; and that it was asked for is not forgotten either."""
    wrong, now = failed_nfo(DAY, error), timedelta(minutes=1)
    asked = (*wrong, (now, RENEWED), (now, failed(Part.NFO, 4, error=error)))

    def due(history: tuple[tuple[timedelta, Event], ...], when: timedelta) -> list[PartRequested]:
        return renewals(*follow_all(*history), BEGIN + when, LONG_AGO)

    assert due(wrong, now) == [RENEWED]
    assert due(asked, now + timedelta(minutes=14)) == []
    assert due(asked, now + timedelta(minutes=15)) == ([RENEWED] if error == NETWORK else [])


def test_a_renewal_that_failed_by_a_clock_that_was_ahead_puts_nothing_off() -> None:
    history = (*failed_nfo(timedelta()), (timedelta(minutes=15), RENEWED), (DAY, failed(Part.NFO, 4, error=NETWORK)))
    state, failing = follow_all(*history)

    assert renewals(state, failing, BEGIN + timedelta(minutes=59), LONG_AGO) == []
    assert renewals(state, failing, BEGIN + timedelta(minutes=60), LONG_AGO) == [RENEWED]


def test_a_clock_that_is_set_ahead_brings_one_renewal_and_no_more() -> None:
    """All moments of the schedule seem to have passed: they are one."""
    ahead = DAY + timedelta(minutes=1)
    history = (*failed_nfo(timedelta()), (ahead, RENEWED), (ahead, failed(Part.NFO, 4, error=NETWORK)))

    assert renewals(*follow_all(*history[:3]), BEGIN + ahead, LONG_AGO) == [RENEWED]
    assert renewals(*follow_all(*history), BEGIN + ahead + DAY, LONG_AGO) == []


def test_a_small_difference_between_two_machines_clocks_asks_for_nothing() -> None:
    """The loader's is four minutes ahead of the caretaker's."""
    state, failing = follow_all(*failed_nfo(timedelta(minutes=4)))

    assert renewals(state, failing, BEGIN, LONG_AGO) == []


@pytest.mark.parametrize(
    ("jump", "is_due"), [(DAY, True), (-DAY, True), (timedelta(hours=1), False), (-timedelta(hours=1), False)]
)
def test_a_refresh_is_late_by_one_interval_at_most(jump: timedelta, *, is_due: bool) -> None:
    """What happened a whole interval ahead counts as old: a clock that once was a year ahead stops no refresh."""
    state = state_after(added(), identified(status="Continuing"), *all_loaded(2))

    assert bool(refreshes(state, state.updated_at + jump, DAY)) == is_due
    assert refreshes(state, state.updated_at - timedelta(days=365), DAY)


# --- upstreams

NOW = 1_800_000_000.0
TWO = Rate(2.0)
SKEW = 60.0
HOUR = 3600.0


def paused(seconds: float) -> UpstreamState:
    return after_pause_asked(UpstreamState(name="TVmaze"), NOW, seconds, "429", TWO)


def broken(state: UpstreamState | None = None, *, now: float = NOW) -> UpstreamState:
    state = state or UpstreamState(name="TVmaze")
    for _ in range(5):
        state = after_failure(state, now, "down", jitter=0.0)
    return state


def seconds_until_a_call(state: UpstreamState, now: float) -> float:
    """How much real time passes until a call goes out, when it is asked for whenever that is possible."""
    begun = now
    while True:
        state, found = admit(state, now, TWO, probe=25.0)
        if not isinstance(found, Blocked):
            return found[0].at - begun
        assert found.until > now
        now = found.until


def reserve(state: UpstreamState, now: float) -> UpstreamState:
    return admit(state, now, TWO, wanted=50, probe=25.0)[0]


STEPS: dict[str, Callable[[UpstreamState, float], UpstreamState]] = {
    "answer": lambda state, _: after_answer(state),
    "failure": lambda state, now: after_failure(state, now, "down", jitter=0.9),
    "failed probe": lambda state, now: after_failure(state, now, "down", is_probe=True, jitter=0.9),
    "long pause": lambda state, now: after_pause_asked(state, now, 1e9, "429", TWO),
    "short pause": lambda state, now: after_pause_asked(state, now, 30.0, "429", TWO),
    "calls": reserve,
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(-2 * DAY.total_seconds(), 2 * DAY.total_seconds()))),
    st.floats(-2 * DAY.total_seconds(), 2 * DAY.total_seconds()),
)
def test_whatever_clocks_wrote_a_call_goes_out_when_the_longest_pause_is_over(
    written: list[tuple[str, float]], now: float
) -> None:
    """However often and however far the clock was set: the longest pause, the longest queue, and the skew of each."""
    state = UpstreamState(name="TVmaze")
    for step, at in written:
        state = STEPS[step](state, NOW + at)

    assert seconds_until_a_call(state, NOW + now) <= LONGEST_PAUSE + SKEW + LONGEST_QUEUE + SKEW + TWO.interval


@pytest.mark.parametrize(
    ("state", "back", "left"),
    [
        (paused(600), HOUR, 0.0),  # 70 minutes: no pause is that long
        (paused(600), HOUR / 2, 600 + HOUR / 2),  # can't be told from a pause that was meant so
        (paused(600), DAY.total_seconds(), 0.0),
        (paused(600), -HOUR, 0.0),
        (broken(), HOUR, 0.0),
        (broken(), -HOUR, 0.0),
    ],
)
def test_a_pause_or_an_outage_ends_when_the_clock_is_set(state: UpstreamState, back: float, left: float) -> None:
    blocked = blocked_by(state, NOW - back)

    assert (blocked.until - (NOW - back) if blocked else 0.0) == left


def test_what_was_written_by_a_clock_that_was_ahead_is_forgotten() -> None:
    """Else a pause would begin anew a day later, when the clock comes near what it showed."""
    yesterday = NOW - DAY.total_seconds()

    state, _ = admit(paused(600), yesterday, TWO, probe=25.0)

    assert blocked_by(state, NOW) is None


def test_a_pause_that_is_asked_for_holds_though_a_wrong_one_is_known() -> None:
    """The far one does not count, and must not keep the right one out."""
    now = NOW - DAY.total_seconds()

    state = after_pause_asked(paused(600), now, 60, "429", TWO)

    assert blocked_by(state, now) == Blocked(now + 60, "paused")


@pytest.mark.parametrize("jump", [DAY.total_seconds(), -DAY.total_seconds()])
def test_failures_on_both_sides_of_a_jump_are_not_in_a_row(jump: float) -> None:
    state = UpstreamState(name="TVmaze")
    for number in range(4):
        state = after_failure(state, NOW + number, "down", jitter=0.0)

    after = after_failure(state, NOW + jump, "down", jitter=0.0)

    assert (state.failures, after.failures, after.openings) == (4, 1, 0)
    assert broken(after, now=NOW + jump).openings == 1


def test_a_state_of_now_is_left_as_it_is() -> None:
    state = replace(broken(paused(600)), due=NOW + 1)

    assert admit(state, NOW, TWO, probe=25.0)[0] == state
