"""Ask once: an upstream's answer is shared by all who need it, at the same moment and for as long as it may be kept.

Within the process the callers that ask for one URL together wait for one call. Across processes and time a NATS KV
bucket keeps the body. Its key is the SHA-256 of the URL in hex, its value msgpack of `Kept`. What an answer depends on
must therefore be in its URL, and never is who asks.

An answer that is no longer fresh but has an `ETag` or a `Last-Modified` is not thrown away: the upstream is asked
whether it still holds, which saves the body. That nothing was found is not remembered, unless the upstream says so in
a good answer with a time: whoever adds a series that a catalogue has just taken up expects to find it.
"""

import asyncio
import hashlib
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec
import nats.errors
import structlog
from nats.js.errors import KeyNotFoundError

from services.platform.failures import LoadFailure

log = structlog.get_logger()

LONGEST = 3600.0
# Under 90 % of the server's max_payload of 8 MB.
LARGEST = 7_000_000
# More takes longer than a thread costs, and the loop has other callers; compressed it is about an eighth.
_LARGE = 256 * 1024
_LARGE_COMPRESSED = _LARGE // 8
_CHUNK = 1024 * 1024
# A cache that is slower than this is worth less than the call that it saves.
_PATIENCE = 1.0
_UNREACHABLE = (nats.errors.Error, TimeoutError, OSError)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
_NOT_TO_BE_KEPT = re.compile(r"(?:^|[,\s])(?:no-store|private)(?:$|[,\s=])", re.IGNORECASE)
_NOT_FRESH = re.compile(r"(?:^|[,\s])no-cache(?:$|[,\s=])", re.IGNORECASE)
_LONGEST_VALIDATOR = 500

T = TypeVar("T")


class Validators(msgspec.Struct, frozen=True, array_like=True):
    """What tells one version of an answer from another, as its headers name it; empty where they don't."""

    etag: str = ""
    last_modified: str = ""

    def conditions(self) -> dict[str, str]:
        """The headers that ask for a body only if it is another version; none that can't be sent."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value and _can_be_sent(value)}


class Answer(msgspec.Struct, frozen=True):
    """A good answer: its body (None: the one that was kept still holds), and for how many seconds it is fresh."""

    body: bytes | None
    max_age: float = 0.0
    validators: Validators = Validators()


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the bucket holds: when the answer turns stale (seconds since 1970), its body, compressed by zlib."""

    expires: float
    compressed: bytes
    validators: Validators = Validators()


Ask: TypeAlias = Callable[[Validators], Awaitable[Answer]]


class Entry(Protocol):
    """What a bucket gives."""

    @property
    def value(self) -> bytes | None: ...


class Bucket(Protocol):
    """As much of nats-py's `KeyValue` as is needed here."""

    async def get(self, key: str) -> Entry: ...

    async def put(self, key: str, value: bytes) -> int: ...


