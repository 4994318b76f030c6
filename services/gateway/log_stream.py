"""The log as NDJSON to one client: a page at a time as it takes them, and then, if it follows, what is recorded.

Positions do all the work. A client is told each one behind the one that it named, in order; the last one it was told
is where it goes on, here or at a gateway that was started since. Nothing is kept for it meanwhile: a page is read when
the one before has been taken, so that a slow client costs a page of memory and slows nobody.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import structlog
from litestar.response import Stream

from services.gateway.recorded import One, Recorded, tag_of
from services.gateway.refusals import Malformed
from services.platform.event_reader import LogUnavailable
from services.platform.streams import LogInfo

log = structlog.get_logger()

MEDIA_TYPE = "application/x-ndjson"
_SIGN_OF_LIFE = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: behind `after`, of one series or with one tag (None: all), `limit` of them at most."""

    after: int
    limit: int | None
    key: str | None
    tag: str | None
    follow: bool


class Stopping(Exception):
    """The process ends before all was told."""


async def open_log(recorded: Recorded, asked: Asked, closing: asyncio.Event, drop: Callable[[], None]) -> Stream:
    """The answer, with all that can be refused behind it; `drop` breaks the client's connection off.

    Raises Malformed, LogUnavailable.
    """
    info = await recorded.info()
    if asked.after > info.last_position:
        raise Malformed(
            "out-of-range",
            f"after_position: the log ends at {info.last_position}: give a position from 0 to that. "
            "If you have seen a later one, this is another log, or an older state of it.",
            first=0,
            last=info.last_position,
        )
    chunks = _chunks(_Reading(recorded, asked, info, closing), drop)
    headers = {"Coldopen-Log": info.log_id, "Coldopen-Log-End": str(info.last_position)}
    return Stream(chunks, media_type=MEDIA_TYPE, headers=_HEADERS | headers)


async def _chunks(reading: "_Reading", drop: Callable[[], None]) -> AsyncIterator[bytes]:
    try:
        async for chunk in reading.rest():
            yield chunk
        if reading.asked.follow:
            async for chunk in reading.news():
                yield chunk
    except (LogUnavailable, Stopping) as error:
        log.warning("log_stream_cut", after=reading.after, error=str(error))
        if not reading.asked.follow:
            drop()  # an end in good order would say that this is all; of whom follows it says nothing


class _Reading:
    """One client's way through the log: it has been told everything up to `after`."""

    def __init__(self, recorded: Recorded, asked: Asked, info: LogInfo, closing: asyncio.Event) -> None:
        self.asked = asked
        self.after = asked.after
        self._recorded = recorded
        self._closing = closing
        self._info = info
        self._left = asked.limit
        self._clock = asyncio.get_running_loop().time
        self._told_at = self._clock()

    async def rest(self) -> AsyncIterator[bytes]:
        """What is there now."""
        while self._left != 0:
            async for page in self._recorded.pages(after=self.after, key=self.asked.key):
                if self._closing.is_set():
                    raise Stopping("the gateway is being stopped")
                lines = [await self._recorded.line(one) for one in self._wanted(page)]
                self.after = page[-1].position
                if lines or self._is_silent():
                    yield self._chunk(lines)
                if self._left == 0:
                    return
            if self.asked.key is not None or self.after >= self._info.last_position:
                return
            await self._recorded.look()  # the replica that was asked has not got all yet

    async def news(self) -> AsyncIterator[bytes]:
        """What is recorded from now on, until the log or this process goes."""
        while self._left != 0 and not self._closing.is_set():
            before, self._info = self._info, await self._recorded.look()
            if self._info.log_id != before.log_id or self._info.last_position < before.last_position:
                raise LogUnavailable("it is another log now, or an older state of it")
            is_silent = self._is_silent()
            if is_silent:
                yield self._chunk([])
            if self._info.last_position > before.last_position or is_silent:
                async for chunk in self.rest():
                    yield chunk

    def _wanted(self, page: list[One]) -> list[One]:
        found = [one for one in page if self.asked.tag in (None, tag_of(one))]
        if self._left is not None:
            found = found[: self._left]
            self._left -= len(found)
        return found

    def _is_silent(self) -> bool:
        return self._clock() - self._told_at >= _SIGN_OF_LIFE

    def _chunk(self, lines: list[bytes]) -> bytes:
        """The lines; an empty one, which is a sign of life, for none."""
        self._told_at = self._clock()
        return b"".join(lines) or b"\n"
