"""The ASGI application: every route, the errors they end in, and the gate before them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.plugins.base import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp, ControllerRouterHandler, Scope

from services.gateway import problems
from services.gateway.adding import Adding
from services.gateway.auth import Gate, Hosts
from services.gateway.changing import Changing
from services.gateway.describe import Describe
from services.gateway.feed import Hub
from services.gateway.looking_up import LookingUp
from services.gateway.metrics import Metrics
from services.gateway.present import Present
from services.gateway.quarantined import Quarantined
from services.gateway.read_model import ReadModel
from services.gateway.recorded import Recorded
from services.gateway.refusals import Malformed
from services.gateway.routes.add import add_routes
from services.gateway.routes.artwork import artwork_routes
from services.gateway.routes.board import ANY_QUERY, board_routes
from services.gateway.routes.changes import change_routes
from services.gateway.routes.docs import add_bodies, asyncapi_routes, docs_assets, openapi_config
from services.gateway.routes.events import event_routes
from services.gateway.routes.feed import feed_routes
from services.gateway.routes.health import HealthChecks, health_routes
from services.gateway.routes.history import history_routes
from services.gateway.routes.lookup import lookup_routes
from services.gateway.routes.quarantine import quarantine_routes
from services.gateway.routes.series import series_routes
from services.gateway.routes.session import session_routes
from services.gateway.routes.status import status_routes
from services.gateway.sessions import Sessions
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claims
from services.platform.event_store import EventStore
from services.platform.library import Library


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the application is made of."""

    store: EventStore
    claims: Claims
    read_model: ReadModel
    hub: Hub
    library: Library
    catalogues: Catalogues
    describe: Describe
    metrics: Metrics
    hosts: Hosts
    sessions: Sessions | None  # None: nobody needs a key
    picture_hosts: frozenset[str] = frozenset()  # where the catalogues' posters come from


class _App(Litestar):
    """Without the plugins for Pydantic and attrs, whose types no route has: they would take 0.15 s and 7 MB."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def make_app(parts: Parts, abort: Callable[[Scope], None], more: Sequence[ControllerRouterHandler] = ()) -> ASGIApp:
    """The application; `abort` breaks a client's connection off, `more` are routes that are made elsewhere."""
    present = Present(parts.store, parts.read_model)
    recorded = Recorded(parts.store)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with parts.hub.running():
            yield

    routes: list[ControllerRouterHandler] = [
        *add_routes(Adding(parts.store, parts.claims, parts.describe), parts.metrics),
        *lookup_routes(LookingUp(parts.catalogues, parts.store, parts.claims)),
        *series_routes(parts.read_model),
        *status_routes(parts.store, present),
        *history_routes(recorded),
        *event_routes(recorded, parts.hub.closing, abort),
        *quarantine_routes(Quarantined(parts.store, recorded)),
        *change_routes(Changing(parts.store)),
        *artwork_routes(present, parts.library),
        *feed_routes(parts.hub, parts.metrics, abort),
        *health_routes(HealthChecks(parts.store, parts.read_model, parts.library), parts.metrics),
        *session_routes(parts.sessions),
        *board_routes(parts.picture_hosts),
        docs_assets(),
        *asyncapi_routes(),
        *more,
    ]
    litestar = _App(
        routes,
        before_request=_check_query,
        exception_handlers=problems.HANDLERS,
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=openapi_config(),
        request_max_body_size=problems.MAX_BODY,
    )
    add_bodies(litestar)
    return Gate(litestar, hosts=parts.hosts, sessions=parts.sessions, metrics=parts.metrics)


async def _check_query(request: Request[Any, Any, Any]) -> None:
    """A misspelt name must not be taken for none at all: it would answer another question than was asked."""
    if not request.scope["query_string"] or request.route_handler.opt.get(ANY_QUERY):
        return
    known = _query_names(request.route_handler)
    for name in request.query_params:
        if name not in known:
            what = f"the known are {', '.join(sorted(known))}" if known else "there are none here"
            raise Malformed(
                "unknown-query", f"There is no query parameter {name[:100]!a}: {what}.", known=sorted(known)
            )


@cache
def _query_names(handler: BaseRouteHandler) -> frozenset[str]:
    """The query parameters that a handler takes."""
    return frozenset(
        field.kwarg_definition.name or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    )