class _Flight:
    """A call under way, and how many callers wait for it."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.callers = 0


class ResponseCache:
    """Answers by URL. Without a bucket, or when it can't be reached, only callers at the same moment share."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._bucket = bucket
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[Any]] = set()  # those that end, too: the loop itself holds none

    async def fetch(self, url: str, ask: Ask, decode: Callable[[bytes], T]) -> T:
        """What `decode` makes of the answer kept for `url`, or of what `ask` gets; their errors come out, never kept.

        `ask` is told what to confirm: only then may it answer without a body. `decode` raises LoadFailure for a body
        that it can't use. The value is shared between callers: it must be immutable. A caller that is cancelled stops
        no other; the last one stops the call, which nobody waits for any more. One that joins a call under way shares
        its urgency and its patience, be they less than its own: that is rare, and asking twice would serve nobody
        sooner.
        """
        flight = self._flights.get(url)
        if flight is None:
            flight = self._flights[url] = _Flight(asyncio.create_task(self._fetch(url, ask, decode)))
            self._tasks.add(flight.task)
            flight.task.add_done_callback(lambda _: self._land(url, flight))
        task: asyncio.Task[T] = flight.task
        flight.callers += 1
        try:
            return await asyncio.shield(task)
        finally:
            flight.callers -= 1
            if not flight.callers and not task.done():
                # At once out of the way of who asks next: what is being cancelled can't be joined.
                del self._flights[url]
                task.cancel()

    def _land(self, url: str, flight: "_Flight") -> None:
        self._tasks.discard(flight.task)
        if self._flights.get(url) is flight:
            del self._flights[url]
        if not flight.task.cancelled():
            flight.task.exception()  # looked at: when every caller was cancelled, nobody else does

    async def _fetch(self, url: str, ask: Ask, decode: Callable[[bytes], T]) -> T:
        key = hashlib.sha256(url.encode()).hexdigest()
        kept = await self._get(key)
        if kept is not None and (_is_fresh(kept) or kept.validators != Validators()):
            try:
                value = decode(await _decompressed(kept.compressed))
            except (LoadFailure, zlib.error) as failure:  # kept by another version that read it otherwise
                log.warning("cached_answer_unreadable", error=str(failure))
            else:
                return value if _is_fresh(kept) else await self._confirm(key, kept, value, ask, decode)
        return await self._take(key, await ask(Validators()), decode)

    async def _confirm(self, key: str, kept: Kept, value: T, ask: Ask, decode: Callable[[bytes], T]) -> T:
        """The stale `value`, if the upstream says that it still holds, else the new one."""
        answer = await ask(kept.validators)
        if answer.body is not None:
            return await self._take(key, answer, decode)
        # A confirmation may leave out what has not changed.
        validators = kept.validators if answer.validators == Validators() else answer.validators
        await self._put(key, Kept(_expiry(answer), kept.compressed, validators))
        return value

    async def _take(self, key: str, answer: Answer, decode: Callable[[bytes], T]) -> T:
        body = answer.body or b""
        # Decoded before it is kept: an answer that is not what it claims must not last.
        value = decode(body)
        if self._bucket is not None and (answer.max_age > 0 or answer.validators != Validators()):
            compressed = await _compressed(body)
            if compressed is not None:
                await self._put(key, Kept(_expiry(answer), compressed, answer.validators))
        return value

    async def _get(self, key: str) -> Kept | None:
        if self._bucket is None:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):
                entry = await self._bucket.get(key)
            return msgspec.msgpack.decode(entry.value or b"", type=Kept)
        except KeyNotFoundError:
            return None
        except (*_UNREACHABLE, msgspec.DecodeError) as error:
            log.warning("response_cache_unusable", error=str(error) or type(error).__name__)
            return None

    async def _put(self, key: str, kept: Kept) -> None:
        value = msgspec.msgpack.encode(kept)
        if self._bucket is None or len(value) > LARGEST:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._bucket.put(key, value)
        except _UNREACHABLE as error:
            log.warning("response_cache_unusable", error=str(error) or type(error).__name__)


async def _compressed(body: bytes) -> bytes | None:
    """The body as it is kept; None if it is too large for that."""
    return await asyncio.to_thread(_compress, body) if len(body) > _LARGE else _compress(body)


def _compress(body: bytes) -> bytes | None:
    compressor = zlib.compressobj()
    compressed = bytearray()
    for start in range(0, len(body), _CHUNK):
        compressed += compressor.compress(body[start : start + _CHUNK])
        if len(compressed) > LARGEST:
            return None  # before the rest is compressed for nothing
    compressed += compressor.flush()
    return bytes(compressed)


async def _decompressed(kept: bytes) -> bytes:
    """The body that was kept. Raises zlib.error."""
    return await asyncio.to_thread(zlib.decompress, kept) if len(kept) > _LARGE_COMPRESSED else zlib.decompress(kept)


def _expiry(answer: Answer) -> float:
    return time.time() + min(answer.max_age, LONGEST)


def _is_fresh(kept: Kept) -> bool:
    # For longer than anything is kept: the clock was set back since, and how old it is can't be told.
    return 0.0 < kept.expires - time.time() <= LONGEST


def _can_be_sent(validator: str) -> bool:
    """Whether a request can bear it: an upstream may send bytes that no client would."""
    return len(validator) <= _LONGEST_VALIDATOR and validator.isascii() and validator.isprintable()


def answer_of(headers: Mapping[str, str], body: bytes | None, *, unsaid: float = 0.0) -> Answer:
    """The answer with what its headers say about keeping it; `unsaid` as in `max_age_seconds`."""
    if _NOT_TO_BE_KEPT.search(headers.get("cache-control", "")):
        return Answer(body)
    named = headers.get("etag", ""), headers.get("last-modified", "")
    validators = Validators(*(one if _can_be_sent(one) else "" for one in named))
    return Answer(body, max_age_seconds(headers, unsaid=unsaid), validators)


def max_age_seconds(headers: Mapping[str, str], *, unsaid: float = 0.0) -> float:
    """For how long the headers let an answer be kept; `Age` says how much of it is over. 0: not at all.

    `unsaid` is the answer for headers that neither name a time nor forbid it.
    """
    control = headers.get("cache-control", "")
    if _NOT_TO_BE_KEPT.search(control) or _NOT_FRESH.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    if found is None:
        return min(unsaid, LONGEST)
    age = headers.get("age", "0")
    spent = float(age) if age.isascii() and age.isdigit() else 0.0
    return min(max(0.0, float(found[1]) - spent), LONGEST)
