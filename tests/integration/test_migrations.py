"""The way to the newest tables, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import READER
from services.platform import migrate
from services.platform.database import connect_engine
from services.platform.tables import metadata


@pytest.fixture
def url(postgres: Postgres, empty_database: str) -> str:
    """The owner's URL of a database without tables."""
    return postgres.url(database=empty_database)


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """The owner's engine on that database."""
    engine = connect_engine(url)
    yield engine
    await engine.dispose()


async def rows(engine: AsyncEngine, query: str) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(text(query))).mappings()]


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names())) - {"alembic_version"}


async def populate(engine: AsyncEngine) -> None:
    """Two series and an episode, in the shape that predates the event log."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO anime_series (key, name, year, has_nfo) "
                "VALUES ('a', 'A', 1999, true), ('b', 'B', null, false)"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO episodes (series_id, season, number, title) "
                "SELECT id, 1, 1, 'Pilot' FROM anime_series WHERE key = 'a'"
            )
        )


async def test_rows_that_exist_become_completed(url: str, engine: AsyncEngine) -> None:
    """An old library is as loaded as it will be, and predates the log."""
    await migrate.upgrade(url, "0001")
    await populate(engine)

    await migrate.upgrade(url)

    series = await rows(engine, "SELECT * FROM anime_series ORDER BY key")
    assert [one["loading_status"] for one in series] == ["completed", "completed"]
    assert {(one["episodes_loaded"], one["position"], one["removed"]) for one in series} == {(True, 0, False)}
    assert [(one["key"], one["year"], one["has_nfo"]) for one in series] == [("a", 1999, True), ("b", None, False)]
    assert await rows(engine, "SELECT title, on_disk FROM episodes") == [{"title": "Pilot", "on_disk": False}]
    (checkpoint,) = await rows(engine, "SELECT id, log_id, generation, position FROM checkpoint")
    assert checkpoint == {"id": 1, "log_id": None, "generation": 1, "position": 0}


async def test_there_and_back_and_there_again(url: str, engine: AsyncEngine) -> None:
    """A downgrade keeps the library's rows, and the next upgrade works."""
    await migrate.upgrade(url, "0001")
    await populate(engine)
    before = await rows(engine, "SELECT * FROM anime_series ORDER BY key")
    await migrate.upgrade(url)

    await migrate.downgrade(url, "0001")

    assert await rows(engine, "SELECT * FROM anime_series ORDER BY key") == before
    assert await tables(engine) == {"anime_series", "episodes"}
    await migrate.upgrade(url)
    assert {one["loading_status"] for one in await rows(engine, "SELECT * FROM anime_series")} == {"completed"}


async def test_a_full_downgrade_leaves_nothing(url: str, engine: AsyncEngine) -> None:
    """Base is an empty database."""
    await migrate.upgrade(url)

    await migrate.downgrade(url, "base")

    assert await tables(engine) == set()


async def test_the_tables_in_code_are_the_migrated_ones(url: str, engine: AsyncEngine) -> None:
    """Neither tables.py nor a revision can change alone."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))

    await migrate.upgrade(url)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_two_at_once_are_one(url: str, engine: AsyncEngine) -> None:
    """Services that start together may all migrate."""
    await asyncio.gather(*(migrate.upgrade(url) for _ in range(4)))

    assert await rows(engine, "SELECT version_num FROM alembic_version") == [{"version_num": "0002"}]


async def test_a_failing_revision_changes_nothing(url: str, engine: AsyncEngine) -> None:
    """Half a migration would fit no code."""
    await migrate.upgrade(url, "0001")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE legacy_series (id int)"))

    with pytest.raises(ProgrammingError, match="legacy_series"):
        await migrate.upgrade(url)

    assert await tables(engine) == {"anime_series", "episodes", "legacy_series"}
    assert await rows(engine, "SELECT 1 FROM information_schema.columns WHERE column_name = 'loading_status'") == []


async def test_the_checkpoint_is_one_row(database_url: str) -> None:
    """A second checkpoint would be a second truth."""
    engine = connect_engine(database_url)
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="checkpoint_one_row"):
            await connection.execute(text("INSERT INTO checkpoint (id) VALUES (2)"))
    await engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO anime_series (key, name) VALUES ('a', 'A')",
        "UPDATE checkpoint SET position = 5",
        "DELETE FROM anime_series",
        "TRUNCATE episodes",
        "DROP TABLE seasons",
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
    ],
)
async def test_the_reader_only_reads(reader_url: str, statement: str) -> None:
    """The gateway's role can't change the read model."""
    engine = connect_engine(reader_url)
    async with engine.connect() as connection:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await connection.execute(text(statement))
    await engine.dispose()


async def test_the_reader_reads_every_table_now_and_later(
    postgres: Postgres, database: str, database_url: str, reader_url: str
) -> None:
    """Tables of later migrations and the schema of a rebuild need no further grant."""
    owner = connect_engine(database_url)
    async with owner.begin() as connection:
        await connection.execute(text("CREATE SCHEMA rebuilt"))
        await connection.execute(text("CREATE TABLE rebuilt.anime_series (LIKE anime_series INCLUDING ALL)"))
    await owner.dispose()

    reader = connect_engine(reader_url)
    for table in (*metadata.tables, "rebuilt.anime_series"):
        assert await rows(reader, f"SELECT * FROM {table} WHERE false") == []
    await reader.dispose()
    assert postgres.url(READER, database=database) == reader_url
