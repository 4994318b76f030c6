"""GET /api/anime/{key}/loading-status: now, or as it was at a position or a time."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.api import LoadingStatusBody
from contracts.events import RecordedEvent
from contracts.presentation import status_body
from contracts.state import SeriesState
from contracts.subjects import is_key
from services.gateway.domain import fold_until, last_position_until, parse_time
from services.gateway.present import Present
from services.gateway.refusals import Malformed, NotThere, unknown_series
from services.platform.event_store import EventStore


def status_routes(store: EventStore, present: Present) -> list[HTTPRouteHandler]:
    """The route, bound to the log and the present."""

    @get(
        "/api/anime/{key:str}/loading-status",
        summary="How far a series has loaded",
        description="at_position and at_time answer from its recorded events: how far it had loaded then.",
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
    until = last_position_until(events, time) if time is not None else at_position or 0
    state = fold_until(events, until)
    if state is None:
        raise NotThere("not-added-yet", f"{key} had not been added then: its first event is at {events[0].position}.")
    return state
