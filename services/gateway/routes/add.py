"""POST /api/anime/add."""

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import RawBody

from contracts.api import AddRequest, AddResponse
from services.gateway.adding import Adding
from services.gateway.metrics import Metrics
from services.gateway.origin import origin_of
from services.gateway.routes.bodies import AddOperation, AnyRequest, BodyReader

_read = BodyReader(AddRequest)


def add_routes(adding: Adding, metrics: Metrics) -> list[HTTPRouteHandler]:
    """The route, bound to its use case."""

    @route(
        "/api/anime/add",
        http_method=[HttpMethod.POST],
        status_code=202,
        operation_class=AddOperation,
        summary="Add a series",
        description="The series is there at once and loads in the background. 200: it was there already.",
        tags=["series"],
    )
    async def add(request: AnyRequest, body: RawBody) -> Response[AddResponse]:
        origin = origin_of(request.headers)
        added = await adding.add(_read(body), origin)
        metrics.adds.labels(added.status).inc()
        headers = {"Location": f"/api/anime/{added.key}", "X-Correlation-Id": origin.correlation_id}
        return Response(added, status_code=202 if added.status == "success" else 200, headers=headers)

    return [add]
