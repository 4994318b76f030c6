"""GET /api/quarantine: the events that could not be taken, and are skipped."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from contracts.api import Quarantine
from services.gateway.quarantined import Quarantined


def quarantine_routes(quarantined: Quarantined) -> list[HTTPRouteHandler]:
    """The route, bound to the log."""

    @get(
        "/api/quarantine",
        summary="The events that are set aside",
        description="What could not be read, or was refused by the database: it is skipped, its series shows it, and "
        "everything else goes on. The oldest come first; total counts all. What a series was before it was added anew "
        "is over, and not listed.",
        tags=["events"],
    )
    async def quarantine(limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100) -> Quarantine:
        return await quarantined.now(limit)

    return [quarantine]
