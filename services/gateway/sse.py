"""GET /api/loading-status/stream: the feed as server-sent events."""

import asyncio
from collections.abc import Callable, Sequence

from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from services.gateway.connection import sender
from services.gateway.domain import parse_stream_id, stream_id
from services.gateway.feed import Hub
from services.gateway.metrics import Metrics
from services.gateway.read_model import Change
from services.gateway.subscriber import Subscriber
from services.gateway.updates import as_sse, in_turns

_RETRY = b"retry: 2000\n\n"
_SIGN_OF_LIFE = b": still here\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def open_stream(
    hub: Hub,
    metrics: Metrics,
    drop: Callable[[], None],
    *,
    keys: frozenset[str] | None,
    last_event_id: str,
    snapshot: bool,
) -> ASGIResponse:
    """The answer, with all that can fail behind it. Raises Unavailable."""
    subscriber = await hub.join(keys, drop)
    try:
        head, changes = await _begin(hub, subscriber, last_event_id, snapshot=snapshot)
    except BaseException:
        hub.leave(subscriber)
        raise
    return _EventStream(hub, metrics, subscriber, head, changes)


async def _begin(
    hub: Hub, subscriber: Subscriber, last_event_id: str, *, snapshot: bool
) -> tuple[bytes, Sequence[Change]]:
    """The first bytes, and the rows to tell before what is queued."""
    if last_event_id:
        since = parse_stream_id(last_event_id)
        changes = await hub.resume(subscriber, since) if since else None
        if changes is not None:
            return _RETRY, changes
        return _RETRY + b"event: reset\ndata: {}\n\n", await hub.snapshot(subscriber)
    if snapshot:
        return _RETRY, await hub.snapshot(subscriber)
    # An id without data tells no change, but browsers keep it: whoever comes back before the first one misses none.
    return b"retry: 2000\nid: %b\n\n" % stream_id(hub.log_id, hub.position), []


class _EventStream(ASGIResponse):
    """The answer of one subscriber. Litestar's own `Stream` puts an async generator and a task group around each."""

    _should_set_content_length = False

    def __init__(
        self, hub: Hub, metrics: Metrics, subscriber: Subscriber, head: bytes, changes: Sequence[Change]
    ) -> None:
        super().__init__(media_type="text/event-stream", headers=_HEADERS)
        self._hub = hub
        self._metrics = metrics
        self._subscriber = subscriber
        self._head = head
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the client hangs up or the hub closes it; `send` waits while the client takes nothing."""
        listening = asyncio.ensure_future(_close_at_hangup(self._subscriber, receive))
        try:
            await self.start_response(send)
            await self._tell_present(send)
            self._subscriber.send_now = sender(scope)
            await self._tell_changes(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            listening.cancel()
            self._hub.leave(self._subscriber)

    async def _tell_present(self, send: Send) -> None:
        changes, self._changes = self._changes, []
        await send(_some(self._head))
        async for told in in_turns(changes, self._hub.log_id):
            self._subscriber.take(0)
            self._metrics.updates_sent.inc(len(told))
            await send(_some(as_sse(told)))

    async def _tell_changes(self, send: Send) -> None:
        subscriber = self._subscriber
        is_silent = False
        while not subscriber.closed:
            updates = subscriber.take()
            if updates:
                self._metrics.updates_sent.inc(len(updates))
                await send(_some(as_sse(updates)))
            elif is_silent:
                await send(_some(_SIGN_OF_LIFE))
            is_silent = await subscriber.wait()


async def _close_at_hangup(subscriber: Subscriber, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.close()


def _some(body: bytes) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": True}
