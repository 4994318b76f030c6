"""Databases for tests: one PostgreSQL a session, a fresh database a test."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import create_database, grant_reading

EMPTY = "empty_template"
MIGRATED = "migrated_template"

_numbers = itertools.count(1)


async def make_templates(postgres: Postgres) -> None:
    """Make the databases that tests' databases are copied from: with the roles' rights only, and migrated."""
    from services.platform import migrate

    async with _administration(postgres) as connection:
        for name in (EMPTY, MIGRATED):
            await create_database(connection, name)
            inside = await postgres.connect(database=name)
            await grant_reading(inside)
            await inside.close()
    await migrate.upgrade(postgres.url(database=MIGRATED))


@asynccontextmanager
async def fresh_database(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """The name of a new copy of `template`, dropped at the end whoever is still connected."""
    name = f"test_{next(_numbers)}"
    async with _administration(postgres) as connection:
        await create_database(connection, name, template=template)
    try:
        yield name
    finally:
        async with _administration(postgres) as connection:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def _administration(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await postgres.connect()
    try:
        yield connection
    finally:
        await connection.close()
