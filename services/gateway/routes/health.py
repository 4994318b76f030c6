"""GET /health/live, /health/ready and /metrics."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from nats.errors import Error as NatsError

from services.gateway.metrics import Metrics
from services.gateway.read_model import ReadModel
from services.gateway.refusals import Unavailable
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.library import Library
from services.platform.library_paths import MARKER
from services.platform.upstream_shared import UpstreamStates
from services.platform.upstream_state import in_words, is_well

_PATIENCE = 3.0
# For the log, by a check that can do without it: whose fault it is must not be hidden by the check's own end.
_LESS_PATIENCE = 2.0


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was looked at. What is `degraded` is worth a look, but the gateway does its work without it."""

    ok: bool
    detail: str
    degraded: bool = False
    lag: int | None = None  # events that the rows are behind the log


class Health(msgspec.Struct, frozen=True):
    """`ready` if every check is ok."""

    status: str
    checks: dict[str, Check] = {}


class Alive(msgspec.Struct, frozen=True):
    """The process `pid` answers: whoever started it can tell it from a stranger on its port."""

    status: str
    pid: int


class HealthChecks:
    """What the gateway needs, looked at now."""

    def __init__(self, store: EventStore, read_model: ReadModel, library: Library) -> None:
        self._store = store
        self._read_model = read_model
        self._library = library
        self._upstreams = UpstreamStates(store.js)

    async def all(self) -> dict[str, Check]:
        """Every check by its name, none of them slower than a few seconds."""
        checks: dict[str, Callable[[], Awaitable[Check]]] = {
            "event_log": self._log,
            "read_model": self._rows,
            "library": self._files,
            "upstreams": self._catalogues,
        }
        found = await asyncio.gather(*(_in_time(check) for check in checks.values()))
        return dict(zip(checks, found, strict=True))

    async def _log(self) -> Check:
        info = await self._store.info()
        if (why := self._store.refusal) is not None:
            return Check(ok=False, detail=why)
        return Check(ok=True, detail=f"log {info.log_id}, {info.last_position} events")

    async def _rows(self) -> Check:
        stand = await self._read_model.checkpoint()
        try:
            async with asyncio.timeout(_LESS_PATIENCE):
                info = await self._store.info()
        except (LogUnavailable, TimeoutError):
            return Check(ok=True, detail=f"PostgreSQL answers; rows up to {stand.position}")
        if stand.log_id is not None and stand.log_id != info.log_id:
            return Check(ok=False, detail=f"the rows are of log {stand.log_id}: rebuild the read model from this one")
        lag = info.last_position - stand.position
        return Check(ok=True, detail=f"PostgreSQL answers; rows {lag} events behind the log", lag=lag)

    async def _files(self) -> Check:
        # An unmounted disk leaves an empty folder behind: the marker tells it from the library.
        if not await asyncio.to_thread(lambda: self._library.path_of(MARKER).exists()):
            return Check(ok=False, detail=f"the library is not there (no {MARKER} file): mount its disk")
        free = await self._library.free_bytes()
        return Check(ok=True, detail=f"the library is there, {free / 1e9:.1f} GB are free")

    async def _catalogues(self) -> Check:
        """What the processes that ask them know. The gateway takes adds without any: it never fails for them."""
        try:
            async with asyncio.timeout(_LESS_PATIENCE):
                states = await self._upstreams.all()
        except (NatsError, TimeoutError) as error:
            return Check(ok=True, degraded=True, detail=f"unknown: {str(error) or type(error).__name__}")
        now = time.time()
        detail = "; ".join(in_words(one, now) for one in states) or "none was asked yet"
        return Check(ok=True, degraded=not all(is_well(one, now) for one in states), detail=detail)


async def _in_time(check: Callable[[], Awaitable[Check]]) -> Check:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await check()
    except (LogUnavailable, Unavailable, LoadFailure, TimeoutError) as error:
        return Check(ok=False, detail=str(error) or f"no answer within {_PATIENCE:.0f} s")


def health_routes(checks: HealthChecks, metrics: Metrics) -> list[HTTPRouteHandler]:
    """The routes, bound to what they look at."""

    @get("/health/live", summary="Whether the process answers", tags=["health"])
    async def live() -> Alive:
        return Alive("live", os.getpid())

    @get("/health/ready", summary="Whether everything that the gateway needs is there", tags=["health"])
    async def ready() -> Response[Health]:
        found = await checks.all()
        good = all(check.ok for check in found.values())
        body = Health("ready" if good else "not ready", found)
        return Response(body, status_code=200 if good else 503, headers={} if good else {"Retry-After": "5"})

    @get("/metrics", media_type="text/plain; version=0.0.4; charset=utf-8", tags=["health"])
    async def scrape() -> bytes:
        return metrics.exposition()

    return [live, ready, scrape]
