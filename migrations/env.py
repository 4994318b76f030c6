"""Alembic's entry: migrates over the connection it is given, or over one to COLDOPEN_DATABASE_URL.

`services.platform.migrate` gives the connection; alembic's own command line (`alembic -c migrations/alembic.ini`)
is for people who write a new revision.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.platform.tables import metadata


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_migrate() -> None:
    url = os.environ.get("COLDOPEN_DATABASE_URL")
    if not url:
        raise SystemExit("COLDOPEN_DATABASE_URL is not set: postgresql+asyncpg://user:password@host/database")
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    asyncio.run(_connect_and_migrate())
