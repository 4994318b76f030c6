"""POST /api/anime/{key}/retry and …/refresh, DELETE /api/anime/{key}."""

from litestar import delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, RawBody

from contracts.api import AcceptedResponse, PartsRequest, RefreshRequest
from contracts.events import CatalogueIds, Part
from services.gateway.changing import Changing
from services.gateway.origin import origin_of
from services.gateway.refusals import Unusable
from services.gateway.routes.bodies import AnyRequest, BodyReader, RefreshOperation, RetryOperation
from services.gateway.wish import given_ids

_read_retry = BodyReader(PartsRequest, optional=True)
_read_refresh = BodyReader(RefreshRequest, optional=True)


def change_routes(changing: Changing) -> list[HTTPRouteHandler]:
    """The routes, bound to their use cases."""

    @post(
        "/api/anime/{key:str}/retry",
        status_code=202,
        operation_class=RetryOperation,
        summary="Load again what failed",
        tags=["loading"],
    )
    async def retry(key: FromPath[str], request: AnyRequest, body: RawBody) -> AcceptedResponse:
        asked = _read_retry(body)
        return await changing.retry(key, _some(asked.parts), origin_of(request.headers))

    @post(
        "/api/anime/{key:str}/refresh",
        status_code=202,
        operation_class=RefreshOperation,
        summary="Load again what is there",
        description="With an id (which means the part identity): the series is that entry of the catalogue. If it was "
        "taken for another one, everything is loaded anew, and what Coldopen wrote is replaced.",
        tags=["loading"],
    )
    async def refresh(key: FromPath[str], request: AnyRequest, body: RawBody) -> AcceptedResponse:
        asked = _read_refresh(body)
        parts, ids = _some(asked.parts), _ids(asked)
        if ids is not None:
            parts = parts or (Part.IDENTITY,)
        return await changing.refresh(key, parts, origin_of(request.headers), overwrite=asked.overwrite, ids=ids)

    @delete("/api/anime/{key:str}", status_code=202, summary="Remove a series", tags=["series"])
    async def remove(
        key: FromPath[str], request: AnyRequest, delete_files: FromQuery[bool] = False
    ) -> AcceptedResponse:
        return await changing.remove(key, origin_of(request.headers), delete_files=delete_files)

    return [retry, refresh, remove]


def _some(parts: tuple[Part, ...] | None) -> tuple[Part, ...] | None:
    """The parts, each once; raises Unusable if none is named."""
    if parts is None:
        return None
    if not parts:
        raise Unusable("bad-parts", f"parts: none is named: name some of {', '.join(Part)}, or leave it out for all.")
    return tuple(dict.fromkeys(parts))


def _ids(asked: RefreshRequest) -> CatalogueIds | None:
    """Which entry the series is, if that is said; raises Unusable where it can't be meant."""
    ids = given_ids(tmdb_id=asked.tmdb_id, tvmaze_id=asked.tvmaze_id, tvdb_id=asked.tvdb_id, imdb_id=asked.imdb_id)
    if ids == CatalogueIds():
        return None
    if asked.parts is not None and Part.IDENTITY not in asked.parts:
        raise Unusable("ids-without-identity", "parts: an id is for the part identity: name it, or no part.")
    if asked.overwrite:
        raise Unusable(
            "ids-with-overwrite",
            "overwrite: what Coldopen wrote for another entry is replaced in any case. To replace your own files too, "
            "refresh with overwrite once the series is identified.",
        )
    return ids
