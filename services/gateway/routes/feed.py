"""GET /api/loading-status/stream and WS /ws/loading-status: the routes to the feed."""

from collections.abc import Callable
from typing import Any

from litestar import get, websocket
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery
from litestar.response.base import ASGIResponse
from litestar.types import Scope

from contracts.subjects import is_key
from services.gateway.feed import Hub
from services.gateway.metrics import Metrics
from services.gateway.refusals import Malformed
from services.gateway.routes.bodies import AnyRequest
from services.gateway.sse import open_stream
from services.gateway.websocket import MOST_KEYS, Socket, serve_socket

Abort = Callable[[Scope], None]
_EVENT_STREAM = ResponseSpec(
    str, description="Server-sent events", media_type="text/event-stream", generate_examples=False
)


def feed_routes(hub: Hub, metrics: Metrics, abort: Abort) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """The routes, bound to the hub; `abort` breaks a client's connection off."""

    @get(
        "/api/loading-status/stream",
        summary="Every change, live",
        description="Server-sent events: first the present state of the series (or what changed since Last-Event-ID), "
        "then every change, or the newest of each series while there are too many. key may be given several times, "
        "also for a series that does not exist yet.",
        media_type="text/event-stream",
        responses={200: _EVENT_STREAM},
        tags=["loading"],
    )
    async def stream(
        request: AnyRequest,
        key: FromQuery[list[str] | None] = None,
        snapshot: FromQuery[bool] = True,
    ) -> ASGIResponse:
        scope: Any = request.scope
        return await open_stream(
            hub,
            metrics,
            lambda: abort(scope),
            keys=_keys(key),
            last_event_id=request.headers.get("last-event-id", ""),
            snapshot=snapshot,
        )

    @websocket("/ws/loading-status")
    async def socket(socket: Socket) -> None:
        scope: Any = socket.scope
        await serve_socket(socket, hub, metrics, lambda: abort(scope))

    return [stream, socket]


def _keys(keys: list[str] | None) -> frozenset[str] | None:
    if not keys:
        return None
    if len(keys) > MOST_KEYS:
        raise Malformed("too-many-keys", f"key: more than {MOST_KEYS:,}: leave it out, and pick from what comes.")
    for key in keys:
        if not is_key(key):
            raise Malformed("bad-key", f"key: {key[:100]!a} can't be the key of a series.")
    return frozenset(keys)
