"""GET /api/anime and /api/anime/{key}."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.api import SeriesDetail, SeriesList
from contracts.subjects import is_key
from services.gateway import views
from services.gateway.compression import Gzip
from services.gateway.domain import ORDERS, Order, decode_cursor, encode_cursor, living
from services.gateway.read_model import ReadModel
from services.gateway.refusals import Malformed, unknown_series

STATUSES = (
    "pending",
    "loading_episodes",
    "loading_nfo",
    "loading_logo",
    "loading_images",
    "completed",
    "failed",
)
MOST_WORDS = 200


def series_routes(read_model: ReadModel) -> list[HTTPRouteHandler]:
    """The routes, bound to the rows."""

    @get(
        "/api/anime",
        summary="List the series",
        description="A page at a time, by name, or with order=newest the latest added first. cursor is the "
        "next_cursor of the page before, in the same order; total is as it was at the first page. "
        f"loading_status is one of {', '.join(STATUSES)}.",
        tags=["series"],
        middleware=[Gzip()],
    )
    async def list_series(
        loading_status: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
        order: FromQuery[str] = "name",
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> SeriesList:
        if loading_status is not None and loading_status not in STATUSES:
            raise Malformed(
                "unknown-status", f"loading_status: it is one of {', '.join(STATUSES)}.", known=list(STATUSES)
            )
        ordered = _order(order)
        page = await read_model.page(
            status=loading_status,
            words=_words(q),
            order=ordered,
            limit=limit,
            after=decode_cursor(cursor, ordered) if cursor is not None else None,
        )
        return SeriesList(
            items=[views.summary(state) for state in page.states],
            total=page.total,
            next_cursor=encode_cursor(page.next) if page.next else None,
        )

    @get(
        "/api/anime/{key:str}",
        summary="One series with its seasons, episodes, files and ids",
        tags=["series"],
        middleware=[Gzip()],
    )
    async def one_series(key: FromPath[str]) -> SeriesDetail:
        if not is_key(key):
            raise unknown_series(key)
        state = living(await read_model.state(key), key)
        return views.detail(state, await read_model.seasons(state.added), datetime.now(UTC).date())

    return [list_series, one_series]


def _order(name: str) -> Order:
    for order in ORDERS:
        if order == name:
            return order
    raise Malformed("unknown-order", f"order: it is one of {', '.join(ORDERS)}.", known=list(ORDERS))


def _words(q: str | None) -> str | None:
    if q is None:
        return None
    if len(q) > MOST_WORDS:
        raise Malformed("bad-q", f"q: more than {MOST_WORDS} characters: search for fewer words.")
    if "\0" in q:
        raise Malformed("bad-q", "q: it holds a NUL character: leave it out.")
    return q.strip()
