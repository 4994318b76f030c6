"""When one more call may go out: the upstream's rate, and the pause that it asked all of us to keep.

Every call passes `enter`. What is learned from the answers (a pause, later a breaker's verdict) is kept here, so that
it holds for all callers of the process at once.
"""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from services.platform.failures import LoadFailure

# Shorter pauses are waited out here; for a longer one the broker waits, which holds no slot.
PATIENCE = 2.0
LONGEST_PAUSE = 3600.0


class Gate:
    """Lets `rate` calls a second through, after a burst of what five seconds of idling have saved up."""

    def __init__(self, name: str, rate: float) -> None:
        self._name = name
        burst = max(1.0, 5 * rate)
        self._limiter = AsyncLimiter(burst, burst / rate)
        self._closed_until = 0.0

    async def enter(self) -> None:
        """Return when a call may go out; raises LoadFailure (busy) when that would be after a longer pause."""
        await self.sit_out()
        await self._limiter.acquire()
        # Somebody ahead in the queue may have been told to stop meanwhile.
        await self.sit_out()

    def pause(self, seconds: float) -> None:
        """No call of any caller goes out for `seconds` (an hour at most); a pause never shortens another."""
        until = asyncio.get_running_loop().time() + min(seconds, LONGEST_PAUSE)
        self._closed_until = max(self._closed_until, until)

    async def sit_out(self) -> None:
        """Return when no pause is on, whatever the rate; raises LoadFailure (busy) as `enter` does."""
        while (left := self._closed_until - asyncio.get_running_loop().time()) > 0:
            if left > PATIENCE:
                raise LoadFailure(
                    "busy",
                    "paused",
                    f"{self._name} asked for a pause of another {left:.0f} s; Coldopen will ask again after it",
                    retry_after=left,
                )
            await asyncio.sleep(left)


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """How long a `Retry-After` (seconds, or an HTTP date) asks to wait from `now`; None if it says nothing usable."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_PAUSE * 24)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
