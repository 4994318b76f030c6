"""The whole of Coldopen on one machine: two servers, the bootstrap, and every service as a child process.

Each step begins as soon as what it needs is there; everything stops in the opposite order: the services together,
then NATS and PostgreSQL.
"""

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from deploy.bootstrap import bootstrap_database, bootstrap_log
from deploy.local.daemon import StartFailed
from deploy.local.keeper import keep_running
from deploy.local.logs import Forward
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import OWNER, READER
from deploy.local.probe import answers
from deploy.local.services import check_settings, spec_of
from deploy.local.supervised import ChildSpec, describe
from deploy.local.supervisor import GRACE, Supervisor
from services.platform.streams import ForeignLog
from services.platform.tasks import end

_BEHIND = ("nfo", "episodes", "images", "caretaker")
_KEEPS_FAILING = 4  # times
_WRONGLY_TOLD = 2  # exit code of a service whose settings are wrong: trying again changes nothing
_READY_WITHIN = 60.0  # seconds that a start may take
_WORDS = 500  # characters of a service's last line that an error shows


class StackOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to run where. `told` are settings by field, for every service that has them; `extra` are further children,
    started first; the rest comes from `environ`.
    """

    data_dir: Path
    library: Path
    host: str
    port: int
    api_key: str
    told: dict[str, str] = {}
    extra: tuple[ChildSpec, ...] = ()
    environ: Mapping[str, str] = os.environ

    @property
    def url(self) -> str:
        """Where the gateway is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def settings(self) -> dict[str, str]:
        """All settings that are known before anything runs."""
        return self.told | {
            "library": str(self.library.absolute()),
            "host": self.host,
            "port": str(self.port),
            "api_key": self.api_key,
        }


class Stack:
    """One run of everything; `forward` gets every line that a service prints, with the service's name."""

    def __init__(self, options: StackOptions, *, forward: Forward) -> None:
        self.options = options
        self._forward = forward
        self._last_words: dict[str, str] = {}
        self._specs: dict[str, ChildSpec] = {}
        self._all_is_there = asyncio.Event()
        self._supervisor = Supervisor(options.data_dir, forward=self._hear)
        self._nats = None if options.environ.get("COLDOPEN_NATS_URL") else NatsServer(options.data_dir)
        self._postgres = None if options.environ.get("COLDOPEN_DATABASE_URL") else Postgres(options.data_dir)
        self._keepers: list[asyncio.Task[None]] = []

    def claim(self) -> None:
        """Take the data directory. Raises SettingsError or AlreadyRunning; afterwards `stop` is wanted in any case."""
        check_settings(self.options.settings(), self.options.environ)
        self._supervisor.lock()

    async def start(self) -> None:
        """Start everything; returns when the gateway takes requests. Raises StartFailed or TimeoutError."""
        self._supervisor.start(self.options.extra)
        if self._postgres is not None:
            self._postgres.claim()
        await _side_by_side(self._start_log(), self._start_database())
        self._all_is_there.set()
        self._start_services("projector")
        if self._nats is not None:
            kept = keep_running("nats", self._nats, self._forward, is_stuck=self._nats.wants_restart)
            self._keepers.append(asyncio.create_task(kept))
        if self._postgres is not None:
            self._keepers.append(asyncio.create_task(keep_running("postgres", self._postgres, self._forward)))
        await self._until_live()
        self._start_services(*_BEHIND)  # six Pythons that begin at once would make a person wait for the gateway

    async def _start_log(self) -> None:
        if self._nats is not None:
            await self._nats.start()
        # It is what a person waits for: it prepares itself meanwhile.
        self._start_services("gateway", gate=self._all_is_there)
        try:
            await bootstrap_log(self._nats_url("operator"), self.options.library)
        except ForeignLog as error:
            raise StartFailed(str(error)) from error

    async def _start_database(self) -> None:
        if self._postgres is not None:
            await self._postgres.start()
        await bootstrap_database(self._database_url(OWNER))

    def _start_services(self, *names: str, gate: asyncio.Event | None = None) -> None:
        for name in names:
            told = self.options.settings() | {
                "nats_url": self._nats_url(name),
                "database_url": self._database_url(READER if name == "gateway" else OWNER),
            }
            self._specs[name] = spec_of(name, told, self.options.environ, gate=gate)
        self._supervisor.start([self._specs[name] for name in names], gateway=self.options.url)

    def _nats_url(self, role: str) -> str:
        return self._nats.url(role) if self._nats else self.options.environ["COLDOPEN_NATS_URL"]

    def _database_url(self, role: str) -> str:
        return self._postgres.url(role) if self._postgres else self.options.environ["COLDOPEN_DATABASE_URL"]

    async def _until_live(self) -> None:
        """Wait until the gateway answers; raises StartFailed if it doesn't, or a service keeps dying meanwhile."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while not await self._gateway_answers():
                    self._check_children()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StartFailed(f"the gateway was not ready after {_READY_WITHIN:.0f} s") from None

    async def watch_start(self) -> None:
        """Watch over the services' first minute, and then wait for ever; raises StartFailed if one keeps dying."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_READY_WITHIN):
                while True:
                    self._check_children()
                    await asyncio.sleep(0.5)
        await asyncio.Event().wait()

    async def _gateway_answers(self) -> bool:
        """Whether our own gateway does: a stranger on its port must not be taken for it, and be sent the key."""
        pid = next((one.pid for one in self._supervisor.statuses() if one.name == "gateway"), None)
        return pid is not None and await answers(f"{self.options.url}/health/live", f'"pid":{pid}}}'.encode())

    def _check_children(self) -> None:
        for one in self._supervisor.statuses():
            code = one.last_exit
            if code is None:
                continue
            if code == _WRONGLY_TOLD or one.failures >= _KEEPS_FAILING:
                words = self._last_words.get(one.name, "it said nothing")
                raise StartFailed(f"{one.name} can't start ({describe(code)}): {words}")

    def _hear(self, name: str, line: str) -> None:
        if line and not line.startswith("ended ("):
            self._last_words[name] = line[:_WORDS]
        self._forward(name, line)

    def use_api_key(self, key: str) -> None:
        """Start the gateway anew with another key: all sessions of the old one end."""
        if "gateway" in self._specs:
            self._specs["gateway"].env["COLDOPEN_API_KEY"] = key  # read whenever the child is started
            self._signal(signal.SIGTERM, "gateway")

    def _signal(self, number: signal.Signals, *names: str) -> None:
        for one in self._supervisor.statuses():
            if one.pid is not None and (not names or one.name in names):
                with suppress(ProcessLookupError):
                    os.kill(one.pid, number)

    async def stop(self, grace: float = GRACE) -> None:
        """Stop everything: the services at once and together, the servers when they are gone."""
        await self._supervisor.stop(grace)
        await end(*self._keepers)
        await asyncio.gather(*(server.stop() for server in (self._nats, self._postgres) if server is not None))
        self._supervisor.unlock()

    def kill(self) -> None:
        """Cut a running `stop` short: no service gets any more time."""
        self._signal(signal.SIGKILL)


async def _side_by_side(*steps: Coroutine[Any, Any, None]) -> None:
    """Run the steps together; the first failure is raised when the others have been cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
