"""The feed: what the projector tells on core NATS, made whole from the rows, and given to every subscriber.

A frame that does not follow on the last one (one was lost, a projector or this gateway was away) is never used: the
rows tell what changed since, in one transaction with their checkpoint. So nothing is lost, and nothing runs ahead of
what GET answers.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts.api import Frame
from contracts.subjects import FEED_SUBJECT
from services.gateway.connection import chunk
from services.gateway.domain import StreamId
from services.gateway.metrics import Metrics
from services.gateway.read_model import Change, ReadModel
from services.gateway.refusals import Unavailable, read_model_unavailable
from services.gateway.subscriber import Subscriber
from services.gateway.updates import AT_ONCE, Update, as_sse, from_projector, in_turns
from services.platform.tasks import end

log = structlog.get_logger()

REMEMBERED = 4096
_SILENCE = 15.0
_PATIENCE = 60.0
_INBOX = 1000
_FIRST_LOOK = 3.0
_FRAME = msgspec.json.Decoder(Frame)


class Hub:
    """All subscribers of this process. `run` must be running for anything to arrive."""

    def __init__(
        self, nc: Client, read_model: ReadModel, log_id: str, metrics: Metrics, *, patience: float = _PATIENCE
    ) -> None:
        self.log_id = log_id
        self.position = -1  # not looked yet
        self.closing = asyncio.Event()
        self._emptied = asyncio.Event()
        self._has_looked = asyncio.Event()  # at the rows, in vain or not
        self._nc = nc
        self._read_model = read_model
        self._metrics = metrics
        self._patience = patience
        self._subscribers: set[Subscriber] = set()
        self._recent: deque[Update] = deque(maxlen=REMEMBERED)
        self._recent_after = 0  # every later change is in `_recent`
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue(_INBOX)
        self._is_behind = True  # something was missed: the rows must tell

    # -- from the projector -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens to the projector and tells the subscribers."""
        subscription = await self._nc.subscribe(FEED_SUBJECT, cb=self._on_frame)
        tasks = [asyncio.ensure_future(self._follow()), asyncio.ensure_future(self._tick())]
        try:
            yield
        finally:
            await end(*tasks)
            if self._nc.is_connected:
                await subscription.unsubscribe()

    def look_again(self) -> None:
        """Something may have been missed (NATS was away): ask the rows."""
        self._is_behind = True
        self._wake()

    async def _on_frame(self, message: Msg) -> None:
        try:
            frame = _FRAME.decode(message.data)
        except msgspec.DecodeError as error:
            log.warning("unreadable_frame", error=str(error))
            self.look_again()
            return
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self._is_behind = True

    def _wake(self) -> None:
        with suppress(asyncio.QueueFull):
            self._frames.put_nowait(None)

    async def _follow(self) -> None:
        while True:
            try:
                if self._is_behind:
                    await self._catch_up()
                frames = [await self._frames.get()]
                while not self._frames.empty():
                    frames.append(self._frames.get_nowait())
                self._take([frame for frame in frames if frame is not None])
            except Unavailable:
                await asyncio.sleep(1.0)  # PostgreSQL is away: then nothing is committed either
            except Exception:
                log.exception("feed_failed")
                await asyncio.sleep(1.0)

    def _take(self, frames: list[Frame]) -> None:
        """Tell what came while the last was being sent as one: the later it gets, the less each update costs."""
        updates, position = list[Update](), self.position
        for frame in frames:
            if frame.log == self.log_id and frame.position <= position:
                continue  # the rows have told it
            if frame.log != self.log_id or frame.after != position or not frame.complete:
                self._is_behind = True
                break
            updates += [from_projector(raw, self.log_id) for raw in frame.updates]
            position = frame.position
        self._tell(updates, position)

    async def _catch_up(self) -> None:
        """Tell what the rows say has changed since `position`; the first look only learns where they stand."""
        # Before the read: whatever is missed while it runs must be looked for again.
        self._is_behind = False
        try:
            if self.position < 0:
                stand, changes = await self._read_model.checkpoint(), list[Change]()
            else:
                stand, changes = await self._read_model.changes(after=self.position)
        except BaseException:
            self._is_behind = True
            raise
        finally:
            self._has_looked.set()
        if self.position < 0 or (stand.log_id is not None and stand.log_id != self.log_id):
            self._begin(stand.log_id or self.log_id, stand.position)
        elif stand.position > self.position:
            self._metrics.catch_ups.inc()
            async for updates in in_turns(changes, self.log_id):
                self._tell(updates, updates[-1].position)
            self._tell([], stand.position)

    def _begin(self, log_id: str, position: int) -> None:
        """Go on from `position`. With another log nothing that clients know holds: they come back and start anew."""
        if self.position >= 0:
            log.warning("another_log", was=self.log_id, now=log_id)
        self.log_id, self.position, self._recent_after = log_id, position, position
        self._recent.clear()
        for subscriber in self._subscribers:
            subscriber.close()

    def _tell(self, updates: list[Update], position: int) -> None:
        for update in updates:
            if len(self._recent) == REMEMBERED:
                self._recent_after = self._recent[0].position
            self._recent.append(update)
        for start in range(0, len(updates), AT_ONCE):
            some = updates[start : start + AT_ONCE]
            chunk_of_all = chunk(as_sse(some))
            self._metrics.updates_sent.inc(sum(one.tell(some, chunk_of_all) for one in self._subscribers))
        self.position = position

    async def _tick(self) -> None:
        reconnects = self._nc.stats["reconnects"]
        while True:
            await asyncio.sleep(min(1.0, self._patience / 2))
            if self._nc.stats["reconnects"] != reconnects:
                reconnects = self._nc.stats["reconnects"]
                self.look_again()
            now = monotonic()
            for subscriber in tuple(self._subscribers):
                subscriber.tick(now, silence=_SILENCE, patience=self._patience)

    # -- to the subscribers -------------------------------------------------------------------------------------------

    async def join(self, keys: frozenset[str] | None, drop: Callable[[], None]) -> Subscriber:
        """A new subscriber: from now on it misses nothing. `leave` must be called for it. Raises Unavailable.

        Whoever comes right after the start waits until it is known where the rows stand, for a few seconds at most.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK):
                await self._has_looked.wait()
        if self.closing.is_set():
            raise Unavailable("closing", "Coldopen is being stopped or started anew: connect again.", seconds=1)
        if self.position < 0:
            raise read_model_unavailable()
        subscriber = Subscriber(keys, drop)
        self._subscribers.add(subscriber)
        self._metrics.subscribers.set(len(self._subscribers))
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget the subscriber; harmless if it is forgotten already."""
        self._subscribers.discard(subscriber)
        self._metrics.subscribers.set(len(self._subscribers))
        self._check_emptied()

    async def snapshot(self, subscriber: Subscriber) -> list[Change]:
        """The present state of every series that it wants, by position; what is queued then begins right behind it.

        A removed series is told to those only who asked for it by its key. Raises Unavailable.
        """
        by_key = subscriber.keys
        stand, changes = await self._read_model.changes(keys=by_key, removed=by_key is not None)
        subscriber.skip_to(stand.position)
        return changes

    async def resume(self, subscriber: Subscriber, since: StreamId) -> list[Change] | None:
        """What changed since an id, beyond what is queued now; None if the id says nothing about this log.

        Raises Unavailable.
        """
        if since.log != self.log_id[:8]:
            return None
        if self._recent_after <= since.position <= self.position:
            subscriber.after = since.position
            for update in self._recent:
                subscriber.offer(update)
            return []
        # Older than what is remembered, or newer than what has arrived here: another gateway may be ahead of this one.
        stand, changes = await self._read_model.changes(after=since.position, keys=subscriber.keys)
        if since.position > stand.position:
            return None
        subscriber.skip_to(stand.position)
        return changes

    def _check_emptied(self) -> None:
        if self.closing.is_set() and not self._subscribers:
            self._emptied.set()

    async def close(self, spread: float = 2.0) -> None:
        """End every client, spread over up to `spread` seconds, so that they don't all come back in one instant."""
        self.closing.set()
        loop = asyncio.get_running_loop()
        seconds = min(spread, 0.005 * len(self._subscribers))
        for subscriber in self._subscribers:
            loop.call_later(random.uniform(0, seconds), subscriber.close)  # noqa: S311
        self._check_emptied()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + 0.5):
                await self._emptied.wait()
        for subscriber in tuple(self._subscribers):
            subscriber.drop()  # its socket takes nothing, not even the end
