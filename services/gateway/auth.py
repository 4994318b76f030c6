"""The gate before everything: which Host a request may name, which Origin it may come from, who may ask.

Raw ASGI, because every request passes here. A refused request never reaches a route; no key, cookie or token is logged.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import problems
from services.gateway.metrics import Metrics
from services.gateway.sessions import COOKIE, Sessions

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
OPEN = ("/health/", "/login", "/board/")
_PAGE = "/"  # the board, which asks for a key where one is needed
POLICY_VIOLATION = 1008
_Problem = tuple[int, str, str, str]


class Hosts:
    """The names that this gateway goes by: loopback, the address it listens on, and those that are set.

    A page of another site can make a browser send a request here under its own name (DNS rebinding), but not under an
    address; so a gateway that listens everywhere answers to every address, and to no name that isn't set.
    """

    def __init__(self, bind_host: str, allowed: Iterable[str] = ()) -> None:
        self._configured = frozenset(one.lower() for one in allowed)
        self._names = _LOOPBACK | self._configured | ({bind_host.lower()} - _EVERYWHERE)
        self._any_address = bind_host in _EVERYWHERE

    def knows(self, host: str) -> bool:
        """Whether the `Host` header names this gateway."""
        name = _name_of(host)
        return name in self._names or (self._any_address and _is_address(name))

    def is_own(self, origin: str, host: str) -> bool:
        """Whether the page that sent `Origin` is one of ours: from the host asked, or from a name that is set."""
        netloc = urlsplit(origin).netloc.lower()
        return bool(netloc) and (netloc == host.lower() or _name_of(netloc) in self._configured)


@lru_cache(256)
def _name_of(host: str) -> str:
    """The host without its port and brackets, in lower case; empty if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Gate:
    """Lets through to `app` who may pass; `sessions` None means that nobody needs a key."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, sessions: Sessions | None, metrics: Metrics) -> None:
        self._app = app
        self._hosts = hosts
        self._sessions = sessions
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        counted = self._counting(scope, send)
        problem = self._forged(scope, headers)
        if problem is not None:
            await _refuse(scope, receive, counted, problem, accept=False)
        elif not self._may_enter(scope["path"], headers):
            await _refuse(scope, receive, counted, NO_KEY, accept=True)
        else:
            await self._app(scope, receive, counted)

    def _forged(self, scope: Scope, headers: dict[bytes, str]) -> _Problem | None:
        host = headers.get(b"host", "")
        if not self._hosts.knows(host):
            return (
                421,
                "Unknown host",
                f"Coldopen does not go by the name {host[:100]!a}: add it to COLDOPEN_ALLOWED_HOSTS.",
                "unknown-host",
            )
        origin = headers.get(b"origin")
        safe = scope.get("method", "") in _SAFE  # a WebSocket has no method, and can be forged by any page
        if origin is not None and not safe and not self._hosts.is_own(origin, host):
            return (
                403,
                "Foreign origin",
                f"A page of {origin[:100]!a} may not do this: add its host to COLDOPEN_ALLOWED_HOSTS.",
                "foreign-origin",
            )
        return None

    def _may_enter(self, path: str, headers: dict[bytes, str]) -> bool:
        if self._sessions is None or path == _PAGE or path.startswith(OPEN):
            return True
        given = headers.get(b"x-api-key")
        if given is None:
            scheme, _, token = headers.get(b"authorization", "").partition(" ")
            given = token.strip() if scheme.lower() == "bearer" else None
        if given is not None:
            return self._sessions.is_key(given)
        return self._sessions.is_open(_cookie(headers.get(b"cookie", "")))

    def _counting(self, scope: Scope, send: Send) -> Send:
        method = str(scope.get("method", ""))
        if not method:
            return send
        # Clients may send any word as a method: what isn't known must not become a label of its own.
        method = method if method in _METHODS else "other"
        answered = self._metrics.answered

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered(method, message["status"])
            await send(message)

        return counted


NO_KEY: _Problem = (
    401,
    "No API key",
    (
        "Send the API key as X-Api-Key, or as Authorization: Bearer. `coldopen api-key show` prints it: it is "
        "COLDOPEN_API_KEY, or in the file api-key of the data directory. `coldopen login` prints a link for a browser."
    ),
    "no-api-key",
)


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


async def _refuse(scope: Scope, receive: Receive, send: Send, problem: _Problem, *, accept: bool) -> None:
    status, title, detail, code = problem
    if "method" not in scope:
        await receive()
        if accept:
            # Only an open WebSocket can be told a code; an unopened one just fails.
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": title})
        return
    body = problems.body(status, title, detail, code)
    headers = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="coldopen"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
