"""The connection to PostgreSQL, and what an error of it means."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

# SQLSTATE classes: data exception, integrity constraint violation.
_REFUSED_CLASSES = ("22", "23")
# Connection, insufficient resources, operator intervention (shutdown, still starting), system error.
_OUTAGE_CLASSES = ("08", "40", "53", "57", "58")  # 40: it gave way to another transaction, as in a deadlock
_QUERY_CANCELED = "57014"
_READ_ONLY = "25006"  # a stand-by: the primary is elsewhere or not yet promoted


def connect_engine(
    url: str,
    *,
    pool_size: int = 5,
    connect_timeout: float = 5.0,
    command_timeout: float = 10.0,
    name: str = "coldopen",
    tested: bool = True,
    settings: Mapping[str, str] | None = None,
) -> AsyncEngine:
    """An engine for `postgresql+asyncpg://…`; nothing is connected yet. Times in seconds.

    Connections are tested when they are taken from the pool, so that a restart of the server costs no error. A test
    is three turns to the server: `tested=False` is for who takes one for each small thing, and tries again anyway.
    `settings` are PostgreSQL's, for all sessions of the engine.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=connect_timeout,
        pool_pre_ping=tested,
        connect_args={
            "timeout": connect_timeout,
            "command_timeout": command_timeout,
            "server_settings": {"application_name": name, "timezone": "UTC", **(settings or {})},
        },
    )


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE that PostgreSQL gave, also when SQLAlchemy wrapped it; None if it did not come from there."""
    for one in _chain(error):
        code = getattr(one, "sqlstate", None)
        if isinstance(code, str):
            return code
    return None


def is_refusal(error: BaseException) -> bool:
    """Whether the database refuses these very data (SQLSTATE class 22 or 23): trying again changes nothing."""
    code = sqlstate(error)  # the driver gives one too, for what it refuses before sending
    return code is not None and code[:2] in _REFUSED_CLASSES


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, overloaded or busy with another, whatever was asked: wait and ask again."""
    code = sqlstate(error)
    if code is not None:
        return (code[:2] in _OUTAGE_CLASSES and code != _QUERY_CANCELED) or code == _READ_ONLY
    return any(isinstance(one, _OUTAGES) or _lost(one) for one in _chain(error))


_OUTAGES: tuple[type[BaseException], ...] = (
    OSError,  # a missing socket, a refused connection, TimeoutError
    PoolTimeoutError,
)


def _lost(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _chain(error: BaseException) -> list[Any]:
    """The error, what it wraps, and what caused it."""
    found: list[Any] = []
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or one in found:
            continue
        found.append(one)
        pending += [one.__cause__, getattr(one, "orig", None)]
    return found
