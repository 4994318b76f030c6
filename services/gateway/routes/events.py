"""GET /api/events: the log itself as NDJSON, for whoever folds it themselves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from contracts.subjects import is_key
from services.gateway.recorded import TAGS, Recorded, tag_of
from services.gateway.refusals import Malformed, unknown_series

_POLL = 0.25
_SIGN_OF_LIFE = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_routes(recorded: Recorded, closing: asyncio.Event) -> list[HTTPRouteHandler]:
    """The route, bound to the log; `closing` ends those who follow."""

    @get(
        "/api/events",
        summary="The event log",
        description="One JSON object a line, oldest first. follow=true goes on with what is recorded from then on; "
        "an empty line is a sign of life.",
        media_type="application/x-ndjson",
        tags=["events"],
    )
    async def events(
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
        await recorded.end()  # while an error can still be told
        lines = _lines(recorded, closing, after_position, limit, key, kind, follow=follow)
        return Stream(lines, media_type="application/x-ndjson", headers=_HEADERS)

    return [events]


async def _lines(
    recorded: Recorded,
    closing: asyncio.Event,
    after: int,
    limit: int | None,
    key: str | None,
    kind: str | None,
    *,
    follow: bool,
) -> AsyncIterator[bytes]:
    told = 0
    silent = 0.0
    while True:
        end = await recorded.end()
        if after < end:
            async for one in recorded.of_log(after=after, key=key):
                after = one.position
                if kind is not None and tag_of(one) != kind:
                    continue
                yield msgspec.json.encode(await recorded.item(one)) + b"\n"
                told, silent = told + 1, 0.0
                if told == limit or closing.is_set():
                    return
            after = max(after, end)
        if not follow or closing.is_set():
            return
        await asyncio.sleep(_POLL)
        silent += _POLL
        if silent >= _SIGN_OF_LIFE:
            silent = 0.0
            yield b"\n"
