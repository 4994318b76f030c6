"""What all processes know together of one upstream, and what follows from it: may a call go out, and when. Pure.

The rate is kept by the generic cell rate algorithm: one number, the time at which the next call would be due if all
had come evenly, says how much of the burst is left. Times are seconds since 1970 by the clock of whoever wrote them:
processes on several machines need clocks that agree to about a second. What lies further ahead than anybody can have
meant is a wrong clock's, and is forgotten: else it would count after all when the time has come near it.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

# The longest that a call waits for its turn while it holds a loader's slot; beyond that the broker waits.
LONGEST_QUEUE = 120.0
LONGEST_PAUSE = 3600.0

# The breaker: so many failures in a row, none longer than the window after the one before, open it.
FAILURES_TO_OPEN = 5
FAILURE_WINDOW = 60.0
FIRST_OPEN = 20.0  # so that an outage of a minute is over at the second try, and found over soon
LONGEST_OPEN = 600.0
LONGEST_PROBE = 700.0  # a call may take ten minutes, and wait a while for its turn

_SKEW = 60.0
_BURST_SECONDS = 5.0
_LEASE_SECONDS = 0.25
_JITTER = 0.25
_LONGEST_ERROR = 300

Why: TypeAlias = Literal["paused", "open", "probing", "queue", "behind"]


class UpstreamState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One upstream as it stands; `name` is the one that people read.

    `due` is when the next call would be due if calls came evenly. `failures` are those in a row, the last of them at
    `failed_at`. The breaker is open while `openings` (in a row) is above 0: until `open_until` nobody asks, then one
    call may, which is under way until `probing_until` at the latest. `last_error` is the last failure in words.
    """

    name: str = ""
    due: float = 0.0
    paused_until: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    openings: int = 0
    open_until: float = 0.0
    probing_until: float = 0.0
    last_error: str = ""


class Rate(msgspec.Struct, frozen=True):
    """`per_second` calls a second, after a burst of `at_once`: by default what five seconds of idling have saved up."""

    per_second: float
    at_once: float | None = None

    @property
    def interval(self) -> float:
        """Seconds between two calls that come evenly."""
        return 1 / self.per_second

    @property
    def burst(self) -> float:
        """Calls that may go out at once after idling."""
        return max(1.0, _BURST_SECONDS * self.per_second if self.at_once is None else self.at_once)

    @property
    def saved(self) -> float:
        """How far `due` may run ahead of the clock: the burst in seconds."""
        return self.burst * self.interval

    def shared_by(self, callers: int) -> "Rate":
        """The rate of each of so many callers who don't know of one another."""
        return Rate(self.per_second / callers, None if self.at_once is None else self.at_once / callers)


class Go(msgspec.Struct, frozen=True):
    """A call may go out at `at`; the probe's outcome decides whether the breaker closes."""

    at: float
    is_probe: bool = False


class Blocked(msgspec.Struct, frozen=True):
    """No call may go out before `until`."""

    until: float
    why: Why


def admit(
    state: UpstreamState,
    now: float,
    rate: Rate | None,
    *,
    wanted: int = 1,
    longest: float = LONGEST_QUEUE,
    background: bool = False,
    probe: float,
) -> tuple[UpstreamState, Sequence[Go] | Blocked]:
    """Reserve turns for `wanted` callers who wait; there may be fewer of them, or more that nobody waits for yet.

    None is further away than `longest` seconds.

    Without a `rate` only pauses and the breaker hold. What people wait for queues up for turns to come; `background`
    work takes one only while at least half of the burst is left, so that it never stands in their way. `probe` is for
    how many seconds a call may be under way after which its process must have died.
    """
    state = believable(state, now)
    if (blocked := blocked_by(state, now)) is not None:
        return state, blocked
    if state.openings:
        wanted = 1
    elif rate is not None and state.due - now < rate.saved / 4:
        # Nobody is short of turns: some ahead save the round trips of a fast upstream, and cost no one anything.
        wanted = max(wanted, int(min(_LEASE_SECONDS * rate.per_second, rate.burst / 4)))
    taken, found = _turns(state, now, rate, wanted, longest=longest, background=background)
    if state.openings and not isinstance(found, Blocked):
        at = found[0].at
        return replace(taken, probing_until=at + probe), (Go(at, is_probe=True),)
    return taken, found


def blocked_by(state: UpstreamState, now: float) -> Blocked | None:
    """The pause or the breaker that lets nobody through, whatever the rate."""
    state = believable(state, now)
    if now < state.paused_until:
        return Blocked(state.paused_until, "paused")
    if not state.openings:
        return None
    if now < state.open_until:
        return Blocked(state.open_until, "open")
    if now < state.probing_until:
        return Blocked(state.probing_until, "probing")
    return None


def believable(state: UpstreamState, now: float) -> UpstreamState:
    """The state without the times that a clock must have written which was ahead of `now`; `due` needs the rate."""

    def known(time: float, longest: float) -> float:
        return time if time <= now + longest + _SKEW else 0.0

    return replace(
        state,
        paused_until=known(state.paused_until, LONGEST_PAUSE),
        failed_at=known(state.failed_at, 0.0),
        open_until=known(state.open_until, LONGEST_OPEN * (1 + _JITTER)),
        probing_until=known(state.probing_until, LONGEST_PROBE),
    )


