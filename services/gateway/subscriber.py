"""One client of the feed: what waits to be sent to it, and since when it has taken nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from services.gateway.connection import chunk
from services.gateway.updates import AT_ONCE, Update, as_sse

# More series than this waiting for one client means that it does not read: it is dropped and resumes by Last-Event-ID.
MOST_WAITING = 20_000


class Subscriber:
    """A queue in which the newest update of a series replaces the older one *and moves to the end*.

    So a slow reader gets fewer updates, never stale ones and never out of order, and its queue is bounded by the
    number of series. `keys` None means all series. `drop` breaks the connection off, whatever it waits for.

    `send_now`, if it is set, sends chunks of SSE without waiting, or says that the connection takes none now: to wake a
    task costs more than to send.
    """

    def __init__(self, keys: frozenset[str] | None, drop: Callable[[], None]) -> None:
        self.keys = keys
        self.closed = False
        self.send_now: Callable[[bytes], bool] | None = None
        self.after = 0  # nothing up to this position is wanted any more
        self._drop = drop
        self._queue: OrderedDict[str, Update] = OrderedDict()
        self._waiter: asyncio.Future[None] | None = None
        self._busy_since: float | None = monotonic()  # being connected counts as taking nothing
        self._quiet_since = monotonic()
        self._silent = False

    def want(self, keys: frozenset[str] | None) -> None:
        """From now on only these series; what is queued of others is not wanted any more."""
        self.keys = keys
        if keys is not None:
            for key in self._queue.keys() - keys:
                del self._queue[key]

    def tell(self, updates: Sequence[Update], chunk_of_all: bytes) -> int:
        """Send at once what is wanted of `updates`, if nothing waits before them; else queue it. How many were sent.

        `chunk_of_all` is made of all of them, once for every client that wants them all.
        """
        wanted = updates
        if self.keys is not None or updates[0].position <= self.after:
            wanted = [update for update in updates if self._wants(update)]
        if not wanted:
            return 0
        if self.send_now is not None and self._is_waiting():
            chunks = chunk_of_all if wanted is updates else chunk(as_sse(wanted))
            if self.send_now(chunks):
                self._quiet_since = monotonic()
                return len(wanted)
        for update in wanted:
            self._queue_up(update)
        return 0

    def offer(self, update: Update) -> None:
        """Queue the update if it is wanted."""
        if self._wants(update):
            self._queue_up(update)

    def _wants(self, update: Update) -> bool:
        return update.position > self.after and (self.keys is None or update.key in self.keys)

    def _queue_up(self, update: Update) -> None:
        self._queue.pop(update.key, None)
        self._queue[update.key] = update
        if len(self._queue) > MOST_WAITING:
            self.drop()
        else:
            self.rouse()

    def skip_to(self, position: int) -> None:
        """Forget what is queued up to `position`: it was sent, or is about to be, by other means."""
        self.after = position
        for key in [key for key, update in self._queue.items() if update.position <= position]:
            del self._queue[key]

    def take(self, most: int = AT_ONCE) -> list[Update]:
        """The next updates, in position order; they count as being sent until `wait` is called."""
        self._busy_since = monotonic()
        return [self._queue.popitem(last=False)[1] for _ in range(min(most, len(self._queue)))]

    async def wait(self) -> bool:
        """Return when there is something to take or to look at; True if a sign of life is due after a long silence.

        The client has taken all that it was given before.
        """
        self._busy_since = None
        self._quiet_since = monotonic()
        self._silent = False
        if not self._queue and not self.closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._silent

    def rouse(self) -> None:
        """Let `wait` return, for whatever else its caller looks at."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _is_waiting(self) -> bool:
        """Whether the client has taken all that there was, and was not roused since."""
        return self._waiter is not None and not self._waiter.done()

    def close(self) -> None:
        """Let the client's loop end by itself, as soon as it looks."""
        self.closed = True
        self.rouse()

    def drop(self) -> None:
        """Break the connection off: the client takes nothing."""
        self.close()
        self._drop()

    def tick(self, now: float, *, silence: float, patience: float) -> None:
        """Drop a client that has taken nothing for `patience` seconds; wake one that heard nothing for `silence`."""
        if self._busy_since is not None:
            if now - self._busy_since > patience:
                self.drop()
        elif now - self._quiet_since >= silence:
            self._silent = True
            self.rouse()
