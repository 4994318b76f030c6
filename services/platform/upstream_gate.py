"""When one more call may go out: the upstream's rate, the pause that it asked for, and the breaker.

Every call passes `enter` and says afterwards how it ended. What is decided lies in `upstream_state.py`, what is known
in the `SharedState`, which all processes have in common; here is only the waiting.
"""

import asyncio
import math
import random
import time
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.platform.failures import LoadFailure
from services.platform.upstream_shared import SharedState
from services.platform.upstream_state import (
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
    is_fresh,
    is_well,
)
from services.platform.urgency import is_background

# Shorter pauses are waited out here; for a longer one the broker waits, which holds no slot.
PATIENCE = 2.0
# Background work may wait a little longer for others to be done, then it makes room in its loader too.
_BACKGROUND_PATIENCE = 5.0
_BACKGROUND_RETRY = 15.0
# A probe is answered or has failed long before the time after which its process is given up.
_PROBE_RETRY = 5.0
# Who asks for more means "not today" at most.
_LONGEST_ASKED = LONGEST_PAUSE * 24

_queue_until: ContextVar[float] = ContextVar("queue_until", default=math.inf)  # by the monotonic clock


@contextmanager
def queueing_at_most(seconds: float) -> Iterator[None]:
    """Within the block, and in tasks that begin in it, no call takes a turn that comes after so many seconds.

    For who is gone by then: they are told at once that the queue is too long, and lengthen it for nobody.
    """
    token = _queue_until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _queue_until.reset(token)


