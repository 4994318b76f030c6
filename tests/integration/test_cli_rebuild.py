"""`coldopen rebuild` as a person runs it, on servers that it is told of, or finds in the data directory."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.platform import migrate
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from tests.support.cli import Running, run
from tests.support.histories import added
from tests.support.projecting import load, project, waits_for_a_lock
from tests.support.waiting import eventually


@pytest.fixture
async def engine(database_url: str, store: EventStore) -> AsyncIterator[AsyncEngine]:
    """Of a database where one loaded series is projected."""
    engine = connect_engine(database_url)
    await load(store, "bleach")
    await project(store, engine)
    yield engine
    await engine.dispose()


@pytest.fixture
def servers(nats_server: NatsServer, database_url: str, engine: AsyncEngine) -> dict[str, Any]:
    """With no more rights than the projector has."""
    return {"COLDOPEN_NATS_URL": nats_server.url("projector"), "COLDOPEN_DATABASE_URL": database_url}


async def rename(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE anime_series SET name = 'Blotch'"))


async def test_what_differs_is_shown_and_mended(servers: dict[str, Any], engine: AsyncEngine, tmp_path: Path) -> None:
    """For people; the exit status says it to scripts."""
    await rename(engine)

    found = run(tmp_path, "rebuild", "--verify", **servers)
    mended = run(tmp_path, "rebuild", **servers)
    again = run(tmp_path, "rebuild", "--verify", **servers)

    assert (found.returncode, mended.returncode, again.returncode) == (1, 0, 0)
    assert found.stdout.splitlines() == [
        "At position 11, 1 row is not what the log says:",
        '  bleach  anime_series name: "Blotch", should be "Bleach"',
        "Mend them with: coldopen rebuild",
    ]
    assert mended.stdout == "Rebuilt up to position 11: 1 row was not what the log says, and now all are.\n"
    assert again.stdout == "Verified at position 11: every row is what the log says.\n"
    assert mended.stderr == ""


async def test_programs_get_json(servers: dict[str, Any], engine: AsyncEngine, tmp_path: Path) -> None:
    await rename(engine)

    verified = run(tmp_path, "rebuild", "--verify", "--json", **servers)
    rebuilt = run(tmp_path, "rebuild", "--json", **servers)

    difference = {"table": "anime_series", "key": "bleach", "row": [], "column": "name"}
    differences = [difference | {"live": "Blotch", "anew": "Bleach"}]
    assert (verified.returncode, verified.stderr) == (1, "")
    assert json.loads(verified.stdout) == {"position": 11, "count": 1, "differences": differences}
    assert json.loads(rebuilt.stdout) == {"position": 11, "generation": 2, "changed": 1}


async def test_a_process_that_is_killed_while_it_writes_leaves_the_rows_alone(
    servers: dict[str, Any], engine: AsyncEngine, tmp_path: Path
) -> None:
    """And no lock: the next one does it all. Meanwhile, a second one is told so."""
    await rename(engine)
    async with engine.connect() as other:
        await other.execute(text("SELECT FROM anime_series FOR UPDATE"))
        with Running(tmp_path, "rebuild", **servers) as first:
            await eventually(lambda: waits_for_a_lock(engine), within=60)
            second = run(tmp_path, "rebuild", **servers)
            family = first.family()
            for one in family:
                one.kill()
            status = first.ended()

    assert (second.returncode, second.stderr) == (
        1,
        "error: the read model is being rebuilt already\nwait until that is done\n",
    )
    assert family
    assert status != 0
    mended = run(tmp_path, "rebuild", "--json", **servers)
    assert json.loads(mended.stdout) == {"position": 11, "generation": 2, "changed": 1}


async def test_it_finds_the_servers_of_the_data_directory(store: EventStore, data_dir: Path, tmp_path: Path) -> None:
    """As `coldopen up` runs them."""
    postgres = Postgres(data_dir, fsync=False)
    await postgres.start()
    try:
        await migrate.upgrade(postgres.url())
        await store.append(added("bleach"))
        mended = run(tmp_path, "rebuild", "--data-dir", str(data_dir))
    finally:
        await postgres.stop()

    assert mended.stdout == "Rebuilt up to position 1: 1 row was not what the log says, and now all are.\n"


def test_without_a_running_coldopen_it_says_how_to_start_one(tmp_path: Path) -> None:
    refused = run(tmp_path, "rebuild")

    assert refused.returncode == 1
    assert "start it with: coldopen up" in refused.stderr


def test_servers_that_do_not_answer_are_said(servers: dict[str, Any], tmp_path: Path) -> None:
    """Without a password."""
    away = "postgresql+asyncpg://coldopen:secret@127.0.0.1:1/coldopen"

    refused = run(tmp_path, "rebuild", "--json", **servers | {"COLDOPEN_DATABASE_URL": away})

    assert refused.returncode == 1
    assert json.loads(refused.stderr)["error"]["hint"] == "nothing has changed: try again"
    assert "secret" not in refused.stderr
