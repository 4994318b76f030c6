"""The event log as the services use it: append with an expectation, read one series, follow from a position.

An append answers only when the server has the event on disk. What is uncertain (a publish that timed out) is settled
by looking: the subject's last event either carries our id, then it is stored, or it does not, then it is sent again.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy

from contracts import codec
from contracts.events import Event, RecordedEvent
from contracts.loading import fold
from contracts.state import SeriesState
from contracts.subjects import ALL_EVENTS, STREAM, added_subject, events_of, subject_of
from services.platform import streams
from services.platform.mux import Mux
from services.platform.stored_event import Unreadable, delivered, direct
from services.platform.streams import LogInfo

_DIRECT_GET = f"$JS.API.DIRECT.GET.{STREAM}"
_LEADER_GET = f"$JS.API.STREAM.MSG.GET.{STREAM}"
WRONG_SEQUENCE = frozenset({10071, 10164})
# A page of a read: as many events as are decoded in no time, and bytes enough for one of any size and many small ones.
_PAGE = 500
_PAGE_BYTES = 4 * 1024 * 1024
# Seconds for which a refusal is told: whoever is kept away by it must be let try again.
_REMEMBERED = 60.0


class Conflict(Exception):
    """The log did not hold what the writer expected: somebody else was there first, or the series' life has ended."""


class LogUnavailable(Exception):
    """The log can't be reached, or is full: nothing was recorded, or nobody can tell yet. Try again later."""


class TooLarge(Exception):
    """The event is larger than the server takes: it can never be recorded like this."""


class Expect(msgspec.Struct, frozen=True):
    """`subject`'s last event must be at `position` (0: there must be none)."""

    subject: str
    position: int


class Appended(msgspec.Struct, frozen=True):
    """Where the event is; `duplicate` says that an earlier try had recorded it already."""

    position: int
    duplicate: bool = False


class _Ack(msgspec.Struct):
    class Error(msgspec.Struct):
        err_code: int = 0
        description: str = ""

    seq: int = 0
    duplicate: bool = False
    error: Error | None = None


class _Page(msgspec.Struct, frozen=True):
    """Events in order; `more` are behind them now. `reached`: how far the replica that answered is (if it says so)."""

    events: list[RecordedEvent | Unreadable]
    more: bool = False
    reached: int | None = None


class _Stored(msgspec.Struct):
    class Message(msgspec.Struct):
        seq: int
        hdrs: str = ""

    message: Message | None = None


_ACK = msgspec.json.Decoder(_Ack)
_STORED = msgspec.json.Decoder(_Stored)


def life_of(key: str, added: int) -> Expect:
    """The guard of everything said about one life of a series: its newest SeriesAdded must still be the one meant."""
    return Expect(added_subject(key), added)


