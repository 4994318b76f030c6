"""GET /api/loading-status/stream: the feed as server-sent events."""

from collections.abc import AsyncIterator, Callable, Sequence

from litestar.response import Stream

from services.gateway.domain import parse_stream_id, stream_id
from services.gateway.feed import Hub, from_row
from services.gateway.metrics import Metrics
from services.gateway.read_model import Change
from services.gateway.subscriber import Subscriber

_RETRY = b"retry: 2000\n\n"
_SIGN_OF_LIFE = b": still here\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_AT_ONCE = 100


async def open_stream(
    hub: Hub,
    metrics: Metrics,
    drop: Callable[[], None],
    *,
    keys: frozenset[str] | None,
    last_event_id: str,
    snapshot: bool,
) -> Stream:
    """The answer, with all that can fail behind it. Raises Unavailable."""
    subscriber = hub.join(keys, drop)
    try:
        head, changes = await _begin(hub, subscriber, last_event_id, snapshot=snapshot)
    except BaseException:
        hub.leave(subscriber)
        raise
    return Stream(
        _events(hub, metrics, subscriber, head, changes),
        media_type="text/event-stream",
        headers=_HEADERS,
    )


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


async def _events(
    hub: Hub, metrics: Metrics, subscriber: Subscriber, head: bytes, changes: Sequence[Change]
) -> AsyncIterator[bytes]:
    # Whatever ends this (the client, a stop) runs the `finally`, where nothing may be awaited any more.
    try:
        yield head
        for start in range(0, len(changes), _AT_ONCE):
            told = [from_row(change, hub.log_id).sse for change in changes[start : start + _AT_ONCE]]
            subscriber.take(0)
            metrics.updates_sent.inc(len(told))
            yield b"".join(told)
        is_silent = False
        while not subscriber.closed:
            updates = subscriber.take()
            if updates:
                metrics.updates_sent.inc(len(updates))
                yield b"".join([update.sse for update in updates])
            elif is_silent:
                yield _SIGN_OF_LIFE
            is_silent = await subscriber.wait()
    finally:
        hub.leave(subscriber)
