"""RFC 9457: every error leaves as `application/problem+json` that says what to do, whoever raised it."""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import ExceptionHandlersMap

from services.gateway.refusals import Refusal, log_unavailable
from services.platform.event_reader import LogUnavailable

MEDIA_TYPE = "application/problem+json"
MAX_BODY = 64_000

log = structlog.get_logger()


def body(status: int, title: str, detail: str, code: str, **more: Any) -> bytes:
    """A problem's JSON."""
    problem = {"type": f"urn:coldopen:{code}", "title": title, "status": status, "detail": detail, **more}
    return msgspec.json.encode(problem)


def _answer(
    status: int, title: str, detail: str, code: str, headers: dict[str, str] | None = None, **more: Any
) -> Response[bytes]:
    return Response(
        body(status, title, detail, code, **more), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def _refused(_: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    return _answer(refusal.status, refusal.title, refusal.detail, refusal.code, refusal.headers, **refusal.more)


def _log_unavailable(request: Request[Any, Any, Any], error: LogUnavailable) -> Response[bytes]:
    return _refused(request, log_unavailable(error))


def _litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What Litestar itself finds wrong: routing, methods, query values, sizes."""
    status = error.status_code
    title = _phrase(status)
    return _answer(status, title, _explain(request, error), _code(title), dict(error.headers or {}))


def _explain(request: Request[Any, Any, Any], error: HTTPException) -> str:
    match error:
        case NotFoundException():
            return f"There is nothing at {request.url.path[:200]!a}. /schema describes every route."
        case MethodNotAllowedException():
            return f"{request.method} is not possible here: the Allow header says what is. /schema describes the route."
        case ValidationException():
            return f"{_wrong_values(error)}. /schema describes what the route takes."
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"The body is larger than {MAX_BODY:,} bytes: no request needs that much."
    return error.detail or "The request can't be carried out."


def _wrong_values(error: ValidationException) -> str:
    """`limit: Expected `int`, got `str``, for each value that is wrong."""
    found = [one for one in error.extra or [] if isinstance(one, dict)] if isinstance(error.extra, list) else []
    return "; ".join(f"{one.get('key', 'value')}: {one.get('message', 'is wrong')}" for one in found) or error.detail


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("request_failed", path=request.url.path, method=request.method, exc_info=error)
    return _answer(
        500,
        "A mistake of Coldopen's own",
        "This should not have happened; the gateway's log has the details. Please report it.",
        "internal-error",
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _code(title: str) -> str:
    return title.lower().replace(" ", "-")


HANDLERS: ExceptionHandlersMap = {
    Refusal: _refused,
    LogUnavailable: _log_unavailable,
    HTTPException: _litestar,
    Exception: _unexpected,
}
