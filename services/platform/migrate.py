"""Brings a database to the newest shape. Two at once are safe: the second waits and then finds nothing to do."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from services.platform.database import connect_engine

_LOCK = 0x636F6C646F70656E  # "coldopen": the advisory lock of whoever migrates
_PATIENCE = "120s"  # for the other one that migrates


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` up to `revision`, whole or not at all."""
    await _run(url, command.upgrade, revision)


async def downgrade(url: str, revision: str) -> None:
    """Migrate back to `revision` (`base`: no tables); what the older shape has no place for is lost."""
    await _run(url, command.downgrade, revision)


def _config() -> Config:
    spec = find_spec("migrations")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package migrations is missing from this installation")
    config = Config()
    config.set_main_option("script_location", str(Path(spec.origin).parent).replace("%", "%%"))
    return config


async def _run(url: str, change: Callable[[Config, str], None], revision: str) -> None:
    def migrate(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        change(config, revision)

    engine = connect_engine(url, pool_size=1, command_timeout=600)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
            # For the transaction: it is given back by the commit, and by whatever else ends the connection.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()
