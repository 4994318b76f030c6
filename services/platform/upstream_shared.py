"""One upstream's state, the same for all processes: an entry of the KV bucket `upstreams`, changed by compare-and-set.

The bucket is a help and no condition: while it can't be reached, each process goes on with what it knew, at its share
of the rate, and tells nobody.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
import nats.errors
import structlog
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError

from services.platform.streams import UPSTREAMS_BUCKET
from services.platform.upstream_state import UpstreamState, merged

log = structlog.get_logger()

# A call must not wait for long to be told that it may wait.
_PATIENCE = 1.0
# So many seconds pass before a bucket that could not be reached is tried again: each try may cost `_PATIENCE`.
_ALONE = 5.0
_UNREACHABLE = (nats.errors.Error, TimeoutError, OSError)
_NO_KEY = re.compile(r"[^a-z0-9-]+")

R = TypeVar("R")


class Entry(Protocol):
    """What a bucket gives."""

    @property
    def value(self) -> bytes | None: ...

    @property
    def revision(self) -> int | None: ...


class StateBucket(Protocol):
    """As much of nats-py's `KeyValue` as is needed here."""

    async def get(self, key: str) -> Entry: ...

    async def update(self, key: str, value: bytes, last: int | None = None) -> int: ...


class SharedState:
    """The state of the upstream that people call `name`; without a `bucket` it is this process's own.

    `callers` is how many processes share the rate, so that each keeps to its part when it can't know of the others.
    """

    def __init__(self, name: str, bucket: StateBucket | None = None, *, callers: int = 1) -> None:
        self.known = UpstreamState(name=name)  # as this process last saw or made it
        self._key = _NO_KEY.sub("-", name.lower()).strip("-")
        self._bucket = bucket
        self._callers = callers
        # As the bucket last had it, and at which revision: what is known here may be more.
        self._stored: UpstreamState | None = None
        self._revision = 0
        self._alone_until = 0.0
        self._lock = asyncio.Lock()

    async def change(self, step: Callable[[UpstreamState, int], tuple[UpstreamState, R]]) -> R:
        """Put what `step` makes of the newest state in its place; its second result.

        `step` may be called several times and must be pure. It is given the state and among how many callers the
        rate is divided: 1 while all of them share the state.
        """
        async with self._lock:
            if self._bucket is None:
                self.known, answer = step(self.known, 1)
                return answer
            if time.monotonic() >= self._alone_until:
                try:
                    async with asyncio.timeout(_PATIENCE):
                        answer = await self._exchange(self._bucket, step)
                except _UNREACHABLE as error:
                    self._go_alone(error)
                else:
                    self._come_back()
                    return answer
            self.known, answer = step(self.known, self._callers)
            return answer

    async def look(self) -> UpstreamState:
        """The newest state."""
        await self.change(lambda state, _: (state, None))
        return self.known

    async def _exchange(self, bucket: StateBucket, step: Callable[[UpstreamState, int], tuple[UpstreamState, R]]) -> R:
        is_fresh = False
        while True:
            changed, answer = step(self.known, 1)
            if changed != self._stored:
                # The usual case: nobody else was at it since, and one round trip does.
                try:
                    self._revision = await bucket.update(self._key, msgspec.json.encode(changed), last=self._revision)
                except KeyWrongLastSequenceError:
                    await asyncio.sleep(random.uniform(0.0, 0.005))  # noqa: S311 - spreads load, no secret
                else:
                    self.known = self._stored = changed
                    return answer
            elif is_fresh:
                return answer
            await self._read(bucket)
            is_fresh = True

    async def _read(self, bucket: StateBucket) -> None:
        try:
            entry = await bucket.get(self._key)
        except KeyNotFoundError as error:
            self._stored, self._revision = None, 0
            if error.entry is not None:  # an operator deleted it, to begin anew
                self.known, self._revision = UpstreamState(name=self.known.name), error.entry.revision or 0
            # Else it is the first one ever, or the bucket was lost: then what is known here is the best there is.
            return
        self._stored, self._revision = decoded(entry.value, self.known.name), entry.revision or 0
        self.known = merged(self._stored, self.known) if self._alone_until else self._stored

    def _go_alone(self, error: Exception) -> None:
        if not self._alone_until:
            why = str(error) or type(error).__name__
            log.warning("upstream_state_not_shared", upstream=self.known.name, error=why, callers=self._callers)
        self._alone_until = time.monotonic() + _ALONE

    def _come_back(self) -> None:
        if self._alone_until:
            log.info("upstream_state_shared_again", upstream=self.known.name)
        self._alone_until = 0.0


class UpstreamStates:
    """What the processes know of all upstreams that were asked, for those who only look."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js

    async def all(self) -> list[UpstreamState]:
        """By name. Raises nats' errors and TimeoutError."""
        stream = f"KV_{UPSTREAMS_BUCKET}"
        info = await self._js.stream_info(stream, subjects_filter=">")
        found = await asyncio.gather(
            *(self._js.get_last_msg(stream, subject, direct=True) for subject in info.state.subjects or {})
        )
        states = [decoded(one.data, one.subject or "") for one in found if one.data]  # else it was deleted
        return sorted(states, key=lambda one: one.name.casefold())


def decoded(value: bytes | None, name: str) -> UpstreamState:
    """The state that a bucket holds; an empty one in place of what another version wrote otherwise."""
    try:
        return msgspec.json.decode(value or b"", type=UpstreamState)
    except msgspec.DecodeError:
        return UpstreamState(name=name)
