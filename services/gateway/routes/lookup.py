"""GET /api/lookup: what could be added."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from contracts.api import LookupResult
from services.gateway.looking_up import MOST_ITEMS, LookingUp
from services.gateway.wish import FIRST_YEAR, LAST_YEAR


def lookup_routes(looking_up: LookingUp) -> list[HTTPRouteHandler]:
    """The route, bound to its use case."""

    @get(
        "/api/lookup",
        summary="Find a series in the catalogues",
        description="q is a title, an id (tvmaze:919, tmdb:1429, tvdb:267440, tt2560140) or a link of a known site; "
        f"year puts those of another year behind. At most {MOST_ITEMS} candidates, the likeliest first. "
        "The url of each is a link for POST /api/anime/add; in_library is the key under which it is there already. "
        "failures are catalogues that could not be asked; 503: nothing was found, and not all could be asked.",
        tags=["series"],
    )
    async def lookup(
        q: FromQuery[str], year: Annotated[int | None, QueryParameter(ge=FIRST_YEAR, le=LAST_YEAR)] = None
    ) -> LookupResult:
        return await looking_up.look_up(q, year)

    return [lookup]
