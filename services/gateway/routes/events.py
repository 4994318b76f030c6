"""GET /api/events: the log itself as NDJSON, for whoever folds it themselves."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream
from litestar.types import Scope

from contracts.subjects import is_key
from services.gateway.log_stream import MEDIA_TYPE, Asked, open_log
from services.gateway.recorded import TAGS, Recorded
from services.gateway.refusals import Malformed, unknown_series
from services.gateway.routes.bodies import AnyRequest

_DESCRIPTION = (
    "One JSON object a line, oldest first: every event behind after_position, which is how a client goes on from what "
    "it has seen. An answer that ends in good order holds everything up to the log's end; one that breaks off does "
    "not. follow=true goes on with what is recorded from then on; it ends when the log or the gateway goes: come back "
    "with the last position. An empty line is a sign of life. The header Coldopen-Log says which log it is (positions "
    "of another one mean nothing here), Coldopen-Log-End where it ended when the answer began."
)


def event_routes(recorded: Recorded, closing: asyncio.Event, abort: Callable[[Scope], None]) -> list[HTTPRouteHandler]:
    """The route, bound to the log; `closing` ends those who follow, `abort` breaks a client's connection off."""

    @get("/api/events", summary="The event log", description=_DESCRIPTION, media_type=MEDIA_TYPE, tags=["events"])
    async def events(
        request: AnyRequest,
        after_position: Annotated[int, QueryParameter(ge=0)] = 0,
        limit: Annotated[int | None, QueryParameter(ge=1)] = None,
        key: FromQuery[str | None] = None,
        kind: Annotated[str | None, QueryParameter(name="type")] = None,
        follow: FromQuery[bool] = False,
    ) -> Stream:
        if kind is not None and kind not in TAGS:
            raise Malformed("unknown-type", f"type: it is one of {', '.join(TAGS)}.", known=list(TAGS))
        if key is not None and not is_key(key):
            raise unknown_series(key)
        scope: Any = request.scope
        asked = Asked(after=after_position, limit=limit, key=key, tag=kind, follow=follow)
        return await open_log(recorded, asked, closing, lambda: abort(scope))

    return [events]
