"""When a call may go out: the rate, pauses and the breaker, decided from one shared state."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.platform.upstream_state import (
    FAILURE_WINDOW,
    FAILURES_TO_OPEN,
    FIRST_OPEN,
    LONGEST_PAUSE,
    LONGEST_QUEUE,
    Blocked,
    Go,
    Rate,
    UpstreamState,
    admit,
    after_answer,
    after_failure,
    after_giving_back,
    after_pause_asked,
    after_probe_given_up,
    blocked_by,
    in_words,
    is_well,
    merged,
)

NOW = 1_800_000_000.0
TWO = Rate(2.0)
FRESH = UpstreamState(name="TVmaze")
PROBE = 25.0


def turns(
    state: UpstreamState, wanted: int = 1, *, now: float = NOW, rate: Rate | None = TWO
) -> tuple[UpstreamState, Sequence[Go]]:
    state, found = admit(state, now, rate, wanted=wanted, probe=PROBE)
    assert not isinstance(found, Blocked), found
    return state, found


def refused(state: UpstreamState, *, now: float = NOW, background: bool = False) -> Blocked:
    _, found = admit(state, now, TWO, background=background, probe=PROBE)
    assert isinstance(found, Blocked)
    return found


def broken(times: int = FAILURES_TO_OPEN) -> UpstreamState:
    state = FRESH
    for _ in range(times):
        state = after_failure(state, NOW, "TVmaze did not answer", jitter=0.0)
    return state


def test_five_seconds_of_idling_are_saved_up_then_the_rate_holds() -> None:
    """TVmaze: ten at once, then one each half second, whoever asks."""
    state, first = turns(FRESH, 10)
    state, more = turns(state, 3)

    assert [one.at - NOW for one in first] == [0.0] * 10
    assert [one.at - NOW for one in more] == [0.5, 1.0, 1.5]


def test_idling_saves_up_no_more_than_the_burst() -> None:
    state, _ = turns(FRESH, 10)

    _, after_an_hour = turns(state, 11, now=NOW + 3600)

    assert [one.at - NOW - 3600 for one in after_an_hour] == [0.0] * 10 + [0.5]


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 6), st.booleans()), max_size=40))
def test_no_window_ever_holds_more_than_the_burst_and_the_rate(asked: list[tuple[float, int, bool]]) -> None:
    """However the callers come, together or alone, in the fore- or the background."""
    state, now, went = FRESH, NOW, list[float]()
    for gap, wanted, background in asked:
        now += gap
        state, found = admit(state, now, TWO, wanted=wanted, background=background, probe=PROBE)
        if not isinstance(found, Blocked):
            went += [one.at for one in found]
            assert all(one.at >= now for one in found)

    went.sort()
    for first in range(len(went)):
        for last in range(first, len(went)):
            assert last - first + 1 <= 10 + 2 * (went[last] - went[first]) + 1e-6


def test_a_burst_of_one_lets_every_call_wait_for_its_turn() -> None:
    """aniworld.to: a page each two seconds, however long nobody has asked; no turns are taken ahead."""
    pages = Rate(0.5, at_once=1)

    _, found = turns(FRESH, 3, rate=pages)
    _, fast = turns(FRESH, rate=Rate(20.0, at_once=1))

    assert [one.at - NOW for one in found] == [0.0, 2.0, 4.0]
    assert len(fast) == 1
    assert pages.shared_by(3).burst == 1


def test_turns_ahead_are_taken_only_when_nobody_is_short_of_them() -> None:
    """A fast upstream's round trips are saved, a slow one's turns are not."""
    _, slow = turns(FRESH)
    fast_state, fast = turns(FRESH, rate=Rate(20.0))
    busy, _ = turns(fast_state, 60, rate=Rate(20.0))
    _, later = turns(busy, rate=Rate(20.0))

    assert len(slow) == 1
    assert len(fast) == 5
    assert len(later) == 1


def test_background_work_leaves_half_of_the_burst_to_people() -> None:
    """It takes no turn to come either: a person who asks now is not behind it."""
    state = FRESH
    for _ in range(6):
        state, found = admit(state, NOW, TWO, background=True, probe=PROBE)
    assert isinstance(found, list | tuple)
    behind = refused(state, background=True)

    _, person = turns(state)

    assert behind.why == "behind"
    assert 0 < behind.until - NOW <= 1.0
    assert person[0].at == NOW


def test_the_slowest_rate_lets_background_work_through_at_all() -> None:
    """A burst of one call has no half: it must be whole."""
    slow = Rate(0.1)
    state, first = admit(FRESH, NOW, slow, background=True, probe=PROBE)
    _, second = admit(state, NOW, slow, background=True, probe=PROBE)
    _, third = admit(state, NOW + 10, slow, background=True, probe=PROBE)

    assert first == (Go(NOW),)
    assert second == Blocked(NOW + 10, "behind")
    assert third == (Go(NOW + 10),)


def test_who_would_wait_too_long_for_a_turn_takes_none() -> None:
    state = FRESH
    state, _ = turns(state, 10 + int(LONGEST_QUEUE * 2))

    _, found = admit(state, NOW, TWO, wanted=3, probe=PROBE)

    assert isinstance(found, Blocked)
    assert found.why == "queue"


def test_who_is_impatient_takes_no_turn_that_comes_too_late() -> None:
    """Nor any for those who wait with them."""
    state, found = admit(FRESH, NOW, TWO, wanted=50, longest=3.0, probe=PROBE)
    _, refused = admit(state, NOW, TWO, longest=3.0, probe=PROBE)

    assert not isinstance(found, Blocked)
    assert [one.at - NOW for one in found] == [0.0] * 10 + [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert refused == Blocked(NOW + 3.5, "queue")


def test_turns_that_nobody_waits_for_any_more_are_given_back() -> None:
    """As if they had never been reserved."""
    before, _ = turns(FRESH, 10)
    state, queued = turns(before, 40)

    given, number = after_giving_back(state, queued, TWO)

    assert number == 40
    assert abs(given.due - before.due) < 1e-6


def test_a_turn_with_others_behind_it_can_not_be_given_back() -> None:
    """They keep their times, and two calls at one time would be one too many."""
    first, mine = turns(FRESH, 12)
    state, _ = turns(first, 1)

    assert after_giving_back(state, mine, TWO) == (state, 0)


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 9), st.sets(st.integers(0, 60))), max_size=30))
def test_giving_back_never_lets_more_through(asked: list[tuple[float, int, set[int]]]) -> None:
    """Whichever of those who wait go away, and whoever comes then."""
    state, now = FRESH, NOW
    kept: list[Go] = []
    for gap, wanted, gone in asked:
        now += gap
        state, found = admit(state, now, TWO, wanted=wanted, probe=PROBE)
        kept = sorted([*kept, *(() if isinstance(found, Blocked) else found)], key=lambda turn: turn.at)
        spare = [turn for place, turn in enumerate(kept) if place in gone and turn.at > now]
        state, number = after_giving_back(state, spare, TWO)
        returned = {id(turn) for turn in spare[len(spare) - number :]}
        kept = [turn for turn in kept if id(turn) not in returned]

    for first in range(len(kept)):
        for last in range(first, len(kept)):
            assert last - first + 1 <= 10 + 2 * (kept[last].at - kept[first].at) + 1e-5


def test_what_a_wrong_clock_wrote_does_not_count() -> None:
    """A process whose clock is years ahead must not shut the upstream for years."""
    wrong = NOW + 1e9

    assert blocked_by(UpstreamState(paused_until=wrong), NOW) is None
    assert blocked_by(UpstreamState(openings=1, open_until=wrong, probing_until=wrong), NOW) is None
    state, found = turns(UpstreamState(due=wrong), 2)
    assert [one.at - NOW for one in found] == [0.5, 1.0]
    assert state.due == NOW + 6


def test_a_pause_never_shortens_another() -> None:
    state = after_pause_asked(after_pause_asked(FRESH, NOW, 60, "429", TWO), NOW, 1, "429", TWO)
    endless = after_pause_asked(FRESH, NOW, 1e9, "429", TWO)

    assert refused(state) == Blocked(NOW + 60, "paused")
    assert blocked_by(state, NOW + 60) is None
    assert refused(endless).until == NOW + LONGEST_PAUSE


def test_after_a_pause_the_calls_come_evenly() -> None:
    """A burst would be the next thing to be refused."""
    paused = after_pause_asked(FRESH, NOW, 600, "429", TWO)

    _, found = turns(paused, 3, now=NOW + 600)

    assert [one.at - NOW - 600 for one in found] == [0.5, 1.0, 1.5]


def test_a_pause_told_alone_outlives_coming_back() -> None:
    """The others did not see it; what they saw otherwise is newer."""
    mine = replace(after_pause_asked(FRESH, NOW, 60, "429", TWO), due=NOW + 100)

    assert merged(replace(FRESH, due=NOW + 1), mine) == replace(FRESH, due=NOW + 1, paused_until=NOW + 60)


def test_the_breaker_opens_after_failures_in_a_row_only() -> None:
    """An answer in between, whatever it says, and time take them back."""
    almost = broken(FAILURES_TO_OPEN - 1)
    answered = after_failure(after_answer(almost), NOW, "down", jitter=0.0)
    long_ago = after_failure(almost, NOW + FAILURE_WINDOW + 1, "down", jitter=0.0)

    assert blocked_by(almost, NOW) is None
    assert (answered.openings, long_ago.openings) == (0, 0)
    assert refused(broken()) == Blocked(NOW + FIRST_OPEN, "open")


def test_after_its_time_exactly_one_call_tries() -> None:
    """The others wait for its outcome, or until its process must have died."""
    then = NOW + FIRST_OPEN
    probing, found = turns(broken(), 5, now=then)

    assert found == (Go(then, is_probe=True),)
    assert refused(probing, now=then) == Blocked(then + PROBE, "probing")
    _, again = turns(probing, now=then + PROBE)
    assert again[0].is_probe


def test_a_probe_that_works_closes_the_breaker_and_one_that_fails_opens_it_for_longer() -> None:
    """20 s, doubled up to 10 min, with jitter so that not everything tries at once."""
    probing, _ = turns(broken(), now=NOW + FIRST_OPEN)
    closed = after_answer(probing)
    lengths = list[float]()
    state, now = broken(), NOW
    for _ in range(6):
        lengths.append(state.open_until - now)
        now = state.open_until
        state, _ = turns(state, now=now)
        state = after_failure(state, now, "still down", is_probe=True, jitter=0.0)
    jittered = after_failure(broken(4), NOW, "down", jitter=0.999)

    assert blocked_by(closed, NOW + FIRST_OPEN) is None
    assert lengths == [20, 40, 80, 160, 320, 600]
    assert FIRST_OPEN < jittered.open_until - NOW <= FIRST_OPEN * 1.25


def test_a_probe_that_was_given_up_is_anybodys() -> None:
    """It said nothing: the breaker stays open, and one call may try."""
    then = NOW + FIRST_OPEN
    probing, _ = turns(broken(), now=then)

    given_up = after_probe_given_up(probing)
    _, again = turns(given_up, 5, now=then)

    assert given_up.openings == 1
    assert again == (Go(then, is_probe=True),)


def test_what_was_asked_before_it_opened_does_not_keep_it_open() -> None:
    late = after_failure(broken(), NOW + 20, "TVmaze did not answer", jitter=0.0)

    assert late.open_until == broken().open_until


def test_without_a_rate_pauses_and_the_breaker_hold() -> None:
    _, many = turns(FRESH, 500, rate=None)

    assert {one.at for one in many} == {NOW}
    assert isinstance(admit(broken(), NOW, None, probe=PROBE)[1], Blocked)


def test_a_person_reads_how_it_stands() -> None:
    paused = after_pause_asked(FRESH, NOW, 20, "TVmaze asks for fewer calls", None)
    told = {state: (in_words(state, NOW), is_well(state, NOW)) for state in (FRESH, broken(1), paused, broken())}

    assert told == {
        FRESH: ("TVmaze answers", True),
        broken(1): ("TVmaze failed once (TVmaze did not answer)", True),
        paused: ("TVmaze asked for a pause of another 20 s (TVmaze asks for fewer calls)", False),
        broken(): (
            "TVmaze is not asked for another 20 s, after 5 failures in a row (TVmaze did not answer)",
            False,
        ),
    }
    assert "until one call works" in in_words(broken(), NOW + 40)