class Gate:
    """Lets the calls of this process through to one upstream, `rate` a second by all processes that share its state.

    Whatever becomes of a call that was let through, one of `answered`, `failed` and `unused` is told of it.

    Without a `rate` only pauses and the breaker hold; `burst` is how many calls may go out at once after idling, by
    default what `Rate` says. `probe` is for how many seconds one call may be under way.
    """

    def __init__(
        self, state: SharedState, *, rate: float | None = None, burst: int | None = None, probe: float = 30.0
    ) -> None:
        self._state = state
        self._rate = None if rate is None else Rate(rate, burst)
        self._probe = probe
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._turns: list[Go] = []  # reserved, in order, and nobody's yet or any more

    async def enter(self) -> Go:
        """Return when a call may go out; what is returned is told to `answered`, `failed` or `unused`.

        Raises LoadFailure (busy) when that would be later than one should wait here.
        """
        try:
            return await self._enter()
        except asyncio.CancelledError:
            await self._give_back()
            raise

    async def _enter(self) -> Go:
        begun = time.monotonic()
        while True:
            turn = await self._turn(background=is_background())
            if isinstance(turn, Blocked):
                await self._sit_out(turn, time.monotonic() - begun)
            elif turn.at <= time.time() or await self._await(turn):
                return turn

    async def _await(self, turn: Go) -> bool:
        """Whether the turn still counts when it comes."""
        try:
            await asyncio.sleep(turn.at - time.time())
            # Somebody ahead, in whichever process, may have been told to stop meanwhile: then another turn counts.
            return turn.is_probe or is_well(await self._state.look(), time.time())
        except asyncio.CancelledError:
            if turn.is_probe:
                await self.unused(turn)
            else:
                insort(self._turns, turn, key=_at)
            raise

    async def answered(self, turn: Go) -> None:
        """The call of `turn` was answered, whatever the answer says."""
        known = self._state.known
        if turn.is_probe or known.failures or known.openings:  # else there is nothing to forget, and no need to tell
            await self._state.change(lambda state, _: (after_answer(state), None))

    async def failed(self, turn: Go, failure: LoadFailure, *, is_evidence: bool = True) -> None:
        """The call of `turn` ended in `failure`: only the network's count for the breaker, if they are `is_evidence`.

        That is, if they say something of the upstream. A probe's always do: somebody has to decide.
        """
        if failure.error.kind == "network":
            if not is_evidence and not turn.is_probe:
                return
            now, jitter = time.time(), random.random()  # noqa: S311 - spreads load, no secret
            error = failure.error.message
            await self._state.change(
                lambda state, _: (after_failure(state, now, error, is_probe=turn.is_probe, jitter=jitter), None)
            )
            return
        await self.answered(turn)
        if failure.retry_after is not None:
            await self.pause(failure.retry_after, failure.error.message)

    async def unused(self, turn: Go) -> None:
        """The call of `turn` was given up, or something of ours broke: that says nothing of the upstream.

        A probe is for the next one to make then, and not only after the time that its process would have had.
        """
        if turn.is_probe:
            await self._state.change(lambda state, _: (after_probe_given_up(state), None))

    async def pause(self, seconds: float, why: str) -> None:
        """No call of any caller goes out for `seconds` (an hour at most); a pause never shortens another."""
        now = time.time()
        await self._state.change(lambda state, _: (after_pause_asked(state, now, seconds, why, self._rate), None))

    async def _turn(self, *, background: bool) -> Go | Blocked:
        if background:
            found = await self._reserve(1, background=True)
            return found if isinstance(found, Blocked) else found[0]
        self._waiting += 1
        try:
            async with self._lock:
                # Turns that were taken along for others are good unless a pause or the breaker came in between.
                now = time.time()
                longest = min(LONGEST_QUEUE, max(0.0, _queue_until.get() - time.monotonic()))
                while self._turns:
                    turn = self._turns[0]
                    is_good = is_fresh(turn, now) and is_well(self._state.known, now)
                    if is_good and turn.at > now + longest:
                        return Blocked(turn.at, "queue")
                    del self._turns[0]
                    if is_good:
                        return turn
                found = await self._reserve(self._waiting, longest=longest)
                if isinstance(found, Blocked):
                    return found
                for turn in found[1:]:
                    insort(self._turns, turn, key=_at)
                return found[0]
        finally:
            self._waiting -= 1

    async def _give_back(self) -> None:
        """Let others have, in whichever process, the turns that nobody here waits for any more."""
        async with self._lock:
            if self._rate is None or len(self._turns) <= self._waiting:
                return
            # The first ones are for those who wait for the lock. The others are out of their reach meanwhile.
            spare, self._turns = self._turns[self._waiting :], self._turns[: self._waiting]
            each = self._rate
            given = await self._state.change(
                lambda state, callers: after_giving_back(state, spare, each.shared_by(callers))
            )
            for turn in spare[: len(spare) - given]:
                insort(self._turns, turn, key=_at)

    async def _reserve(
        self, wanted: int, *, longest: float = LONGEST_QUEUE, background: bool = False
    ) -> "list[Go] | Blocked":
        def step(state: UpstreamState, callers: int) -> "tuple[UpstreamState, list[Go] | Blocked]":
            rate = self._rate.shared_by(callers) if self._rate else None
            changed, found = admit(
                state, time.time(), rate, wanted=wanted, longest=longest, background=background, probe=self._probe
            )
            return changed, found if isinstance(found, Blocked) else list(found)

        return await self._state.change(step)

    async def _sit_out(self, blocked: Blocked, waited: float) -> None:
        """Return when it is worth another try; raises LoadFailure when that is too far off.

        Who was "behind" others or found the "queue" too long is held back, and by nobody but Coldopen: an import of
        thousands takes hours at an upstream's rate, and is not to fail because that rate is kept.
        """
        left = max(0.0, blocked.until - time.time())
        match blocked.why:
            case "behind":
                patience = _BACKGROUND_PATIENCE - waited
            case "queue":
                patience = 0.0  # as long as they may wait there they would have been let in
            case _:
                patience = PATIENCE
        if left > patience:
            raise self._busy(blocked, left)
        await asyncio.sleep(left)

    def _busy(self, blocked: Blocked, left: float) -> LoadFailure:
        name, last_error = self._state.known.name, self._state.known.last_error
        match blocked.why:
            case "paused":
                text = f"{name} asked for a pause of another {left:.0f} s; Coldopen will ask again after it"
                return LoadFailure("busy", "paused", text, retry_after=left)
            case "open":
                text = f"{last_error}; Coldopen will ask again in {left:.0f} s"
                return LoadFailure("busy", "breaker_open", text, retry_after=left)
            case "probing":
                text = f"{last_error}; one call finds out now whether that is over"
                return LoadFailure("busy", "breaker_open", text, retry_after=min(left, _PROBE_RETRY))
            case "behind":
                text = f"{name} is asked for what people wait for first; this was not urgent"
                return LoadFailure("busy", "behind_others", text, retry_after=_BACKGROUND_RETRY, held_back=True)
            case "queue":
                text = f"{name} is asked as often as it allows; the next turn is {left:.0f} s away"
                return LoadFailure("busy", "queue", text, retry_after=left, held_back=True)


def _at(turn: Go) -> float:
    return turn.at


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """How long a `Retry-After` (seconds, or an HTTP date) asks to wait from `now`; None if it says nothing usable."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), _LONGEST_ASKED)
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # the parser of dates is made for mail, and trusts in what it takes for numbers
    return min(max(0.0, seconds), _LONGEST_ASKED)
