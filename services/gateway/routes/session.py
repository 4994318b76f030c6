"""/api/session and GET /login: a browser trades the API key, or a one-time link, for a cookie."""

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from contracts.api import SessionView
from services.gateway.refusals import Malformed
from services.gateway.routes.bodies import AnyRequest
from services.gateway.sessions import Sessions, cookie_header, end_header

FIRST_PAGE = "/"  # what a browser that was let in sees: the board


def session_routes(sessions: Sessions | None) -> list[HTTPRouteHandler]:
    """The routes, bound to the sessions of the API key; without any, nobody needs one."""

    @get(
        "/api/session",
        summary="Whether a key is needed",
        description="401 to whoever needs one and has none: a page asks this first.",
        tags=["session"],
    )
    async def session() -> SessionView:
        return SessionView(key_needed=sessions is not None)

    return [session, *(_entrances(sessions) if sessions is not None else [])]


def _entrances(sessions: Sessions) -> list[HTTPRouteHandler]:
    @post("/api/session", status_code=204, summary="Open a session: answers with a cookie", tags=["session"])
    async def open_session(request: AnyRequest) -> Response[None]:
        return Response(None, status_code=204, headers={"Set-Cookie": _cookie(request)})

    @delete("/api/session", status_code=204, summary="Forget the session of this browser", tags=["session"])
    async def close_session() -> Response[None]:
        return Response(None, status_code=204, headers={"Set-Cookie": end_header()})

    @get("/login", summary="Open a session by a one-time link", tags=["session"])
    async def login(request: AnyRequest, token: FromQuery[str]) -> Redirect:
        if not sessions.redeem(token):
            raise Malformed(
                "login-link-used",
                "This login link was used already, or is older than 10 minutes. `coldopen login` prints a new one.",
            )
        headers = {"Set-Cookie": _cookie(request), "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return Redirect(FIRST_PAGE, status_code=303, headers=headers)

    def _cookie(request: AnyRequest) -> str:
        # Whoever makes this up harms their own cookie only.
        secure = request.headers.get("x-forwarded-proto", "").startswith("https")
        return cookie_header(sessions.open(), secure=secure)

    return [open_session, close_session, login]
