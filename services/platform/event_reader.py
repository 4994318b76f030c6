"""The event log as it is read: one series, some of its subjects, all of it, or on and on from a position."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy

from contracts.events import RecordedEvent
from contracts.loading import fold
from contracts.state import SeriesState
from contracts.subjects import ALL_EVENTS, STREAM, events_of
from services.platform import streams
from services.platform.mux import Mux
from services.platform.stored_event import Unreadable, delivered, direct
from services.platform.streams import LogInfo

_DIRECT_GET = f"$JS.API.DIRECT.GET.{STREAM}"
# A page of a read: as many events as are decoded in no time, and bytes enough for one of any size and many small ones.
_PAGE = 500
_PAGE_BYTES = 4 * 1024 * 1024


class LogUnavailable(Exception):
    """The log can't be reached, or is full: nothing was recorded, or nobody can tell yet. Try again later."""


class _Page(msgspec.Struct, frozen=True):
    """Events in order; `more` are behind them now. `reached`: how far the replica that answered is (if it says so)."""

    events: list[RecordedEvent | Unreadable]
    more: bool = False
    reached: int | None = None


class EventReader:
    """The log over one NATS connection; safe to use from many tasks at once. `timeout`: seconds for one answer.

    A read that is not answered raises LogUnavailable.
    """

    def __init__(self, nc: Client, *, timeout: float = 5.0) -> None:
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream()
        self.mux = Mux(nc)
        self.timeout = timeout

    async def info(self) -> LogInfo:
        """Which log this is and how far it reaches."""
        try:
            return await streams.log_info(self.js)
        except (NatsError, TimeoutError, OSError) as error:
            raise LogUnavailable(f"the event log can't be read: {words_of(error)}") from error

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
            raise LogUnavailable(f"the event log can't be read: {words_of(error)}") from error
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
            raise LogUnavailable(f"the event log can't be read: {words_of(error)}") from error
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

    async def finish(self) -> None:
        """Deliver what the server has sent until now, and nothing more."""
        jsi: Any = self._subscription._sub._jsi  # noqa: SLF001
        for watching in (jsi._hbtask, jsi._fctask):  # noqa: SLF001
            watching.cancel()  # nats-py 2.16 would miss heartbeats, and make the consumer anew
        try:
            with suppress(NatsError, TimeoutError, OSError):
                await self._subscription.drain()  # type: ignore[no-untyped-call]
        finally:
            # Cut short, it would leave its task behind, and the connection would make it anew.
            self._subscription._stop_processing()  # noqa: SLF001
            self._subscription._conn._remove_sub(self._subscription._id)  # noqa: SLF001

    async def stop(self) -> None:
        """Deliver nothing more."""
        try:
            await self._subscription.unsubscribe()
        except NatsError:
            return  # the connection is gone, and the subscription with it


def _unreadable(head: Mapping[str, str]) -> LogUnavailable:
    return LogUnavailable(f"the event log can't be read: {head.get('Status')} {head.get('Description', '')}")


def words_of(error: BaseException) -> str:
    """What an error says, or at least its kind."""
    return str(error) or type(error).__name__


def _readable(found: list[RecordedEvent | Unreadable]) -> list[RecordedEvent]:
    return sorted((one for one in found if isinstance(one, RecordedEvent)), key=lambda one: one.position)
