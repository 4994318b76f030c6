"""GET /api/anime/{key}/history: what happened to a series, oldest first."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from contracts.api import History
from contracts.events import RecordedEvent
from contracts.subjects import is_key
from contracts.timeline import timeline
from services.gateway.compression import Gzip
from services.gateway.recorded import Recorded
from services.gateway.refusals import unknown_series


def history_routes(recorded: Recorded) -> list[HTTPRouteHandler]:
    """The route, bound to the log."""

    @get(
        "/api/anime/{key:str}/history",
        summary="What happened to a series",
        description="Its recorded events, each in words too, oldest first, also after its removal. "
        "One that can't be read says so.",
        tags=["events"],
        middleware=[Gzip()],
    )
    async def history(
        key: FromPath[str],
        after_position: Annotated[int, QueryParameter(ge=0)] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> History:
        events = await recorded.of_series(key) if is_key(key) else []
        if not events:
            raise unknown_series(key)
        later = [one for one in events if one.position > after_position]
        shown = later[:limit]
        # Over all: what a page says may rest on what came before it.
        entries = timeline(one for one in events if isinstance(one, RecordedEvent))
        return History(
            items=[await recorded.entry(one, entries) for one in shown],
            next_after=shown[-1].position if len(later) > limit else None,
        )

    return [history]
