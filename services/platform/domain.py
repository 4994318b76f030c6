"""What a loader does with a delivery, and what a failure becomes: decided here, once, from the fold alone. Pure."""

from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from contracts.events import ErrorKind, LoadError, Part
from contracts.presentation import MAX_RETRIES
from contracts.state import PartState, SeriesState

MAX_DEATHS = 5
MAX_WAITED = 3600.0
FIRST_DELAY = 2.0
LONGEST_DELAY = 60.0
_TRIED_AGAIN: frozenset[ErrorKind] = frozenset({"network"})


class Skip(msgspec.Struct, frozen=True):
    """Nothing to do, now or ever: the delivery is acknowledged."""

    why: str


class Wait(msgspec.Struct, frozen=True):
    """Not yet: the broker delivers it again after `seconds`."""

    seconds: float


class Run(msgspec.Struct, frozen=True):
    """Start attempt `attempt`, as taking-up `delivery` of this cause. `alone` keeps neighbours out of harm's way."""

    attempt: int
    delivery: int
    deaths: int

    @property
    def alone(self) -> bool:
        return self.deaths > 0


class GiveUp(msgspec.Struct, frozen=True):
    """Settle the part as failed without another try."""

    attempt: int
    error: LoadError


class Again(msgspec.Struct, frozen=True):
    """Try again after `delay` seconds; `retries` and `waited` are the sums so far, with what this one adds."""

    delay: float
    counted: bool
    retries: int
    waited: float


Decision: TypeAlias = Skip | Wait | Run | GiveUp


def on_delivery(state: SeriesState | None, part: Part, position: int, now: datetime) -> Decision:
    """What to do with the delivered start at `position`, given the fold of what the log says now."""
    if state is None or state.removed or position < state.added:
        return Skip("removed")
    if state.is_adoption(position):
        return Skip("an adopted row brings its outcomes with it")
    one = state.part(part)
    if position < one.cause:
        return Skip("superseded")
    if position > one.cause:
        return Skip("not a start of this part")
    if not one.is_open:
        return Skip("settled")
    if (left := _left_to_wait(one, now)) > 0:
        return Wait(left)
    deaths = one.deaths + (one.status == "loading")
    if deaths >= MAX_DEATHS:
        return GiveUp(
            one.attempt,
            LoadError(
                kind="crash",
                code="worker_died",
                message=f"loading {part} ended its worker {deaths} times; the log of the worker says why. "
                "Retry it once that is mended.",
            ),
        )
    return Run(attempt=one.attempt, delivery=one.delivery + 1, deaths=deaths)


def _left_to_wait(one: PartState, now: datetime) -> float:
    """Seconds until the retry of `one` is due by a clock that shows `now`; 0 or less if it is."""
    if one.status != "retrying" or one.retry_at is None:
        return 0.0
    left = (one.retry_at - now).total_seconds()
    # Longer than the whole wait was meant to be: the clock was set back since, and the broker has waited already.
    return left if left <= one.retry_delay else 0.0


def on_failure(
    one: PartState, error: LoadError, retry_after: float | None, jitter: float, *, held_back: bool = False
) -> Again | None:
    """Whether and when a failed attempt is tried again; None: never. `jitter` is a random number in [0, 1).

    `held_back` as in LoadFailure: that wait is nobody's refusal, and uses up none of the hour that a start may wait.
    """
    if error.kind == "busy":
        delay = max(1.0, retry_after if retry_after is not None else FIRST_DELAY) + jitter
        if held_back:
            # It may last for hours: the longer it does, the less often the log is told so.
            delay = max(delay, min(LONGEST_DELAY, FIRST_DELAY * one.attempt))
            return Again(delay, counted=False, retries=one.retries, waited=one.waited)
        if one.waited + delay > MAX_WAITED:
            return None
        return Again(delay, counted=False, retries=one.retries, waited=one.waited + delay)
    if error.kind not in _TRIED_AGAIN or one.retries >= MAX_RETRIES:
        return None
    delay = min(LONGEST_DELAY, FIRST_DELAY * 2**one.retries) * (1 + 0.25 * jitter)
    return Again(delay, counted=True, retries=one.retries + 1, waited=one.waited)


def retry_time(now: datetime, again: Again) -> datetime:
    """When the next attempt is due."""
    return now + timedelta(seconds=again.delay)
