"""The bootstrap on real servers: what it makes, once and again."""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest
from nats.js import JetStreamContext

from contracts.events import Canonical, LogoLoaded, Part, SeriesAdded
from contracts.subjects import STREAM
from deploy.bootstrap import bootstrap_database, bootstrap_log, newest_revision
from deploy.local.daemon import StartFailed
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.platform import streams
from services.platform.claims import Claim, Claims, page_token
from services.platform.event_store import EventStore
from services.platform.streams import LogInfo

ADDED = SeriesAdded(
    key="a", name="A", site="tvmaze", link="https://x", canonical=Canonical(site="tvmaze", id="1"), folder="A"
)


async def store_at(url: str) -> EventStore:
    return EventStore(await nats.connect(url))


async def test_it_makes_the_log_and_a_marked_library(nats_url: str, tmp_path: Path) -> None:
    info = await bootstrap_log(nats_url, tmp_path / "library")

    store = await store_at(nats_url)
    consumers = {one.name for one in await store.js.consumers_info(STREAM)}
    await store.nc.close()
    assert info.log_id
    assert consumers == {part.value for part in Part}
    assert (tmp_path / "library" / ".coldopen").exists()


async def test_it_can_be_run_again(nats_url: str) -> None:
    first = await bootstrap_log(nats_url)

    assert await bootstrap_log(nats_url) == first


async def test_a_log_that_answers_late_is_waited_for(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has just begun may take longer than one answer may, on a machine that has much to do."""
    server = psutil.Process(nats_server.pid)
    asked: list[float] = []

    async def declare(js: JetStreamContext, *, replicas: int) -> LogInfo:
        asked.append(replicas)
        if len(asked) == 1:
            server.suspend()
            js._timeout = 0.2
            try:
                return await original(js, replicas=replicas)
            finally:
                server.resume()
        return await original(js, replicas=replicas)

    original = streams.declare
    monkeypatch.setattr(streams, "declare", declare)

    info = await bootstrap_log(nats_server.url())

    assert asked == [1, 1]
    assert info.log_id


async def test_a_library_is_marked_only_while_nothing_was_loaded(nats_url: str, tmp_path: Path) -> None:
    """Later, a missing marker means an unmounted disk: marking that would let files be taken for deleted."""
    await bootstrap_log(nats_url)
    store = await store_at(nats_url)

    position = (await store.append(ADDED)).position
    await bootstrap_log(nats_url, tmp_path / "before")
    await store.append(LogoLoaded(key="a", cause=position, attempt=1))
    await bootstrap_log(nats_url, tmp_path / "after")
    await store.nc.close()

    assert (tmp_path / "before" / ".coldopen").exists()
    assert not (tmp_path / "after").exists()


async def test_lost_claims_are_told_again_from_the_log(nats_url: str) -> None:
    await bootstrap_log(nats_url)
    store = await store_at(nats_url)
    await store.append(ADDED)
    await store.js.delete_stream(f"KV_{streams.CLAIMS_BUCKET}")

    await bootstrap_log(nats_url)

    holder = await (await Claims.open(store)).holder(page_token(ADDED.canonical))
    await store.nc.close()
    assert holder is not None
    assert holder.key == "a"


async def test_a_bucket_that_a_crash_left_half_told_is_told_to_the_end(nats_url: str) -> None:
    """The bucket is made before it is filled: that it is there says nothing."""
    store = await store_at(nats_url)
    await streams.declare(store.js)
    await store.append(ADDED)

    await bootstrap_log(nats_url)

    holder = await (await Claims.open(store)).holder(page_token(ADDED.canonical))
    await store.nc.close()
    assert holder == Claim("a", 1)


async def test_claims_are_told_only_once(nats_url: str) -> None:
    """A new installation's are complete from the beginning: no later start has to read the whole log."""
    await bootstrap_log(nats_url)
    store = await store_at(nats_url)
    await store.append(ADDED)

    await bootstrap_log(nats_url)

    holder = await (await Claims.open(store)).holder(page_token(ADDED.canonical))
    await store.nc.close()
    assert holder is None


async def test_it_migrates_an_empty_database_and_leaves_a_new_one_alone(
    postgres: Postgres, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.url(database=empty_database)

    await bootstrap_database(url)
    monkeypatch.setattr(sys, "executable", "/no/such/python")  # migrating takes longer than the rest of a usual start
    await bootstrap_database(url)

    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    await connection.close()
    assert revision == newest_revision()


async def test_a_migration_that_fails_says_why(postgres: Postgres, empty_database: str, nats_url: str) -> None:
    """Such as one of a database that a later release has used."""
    url = postgres.url(database=empty_database)
    await bootstrap_database(url)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()

    with pytest.raises(StartFailed, match=r"failed \(1\):\nCan't locate revision identified by '9999'\n$"):
        await bootstrap_database(url)
    told = {"COLDOPEN_NATS_URL": nats_url, "COLDOPEN_DATABASE_URL": url, "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.bootstrap"), env=told, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode().endswith("failed (1):\nCan't locate revision identified by '9999'\n")
    assert "Traceback" not in said.decode()
