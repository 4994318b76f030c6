"""What the gateway says about itself and about what it needs: GET /health/ready, as `doctor` shows it."""

from collections.abc import Iterator

import msgspec

from services.cli import connection
from services.cli.checks import Check
from services.cli.client import Gateway, decode, readable_errors
from services.cli.errors import CliError
from services.cli.options import Target

_TOO_FAR_BEHIND = 1_000  # events; a projector that works is some milliseconds behind
_NAMES = {
    "event_log": "event log",
    "read_model": "database",
    "library": "library (gateway)",
    "upstreams": "catalogues (as asked)",
}
_WHAT_TO_DO = {
    "event_log": "see the log of nats-server; nothing is lost, and adds work again when it answers",
    "read_model": "see the log of PostgreSQL and of the projector; adds work meanwhile",
    "library": "mount its disk, and let the gateway's user read it",
    "upstreams": "wait: what needs them is loaded when they answer again; adds work meanwhile",
}


class One(msgspec.Struct):
    """One thing that the gateway looked at."""

    ok: bool
    detail: str = ""
    degraded: bool = False
    lag: int | None = None


class _Health(msgspec.Struct):
    checks: dict[str, One] = {}


def gateway(target: Target) -> Iterator[Check]:
    """The gateway, and what it sees: the log, the database and how far the rows are behind, the library."""
    try:
        endpoint = connection.find(target)
        with Gateway(endpoint) as gateway, readable_errors(endpoint):
            answer = gateway.http.get("/health/ready")
            key_fits = gateway.http.get("/api/anime", params={"limit": 1}).status_code != 401
        health = decode(answer.content, _Health)
    except CliError as error:
        yield Check(name="gateway", result="failed", detail=str(error), what_to_do=error.hint or "coldopen up")
        return
    yield Check(name="gateway", result="ok", detail=f"{endpoint.url} answers")
    yield _key(key_fits=key_fits)
    for name, one in health.checks.items():
        yield shown(name, one)


def _key(*, key_fits: bool) -> Check:
    return Check(
        name="API key",
        result="ok" if key_fits else "failed",
        detail="fits" if key_fits else "the gateway has another one",
        what_to_do="set COLDOPEN_API_KEY, or give the --data-dir whose api-key is the right one",
    )


def shown(name: str, one: One) -> Check:
    """What the gateway says about it, and what to do."""
    behind = one.lag is not None and one.lag > _TOO_FAR_BEHIND
    return Check(
        name=_NAMES.get(name, name),
        result="failed" if not one.ok else "warning" if behind or one.degraded else "ok",
        detail=one.detail,
        what_to_do="wait, and see the projector's log if it does not catch up"
        if behind and one.ok
        else _WHAT_TO_DO.get(name, "see the gateway's log"),
    )