class EventStore:
    """The log over one NATS connection; safe to use from many tasks at once. `timeout`: seconds for one answer."""

    def __init__(self, nc: Client, *, timeout: float = 5.0) -> None:
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream()
        self.mux = Mux(nc)
        self.timeout = timeout
        self._refused: tuple[str, float] | None = None  # why, and until when that is told, by the loop's clock

    @property
    def refusal(self) -> str | None:
        """Why the log, which answers, took nothing of late from this process; None as far as is known."""
        if self._refused is None or self._refused[1] < asyncio.get_running_loop().time():
            return None
        return self._refused[0]

    async def info(self) -> LogInfo:
        """Which log this is and how far it reaches. Raises LogUnavailable."""
        try:
            return await streams.log_info(self.js)
        except (NatsError, TimeoutError, OSError) as error:
            raise LogUnavailable(f"the event log can't be read: {_why(error)}") from error

    async def append(
        self,
        event: Event,
        *,
        expect: Expect | None = None,
        event_id: str | None = None,
        correlation_id: str | None = None,
        traceparent: str | None = None,
        tries: int = 3,
        repeated: bool = False,
    ) -> Appended:
        """Record `event`. All tries together take as long as one answer may: nobody waits thrice for a silent server.

        `repeated`: an earlier call with the same event was not answered. It may be recorded since longer than the
        broker knows a duplicate, so that its first try looks, too.

        Raises Conflict if `expect` does not hold, LogUnavailable if the log does not answer, TooLarge.
        """
        subject = subject_of(event)
        headers = codec.headers_of(
            event,
            time=datetime.now(UTC),
            event_id=event_id,
            correlation_id=correlation_id,
            traceparent=traceparent,
        )
        identifier = headers["Nats-Msg-Id"]
        headers["Nats-Expected-Stream"] = STREAM
        if expect is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expect.position)
            headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expect.subject
        body = codec.encode(event)
        reason: object = None
        conflict: Conflict | None = None
        clock = asyncio.get_running_loop().time
        end = clock() + self.timeout
        for attempt in range(tries):
            within = (end - clock()) / (tries - attempt)
            can_be_read = takes_nothing = False
            try:
                # An earlier try may have been recorded although nobody said so: its own event then refuses this one.
                if (attempt or repeated) and (position := await self._last_position(subject, identifier, within)):
                    return Appended(position, duplicate=True)
                can_be_read = attempt > 0 or repeated
                if conflict is None:
                    return await self._publish(subject, body, headers, within)
                break
            except Conflict as error:
                conflict = error  # unless it is our own event that is in the way: look
            except MaxPayloadError as error:
                raise TooLarge(f"{len(body)} bytes, the server takes {self.nc.max_payload}") from error
            except (NatsError, TimeoutError, OSError) as error:
                reason = _why(error)
                # A lost connection is told otherwise, or the look of this same try is what got no answer.
                takes_nothing = can_be_read and isinstance(error, TimeoutError)
                await asyncio.sleep(0.1 * attempt)
        if takes_nothing:
            # So is a stream of nats-server's that could not be written once, until the server is started anew. And what
            # a user has no right to is not answered either, as while the server runs with an older release's rights.
            what = "there may be no room on its disk, or no permission for this"
            raise self._refusing(f"the event log can be read but takes nothing: {what}")
        raise conflict or LogUnavailable(f"the event log does not answer: {reason}")

    async def _publish(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> Appended:
        answer = await self.mux.request(subject, body, headers, timeout=timeout)
        ack = _ACK.decode(answer.data)
        if ack.error is None:
            # A stream that can't be written still knows what it has: neither a duplicate nor a conflict ends a refusal.
            self._refused = self._refused if ack.duplicate else None
            return Appended(ack.seq, ack.duplicate)
        if ack.error.err_code in WRONG_SEQUENCE:
            raise Conflict(ack.error.description)
        raise self._refusing(f"the event log refused: {ack.error.description} ({ack.error.err_code})")

    def _refusing(self, why: str) -> LogUnavailable:
        """What to raise when the log answers and takes nothing; it is told for a while."""
        self._refused = why, asyncio.get_running_loop().time() + _REMEMBERED
        return LogUnavailable(why)

    async def _last_position(self, subject: str, identifier: str, timeout: float) -> int:
        """The position of the subject's last event if it carries the id `identifier`, else 0. Asks the leader."""
        asked = msgspec.json.encode({"last_by_subj": subject})
        answer = await self.mux.request(_LEADER_GET, asked, None, timeout=timeout)
        stored = _STORED.decode(answer.data).message
        if stored is None:
            return 0
        head = base64.b64decode(stored.hdrs).decode()
        return stored.seq if f"Nats-Msg-Id: {identifier}\r\n" in head or f"Nats-Msg-Id:{identifier}\r\n" in head else 0

    async def last_of_each(self, key: str, *, up_to: int = 0) -> list[RecordedEvent]:
        """The last event of each kind of one series, in order; what can't be decoded is left out.

        A replica may lag: it is asked again until it has reached position `up_to`.
        """
        return await self.last_of((events_of(key),), up_to=up_to)

    async def last_of(self, subjects: Sequence[str], *, after: int = 0, up_to: int = 0) -> list[RecordedEvent]:
        """The last event of each of some of the series' subjects, as `last_of_each`; only those after a position."""
        body = msgspec.json.encode({"multi_last": subjects, "seq": after + 1})
        deadline = asyncio.get_running_loop().time() + self.timeout
        while True:
            page = await self._batch(body)
            if page.reached is None or page.reached >= up_to:
                return _readable(page.events)
            if asyncio.get_running_loop().time() > deadline:
                raise LogUnavailable(f"the event log's replica is behind: it has not reached {up_to} yet")
            await asyncio.sleep(0.02)

    async def events_of(self, key: str, *, after: int = 0) -> list[RecordedEvent | Unreadable]:
        """All events of one series after a position, in order."""
        return [one async for page in self.pages(after=after, subject=events_of(key)) for one in page]

    async def read_all(self, *, after: int = 0) -> AsyncIterator[RecordedEvent | Unreadable]:
        """Every event after a position up to the log's present end, in order, a page at a time."""
        last = (await self.info()).last_position
        deadline = asyncio.get_running_loop().time() + self.timeout
        while after < last:
            async for page in self.pages(after=after):
                for one in page:
                    yield one
                after = page[-1].position
                if after >= last:
                    return
                deadline = asyncio.get_running_loop().time() + self.timeout
            if asyncio.get_running_loop().time() > deadline:
                raise LogUnavailable(f"the event log's replica is behind: it has not reached {last} yet")
            await asyncio.sleep(0.02)

    async def pages(
        self, *, after: int = 0, subject: str = ALL_EVENTS
    ) -> AsyncIterator[list[RecordedEvent | Unreadable]]:
        """The events after a position, in order, a page at a time, until there are no more: none is empty.

        One page at most is in memory: it is asked for when the reader wants it.
        """
        more = True
        while more:
            asked = {"batch": _PAGE, "max_bytes": _PAGE_BYTES, "seq": after + 1, "next_by_subj": subject}
            page = await self._batch(msgspec.json.encode(asked))
            more = page.more
            if page.events:
                after = page.events[-1].position
                yield page.events

    async def state_of(self, key: str, *, since: SeriesState | None = None) -> SeriesState | None:
        """The fold of one series' events, going on from `since` if that is given."""
        if since is not None and await self._end_of(key) <= since.position:
            return since
        events = await self.events_of(key, after=since.position if since else 0)
        return fold((one for one in events if isinstance(one, RecordedEvent)), since)

    async def _end_of(self, key: str) -> int:
        """The position of a series' last event, 0 if it has none.

        The server knows where it is. To find out that no event follows another one it looks through all that do.
        """
        asked = msgspec.json.encode({"last_by_subj": events_of(key)})
        try:
            answer = await self.mux.request(_DIRECT_GET, asked, None, timeout=self.timeout)
        except (NatsError, TimeoutError, OSError) as error:
            raise LogUnavailable(f"the event log can't be read: {_why(error)}") from error
        head = answer.headers or {}
        if "Nats-Sequence" in head:
            return int(head["Nats-Sequence"])
        if head.get("Status") == "404":
            return 0
        raise _unreadable(head)

    async def _batch(self, body: bytes) -> _Page:
        """The answers to one batch read."""
        found: list[RecordedEvent | Unreadable] = []
        try:
            async for message in self.mux.stream(_DIRECT_GET, body, timeout=self.timeout):
                head = message.headers or {}
                status = head.get("Status")
                if status == "404":
                    return _Page([])
                if status == "204":
                    reached = int(head["Nats-UpTo-Sequence"]) if "Nats-UpTo-Sequence" in head else None
                    return _Page(found, head.get("Nats-Num-Pending", "0") != "0", reached)
                if status is not None:
                    raise _unreadable(head)
                found.append(direct(message))
        except (NatsError, TimeoutError, OSError) as error:
            raise LogUnavailable(f"the event log can't be read: {_why(error)}") from error
        raise AssertionError("a batch read ends with a status")

    async def follow(
        self, after: int, deliver: Callable[[RecordedEvent | Unreadable], Awaitable[None]], *, subject: str = ALL_EVENTS
    ) -> "Following":
        """Call `deliver` with every event after a position, in order and without a gap, until it is stopped.

        The ordered consumer makes itself anew after a lost connection; a short heartbeat tells it soon.
        """

        async def on_message(message: Msg) -> None:
            await deliver(delivered(message))

        subscription = await self.js.subscribe(
            subject,
            stream=STREAM,
            cb=on_message,
            ordered_consumer=True,
            idle_heartbeat=0.5,
            config=ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1),
            pending_msgs_limit=-1,
            pending_bytes_limit=-1,
        )
        # nats-py 2.16 makes a consumer that has received nothing anew from the log's beginning.
        if (state := subscription._sub._jsi) is not None:  # noqa: SLF001
            state._sseq = after  # noqa: SLF001
        return Following(subscription)


class Following:
    """A running `follow`."""

    def __init__(self, subscription: JetStreamContext.PushSubscription) -> None:
        self._subscription = subscription

    async def stop(self) -> None:
        """Deliver nothing more."""
        try:
            await self._subscription.unsubscribe()
        except NatsError:
            return  # the connection is gone, and the subscription with it


def _unreadable(head: Mapping[str, str]) -> LogUnavailable:
    return LogUnavailable(f"the event log can't be read: {head.get('Status')} {head.get('Description', '')}")


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _readable(found: list[RecordedEvent | Unreadable]) -> list[RecordedEvent]:
    return sorted((one for one in found if isinstance(one, RecordedEvent)), key=lambda one: one.position)
