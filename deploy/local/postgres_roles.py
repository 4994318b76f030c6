"""The roles of the embedded database and what they may do, made through the superuser's connection."""

import asyncpg

OWNER = "coldopen"
READER = "coldopen_reader"
SUPERUSER = "postgres"
DATABASE = "coldopen"


async def create_roles(connection: asyncpg.Connection, passwords: dict[str, str]) -> None:
    """Make the roles that are missing; all have the password that `passwords` says."""
    for role in (OWNER, READER):
        known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        verb = "ALTER" if known else "CREATE"
        await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{passwords[role]}'")  # both are our own


async def create_database(connection: asyncpg.Connection, name: str, *, template: str = "template0") -> None:
    """Make the database `name`, owned by the owner and open to the reader; a no-op if it is there already."""
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE "{template}"')
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {READER}')


async def grant_reading(connection: asyncpg.Connection) -> None:
    """In the connected database, let the reader read what the owner makes, now and later, also in new schemas."""
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {READER}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SCHEMAS TO {READER}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO {READER}",
    ):
        await connection.execute(statement)
