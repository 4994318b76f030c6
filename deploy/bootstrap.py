"""Makes what the services need to begin, as often as it is run: `python -m deploy.bootstrap`.

COLDOPEN_NATS_URL is the operator's, COLDOPEN_DATABASE_URL the owner's. With COLDOPEN_LIBRARY the library gets its
marker file, but only while nothing has ever been loaded: later its absence means that the disk isn't mounted.
"""

import asyncio
import os
import re
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import asyncpg
import structlog
from msgspec import Meta
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError, ServiceUnavailableError

from contracts.subjects import STREAM
from deploy.local.daemon import StartFailed
from deploy.local.one_off import run_to_end
from services.platform import streams
from services.platform.broker import connect
from services.platform.claims import Claims, rebuild
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.library_paths import MARKER
from services.platform.service import run_service
from services.platform.settings import Settings
from services.platform.streams import LogInfo

log = structlog.get_logger()

_PATIENCE = 60.0  # seconds for a server to answer
_LOADED = "series.*.*.loaded"


class BootstrapSettings(Settings, frozen=True, kw_only=True):
    """What the bootstrap needs: rights that no service has."""

    database_url: Annotated[str, Meta(description="postgresql+asyncpg://… of the role that owns the read model")]
    library: Annotated[str | None, Meta(description="the folder that the media server reads")] = None
    replicas: Annotated[int, Meta(ge=1, le=5, description="servers that hold the log: 1, 3 or 5")] = 1


async def bootstrap_log(nats_url: str, library: Path | None = None, *, replicas: int = 1) -> LogInfo:
    """Declare the log, its buckets and the loaders' consumers, and mark a new library.

    Raises TimeoutError if no server answers in time, ForeignLog if the log there is half restored.
    """
    nc = await connect("bootstrap", nats_url, patience=_PATIENCE)
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                return await _bootstrap(EventStore(nc), library, replicas)
            except (TimeoutError, ServiceUnavailableError, LogUnavailable) as error:
                # A server that has just begun, on a busy machine, answers late. All of it can be done twice.
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the event log was not ready within {_PATIENCE:.0f} s: {error}") from error
                log.warning("log_not_ready", error=str(error) or type(error).__name__)
                await asyncio.sleep(0.2)
    finally:
        await nc.close()


async def _bootstrap(store: EventStore, library: Path | None, replicas: int) -> LogInfo:
    info = await streams.declare(store.js, replicas=replicas)
    await _complete_claims(store, info.log_id)
    if library is not None and not _is_marked(library) and not await _has_loaded(store.js):
        Library(library).make_marker()
    return info


async def _complete_claims(store: EventStore, log_id: str) -> None:
    """Tell a new, lost or half-told bucket its claims: without them two series could get one folder."""
    claims = await Claims.open(store)
    if not await claims.is_complete(log_id):
        await rebuild(store, claims)
        await claims.mark_complete(log_id)


def _is_marked(library: Path) -> bool:
    return (library / MARKER).exists()


async def _has_loaded(js: JetStreamContext) -> bool:
    """Whether anything was ever loaded into the library."""
    try:
        await js.get_msg(STREAM, seq=1, subject=_LOADED, next=True)
    except NotFoundError:
        return False
    return True


async def bootstrap_database(database_url: str) -> None:
    """Bring the database to the newest shape.

    Raises TimeoutError if no server answers in time, StartFailed if the migration fails.
    """
    if await _revision(database_url) != newest_revision():
        told = os.environ | {"COLDOPEN_DATABASE_URL": database_url}
        await run_to_end("the migration of the database", [sys.executable, "-m", "deploy.migrate"], env=told)


async def _revision(database_url: str) -> str | None:
    """The revision that the database is at (None: no tables yet); waits for the server."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection = await _connect(database_url)
            break
        except (OSError, asyncpg.CannotConnectNowError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no PostgreSQL answered within {_PATIENCE:.0f} s: {error}") from error
            await asyncio.sleep(0.1)
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return revision


async def _connect(database_url: str) -> asyncpg.Connection:
    # SQLAlchemy's form, which names a driver; `?host=` names a socket's folder.
    url = database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
    return await asyncpg.connect(url, timeout=5)


def newest_revision() -> str:
    """The revision that no other one follows, read from the migrations' files."""
    spec = find_spec("migrations")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package migrations is missing from this installation")
    text = "\n".join(file.read_text() for file in (Path(spec.origin).parent / "versions").glob("*.py"))
    followed = set(re.findall(r"^down_revision\b.*= ['\"](.+)['\"]", text, re.MULTILINE))
    (newest,) = set(re.findall(r"^revision\b.*= ['\"](.+)['\"]", text, re.MULTILINE)) - followed
    return str(newest)


async def _run(settings: BootstrapSettings) -> None:
    library = Path(settings.library) if settings.library else None
    await asyncio.gather(
        bootstrap_log(settings.nats_url, library, replicas=settings.replicas),
        bootstrap_database(settings.database_url),
    )


def main() -> int:
    """The exit code, as `run_service` gives it; 1 also for a migration that fails."""
    try:
        return run_service("bootstrap", BootstrapSettings, _run)
    except StartFailed as error:
        sys.stderr.write(f"bootstrap: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