def _turns(
    state: UpstreamState, now: float, rate: Rate | None, wanted: int, *, longest: float, background: bool
) -> tuple[UpstreamState, Sequence[Go] | Blocked]:
    if rate is None:
        return state, (Go(now),) * wanted
    saved = rate.saved
    is_meant = state.due <= now + saved + LONGEST_QUEUE + _SKEW
    due = max(state.due, now) if is_meant else now + saved
    if background:
        at = due - min(saved / 2, saved - rate.interval)
        if at > now:
            return state, Blocked(at, "behind")
        return replace(state, due=due + rate.interval), (Go(now),)
    first = max(now, due - saved + rate.interval)
    if first > now + longest:
        return state, Blocked(first, "queue")
    turns = [max(now, due - saved + (number + 1) * rate.interval) for number in range(wanted)]
    turns = [at for at in turns if at <= now + longest]
    return replace(state, due=due + len(turns) * rate.interval), [Go(at) for at in turns]


def after_giving_back(state: UpstreamState, turns: Sequence[Go], rate: Rate) -> tuple[UpstreamState, int]:
    """Unreserve the last of `turns`, which are in order, and say how many.

    Only as far as no other was reserved behind them: who has one there keeps it, and a second call at that time would
    be one too many.
    """
    due, given = state.due, 0
    for turn in reversed(turns):
        if abs(turn.at - (due - rate.saved)) > rate.interval / 2:
            break
        due -= rate.interval
        given += 1
    return replace(state, due=due), given


def is_fresh(turn: Go, now: float) -> bool:
    """Whether a turn that nobody has used yet still counts; later it would come on top of what the idling saved.

    One further ahead than anybody queues was reserved before the clock was set back.
    """
    return -_LEASE_SECONDS <= turn.at - now <= LONGEST_QUEUE + _SKEW


def after_answer(state: UpstreamState) -> UpstreamState:
    """It answered, whatever it said: no failures in a row, and the breaker closes."""
    return replace(state, failures=0, failed_at=0.0, openings=0, open_until=0.0, probing_until=0.0)


def after_failure(
    state: UpstreamState, now: float, error: str, *, is_probe: bool = False, jitter: float
) -> UpstreamState:
    """It did not answer, or with a failure of its own. `jitter` is a random number in [0, 1)."""
    state = replace(believable(state, now), last_error=error[:_LONGEST_ERROR])
    if state.openings and not is_probe:
        return state  # asked before the breaker opened, or by a process that did not know it yet
    in_a_row = now - state.failed_at <= FAILURE_WINDOW
    state = replace(state, failures=state.failures + 1 if in_a_row else 1, failed_at=now)
    if not is_probe and state.failures < FAILURES_TO_OPEN:
        return state
    seconds = min(FIRST_OPEN * 2**state.openings, LONGEST_OPEN) * (1 + _JITTER * jitter)
    return replace(state, openings=state.openings + 1, open_until=now + seconds, probing_until=0.0)


def after_probe_given_up(state: UpstreamState) -> UpstreamState:
    """Nobody will learn what the probe would have shown: another one may go at once."""
    return replace(state, probing_until=0.0)


def after_pause_asked(state: UpstreamState, now: float, seconds: float, error: str, rate: Rate | None) -> UpstreamState:
    """It asked for no calls for `seconds` (an hour counts at most); a pause never shortens another.

    Afterwards the calls come evenly: for who was asked too much, nothing is saved up.
    """
    state = believable(state, now)
    until = max(state.paused_until, now + min(seconds, LONGEST_PAUSE))
    due = state.due if rate is None else max(state.due, until + rate.saved)
    return replace(state, paused_until=until, due=due, last_error=error[:_LONGEST_ERROR])


def merged(seen: UpstreamState, own: UpstreamState) -> UpstreamState:
    """What the others know, and the pause that a process was told of while it could not tell them."""
    return replace(seen, paused_until=max(seen.paused_until, own.paused_until))


def is_well(state: UpstreamState, now: float) -> bool:
    """Whether it is asked as usual."""
    return not state.openings and blocked_by(state, now) is None


def in_words(state: UpstreamState, now: float) -> str:
    """How it stands, for people."""
    blocked = blocked_by(state, now)
    if blocked is not None and blocked.why == "paused":
        return f"{state.name} asked for a pause of another {blocked.until - now:.0f} s ({state.last_error})"
    if state.openings:
        when = (
            f"for another {blocked.until - now:.0f} s" if blocked and blocked.why == "open" else "until one call works"
        )
        return f"{state.name} is not asked {when}, after {state.failures} failures in a row ({state.last_error})"
    if state.failures:
        return f"{state.name} failed {_times(state.failures)} ({state.last_error})"
    return f"{state.name} answers"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times in a row"
