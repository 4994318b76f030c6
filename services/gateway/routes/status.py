"""GET /api/anime/{key}/loading-status: now, or as it was at a position or a time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.api import LoadingStatusBody
from contracts.events import RecordedEvent
from contracts.presentation import status_body
from contracts.state import SeriesState
from contracts.subjects import is_key
from services.gateway.domain import fold_until, last_position_until, outside, parse_time
from services.gateway.present import Present
from services.gateway.refusals import Malformed, unknown_series
from services.platform.event_store import EventStore

# A little more than now is taken: the client's clock and the writers' are not this one.
_CLOCKS_DIFFER = timedelta(minutes=1)


def status_routes(store: EventStore, present: Present) -> list[HTTPRouteHandler]:
    """The route, bound to the log and the present."""

    @get(
        "/api/anime/{key:str}/loading-status",
        summary="How far a series has loaded",
        description="at_position and at_time answer from its recorded events: how far it had loaded then. "
        "They reach from its first event to the log's end, and to now.",
        tags=["loading"],
    )
    async def loading_status(
        key: FromPath[str],
        at_position: Annotated[int | None, QueryParameter(ge=1)] = None,
        at_time: FromQuery[str | None] = None,
    ) -> LoadingStatusBody:
        if at_position is None and at_time is None:
            return status_body(await present.state(key))
        if at_position is not None and at_time is not None:
            raise Malformed("two-moments", "at_position, at_time: give one of them.")
        return status_body(await _past(store, key, at_position, at_time))

    return [loading_status]


async def _past(store: EventStore, key: str, at_position: int | None, at_time: str | None) -> SeriesState:
    time = parse_time(at_time) if at_time is not None else None
    events = [one for one in await store.events_of(key) if isinstance(one, RecordedEvent)] if is_key(key) else []
    if not events:
        raise unknown_series(key)
    end = max((await store.info()).last_position, events[-1].position)
    if time is not None:
        now = datetime.now(UTC)
        until = last_position_until(events, time) if time <= now + _CLOCKS_DIFFER else 0
        refusal = outside(key, "at_time", events[0].time, now)
    else:
        until = at_position if at_position is not None and at_position <= end else 0
        refusal = outside(key, "at_position", events[0].position, end)
    state = fold_until(events, until)
    if state is None:
        raise refusal
    return state
