"""Ask once: an upstream's answer is shared by all who need it, at the same moment and for as long as it may be kept.

Within the process the callers that ask for one URL together wait for one call. Across processes and time a NATS KV
bucket keeps the body. Its key is the SHA-256 of the URL in hex; its value is msgpack of `Kept`.
"""

import asyncio
import hashlib
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
import nats.errors
import structlog
from nats.js.errors import KeyNotFoundError

from services.platform.failures import LoadFailure

log = structlog.get_logger()

LONGEST = 3600.0
# Under 90 % of the server's max_payload of 8 MB.
LARGEST = 7_000_000
# A cache that is slower than this is worth less than the call that it saves.
_PATIENCE = 1.0
_UNREACHABLE = (nats.errors.Error, TimeoutError, OSError)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
_NOT_TO_BE_KEPT = re.compile(r"(?:^|[,\s])(?:no-store|no-cache|private)(?:$|[,\s=])", re.IGNORECASE)

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """A good answer: its body, and for how many seconds it may be kept."""

    body: bytes
    max_age: float = 0.0


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the bucket holds: when the answer turns stale (seconds since 1970) and its body, compressed by zlib."""

    expires: float
    compressed: bytes


class Entry(Protocol):
    """What a bucket gives."""

    @property
    def value(self) -> bytes | None: ...


class Bucket(Protocol):
    """As much of nats-py's `KeyValue` as is needed here."""

    async def get(self, key: str) -> Entry: ...

    async def put(self, key: str, value: bytes) -> int: ...


class ResponseCache:
    """Answers by URL. Without a bucket, or when it can't be reached, only callers at the same moment share."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._bucket = bucket
        self._flights: dict[str, asyncio.Task[Any]] = {}

    async def fetch(self, url: str, ask: Callable[[], Awaitable[Answer]], decode: Callable[[bytes], T]) -> T:
        """What `decode` makes of the answer kept for `url`, or of what `ask` gets; their errors come out, never kept.

        `decode` raises LoadFailure for a body that it can't use. The value is shared between callers: it must be
        immutable. A caller that is cancelled stops no other.
        """
        flight: asyncio.Task[T] | None = self._flights.get(url)
        if flight is None:
            flight = asyncio.create_task(self._fetch(url, ask, decode))
            self._flights[url] = flight
            flight.add_done_callback(lambda done: self._land(url, done))
        return await asyncio.shield(flight)

    def _land(self, url: str, flight: asyncio.Task[Any]) -> None:
        del self._flights[url]
        if not flight.cancelled():
            flight.exception()  # looked at: when every caller was cancelled, nobody else does

    async def _fetch(self, url: str, ask: Callable[[], Awaitable[Answer]], decode: Callable[[bytes], T]) -> T:
        key = hashlib.sha256(url.encode()).hexdigest()
        kept = await self._get(key)
        if kept is not None:
            try:
                return decode(kept)
            except LoadFailure as failure:  # kept by another version that read it otherwise
                log.warning("cached_answer_unreadable", error=str(failure))
        answer = await ask()
        # Decoded before it is kept: an answer that is not what it claims must not last.
        value = decode(answer.body)
        await self._put(key, answer)
        return value

    async def _get(self, key: str) -> bytes | None:
        if self._bucket is None:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):
                entry = await self._bucket.get(key)
            kept = msgspec.msgpack.decode(entry.value or b"", type=Kept)
            return zlib.decompress(kept.compressed) if kept.expires > time.time() else None
        except KeyNotFoundError:
            return None
        except (*_UNREACHABLE, msgspec.DecodeError, zlib.error) as error:
            log.warning("response_cache_unusable", error=str(error) or type(error).__name__)
            return None

    async def _put(self, key: str, answer: Answer) -> None:
        if self._bucket is None or answer.max_age <= 0:
            return
        expires = time.time() + min(answer.max_age, LONGEST)
        value = msgspec.msgpack.encode(Kept(expires, zlib.compress(answer.body)))
        if len(value) > LARGEST:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._bucket.put(key, value)
        except _UNREACHABLE as error:
            log.warning("response_cache_unusable", error=str(error) or type(error).__name__)


def max_age_seconds(headers: Mapping[str, str], *, unsaid: float = 0.0) -> float:
    """For how long the headers let an answer be kept; `Age` says how much of it is over. 0: not at all.

    `unsaid` is the answer for headers that neither name a time nor forbid it.
    """
    control = headers.get("cache-control", "")
    if _NOT_TO_BE_KEPT.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    if found is None:
        return min(unsaid, LONGEST)
    age = headers.get("age", "0")
    spent = float(age) if age.isascii() and age.isdigit() else 0.0
    return min(max(0.0, float(found[1]) - spent), LONGEST)
