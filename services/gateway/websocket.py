"""WS /ws/loading-status: the same feed, for clients that say by message which series they want.

One loop sends everything, so that a snapshot and what follows it can't overtake each other; a second task only reads.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from contracts.api import FeedError, Subscribe, Subscribed
from contracts.subjects import is_key
from services.gateway.feed import Hub
from services.gateway.metrics import Metrics
from services.gateway.refusals import Unavailable
from services.gateway.subscriber import Subscriber
from services.gateway.updates import in_turns

GOING_AWAY = 1001
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
MOST_KEYS = 1000
_HOW = 'send {"action": "subscribe", "keys": ["one-piece"]} (no keys: all), or "unsubscribe"'
_SUBSCRIBE = msgspec.json.Decoder(Subscribe)
_NOTHING: frozenset[str] = frozenset()

Socket = WebSocket[Any, Any, Any]


class Nonsense(ValueError):
    """What the client sent means nothing; the text tells it what would."""


async def serve_socket(socket: Socket, hub: Hub, metrics: Metrics, drop: Callable[[], None]) -> None:
    """Serve one client until it goes, or the gateway stops."""
    await socket.accept()
    try:
        subscriber = await hub.join(_NOTHING, drop)
    except Unavailable as refusal:
        await socket.close(TRY_AGAIN_LATER, reason=refusal.detail)
        return
    inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue(16)
    reader = asyncio.ensure_future(_read(socket, inbox, subscriber))
    try:
        await _talk(socket, inbox, subscriber, hub, metrics)
    except WebSocketDisconnect:
        return
    finally:
        hub.leave(subscriber)
        reader.cancel()


async def _read(socket: Socket, inbox: asyncio.Queue[str | bytes | None], subscriber: Subscriber) -> None:
    """Pass on what the client says; None is its end."""
    while True:
        message = await socket.receive()
        received: Mapping[str, Any] = message
        is_over = received["type"] == "websocket.disconnect"
        said = None if is_over else received.get("text") or received.get("bytes") or b""
        await inbox.put(said)
        subscriber.rouse()
        if said is None:
            return


async def _talk(
    socket: Socket, inbox: asyncio.Queue[str | bytes | None], subscriber: Subscriber, hub: Hub, metrics: Metrics
) -> None:
    while not subscriber.closed:
        while not inbox.empty():
            said = inbox.get_nowait()
            if said is None:
                return
            await _answer(socket, said, subscriber, hub, metrics)
        updates = subscriber.take()
        metrics.updates_sent.inc(len(updates))
        for update in updates:
            await _send(socket, update.json)
        if inbox.empty():
            await subscriber.wait()
    await socket.close(GOING_AWAY if hub.closing.is_set() else SERVICE_RESTART, reason="connect again")


async def _answer(socket: Socket, said: str | bytes, subscriber: Subscriber, hub: Hub, metrics: Metrics) -> None:
    before = subscriber.keys
    try:
        wish = _understand(said)
        subscriber.want(_wanted(before, wish))
        # Queued from here on; the snapshot then reads the rows, and forgets what is queued that they tell already.
        changes = await hub.snapshot(subscriber) if wish.action == "subscribe" else []
    except (Nonsense, Unavailable) as error:
        subscriber.want(before)  # without a snapshot there is no subscription
        await _send(socket, msgspec.json.encode(FeedError(detail=str(error))))
        return
    keys = sorted(subscriber.keys) if subscriber.keys is not None else None
    await _send(socket, msgspec.json.encode(Subscribed(keys=keys)))
    async for told in in_turns(changes, hub.log_id):
        metrics.updates_sent.inc(len(told))
        for update in told:
            subscriber.take(0)
            await _send(socket, update.json)


def _understand(said: str | bytes) -> Subscribe:
    try:
        wish = _SUBSCRIBE.decode(said)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Nonsense(f"not understood ({error}): {_HOW}") from None
    for key in wish.keys or ():
        if not is_key(key):
            raise Nonsense(f"{key[:100]!a} can't be the key of a series: {_HOW}")
    return wish


def _wanted(now: frozenset[str] | None, wish: Subscribe) -> frozenset[str] | None:
    """The keys subscribed to after `wish`; None means all."""
    if not wish.keys:
        return None if wish.action == "subscribe" else _NOTHING
    if wish.action == "subscribe":
        wanted = None if now is None else now | set(wish.keys)
        if wanted is not None and len(wanted) > MOST_KEYS:
            raise Nonsense(f"more than {MOST_KEYS:,} keys: subscribe to all with no keys, and pick from what comes")
        return wanted
    if now is None:
        raise Nonsense("you are subscribed to all: unsubscribe with no keys, then subscribe to those that you want")
    return now - set(wish.keys)


async def _send(socket: Socket, body: bytes) -> None:
    await socket.send_data(body.decode(), mode="text")
