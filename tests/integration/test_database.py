"""What an error of the database means: the projector parks refused data and waits out everything else."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Postgres
from services.platform.database import connect_engine, is_outage, is_refusal, sqlstate


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The owner's engine on a fresh database."""
    engine = connect_engine(database_url, command_timeout=1)
    yield engine
    await engine.dispose()


async def failure(engine: AsyncEngine, statement: str, **parameters: object) -> BaseException:
    """What executing `statement` raises."""
    with pytest.raises(Exception) as caught:
        async with engine.begin() as connection:
            await connection.execute(text(statement), parameters)
    return caught.value


@pytest.mark.parametrize(
    ("statement", "parameters", "state"),
    [
        ("INSERT INTO anime_series (key, name) VALUES (:key, 'A')", {"key": "k" * 101}, "22001"),
        ("INSERT INTO anime_series (key, name) VALUES ('a', :name)", {"name": "nul \0"}, "22021"),
        ("INSERT INTO anime_series (key) VALUES ('a')", {}, "23502"),
        ("INSERT INTO checkpoint (id) VALUES (2)", {}, "23514"),
        ("INSERT INTO anime_series (key, name, year) VALUES ('a', 'A', CAST(:year AS int))", {"year": 2**40}, None),
        ("INSERT INTO anime_series (key, name, year) VALUES ('a', 'A', CAST(:year AS int))", {"year": "x"}, None),
    ],
)
async def test_refused_data(
    engine: AsyncEngine, statement: str, parameters: dict[str, object], state: str | None
) -> None:
    """What does not fit is a refusal, whether the server or the driver says so."""
    error = await failure(engine, statement, **parameters)

    assert is_refusal(error)
    assert not is_outage(error)
    assert state is None or sqlstate(error) == state


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELEC 1"])
async def test_a_fault_of_ours_is_neither(engine: AsyncEngine, statement: str) -> None:
    """A wrong statement says nothing about the data, and waiting does not mend it."""
    error = await failure(engine, statement)

    assert not is_refusal(error)
    assert not is_outage(error)


async def test_a_statement_that_takes_too_long_is_an_outage(engine: AsyncEngine) -> None:
    """A database that does not answer is as good as away."""
    error = await failure(engine, "SELECT pg_sleep(30)")

    assert is_outage(error)
    assert not is_refusal(error)


async def test_a_deadlock_is_waited_out(engine: AsyncEngine) -> None:
    """Whoever has to give way asks again: nothing is wrong with what was asked."""
    error = await failure(engine, "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")

    assert is_outage(error)
    assert not is_refusal(error)


async def test_a_lost_connection_is_an_outage(postgres: Postgres, engine: AsyncEngine) -> None:
    """The server ended the session in the middle of a transaction."""
    connection = await engine.connect()
    pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    admin = await postgres.connect()
    await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await admin.close()

    with pytest.raises(Exception) as caught:
        await connection.execute(text("SELECT 1"))
    await connection.invalidate()
    await connection.close()

    assert is_outage(caught.value)
    async with engine.connect() as again:
        assert (await again.execute(text("SELECT 1"))).scalar_one() == 1


async def test_no_server_is_an_outage(tmp_path: object) -> None:
    """Nothing listens where the database should be."""
    engine = connect_engine(f"postgresql+asyncpg://coldopen:x@/coldopen?host={tmp_path}&port=5432")

    error = await failure(engine, "SELECT 1")
    await engine.dispose()

    assert is_outage(error)


async def test_a_wrong_password_is_no_outage(database_url: str) -> None:
    """Waiting would not help: it must be said."""
    engine = connect_engine(database_url.replace("coldopen:", "coldopen:x"))

    error = await failure(engine, "SELECT 1")
    await engine.dispose()

    assert not is_outage(error)
    assert isinstance(error, asyncpg.InvalidPasswordError) or sqlstate(error) == "28P01"


async def test_an_exhausted_pool_is_an_outage(database_url: str) -> None:
    """All connections are taken for longer than a caller waits."""
    engine = connect_engine(database_url, pool_size=1, connect_timeout=0.2)
    async with engine.connect():
        error = await failure(engine, "SELECT 1")
    await engine.dispose()

    assert is_outage(error)
