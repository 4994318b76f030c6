"""One long-running child process: locked, logged, awaited, stopped, and cleaned up after a crash of its starter.

The folder of a daemon holds `lock` (held by the process that started it) and `process.json` (which process it is).
"""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec
import psutil

from deploy.local.private_files import write_private

_LOG_LIMIT = 4 * 1024 * 1024  # bytes; a longer log of earlier runs is put aside at start
_TAIL = 2_000  # characters of the log that an error shows
_POLL = 0.005


class StartFailed(Exception):
    """The program did not start; the text says why, with the end of its log."""


class AlreadyRunning(StartFailed):
    """Another process runs on the same data directory."""


class User(msgspec.Struct, frozen=True):
    """Which user and group a child runs as; -1 is our own."""

    uid: int = -1
    gid: int = -1


class ProcessIdentity(msgspec.Struct, frozen=True):
    """A process that is not confused with a later one of the same number; `created` in seconds since 1970."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """The process `pid` as it is now; raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The process, if this very one still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def end_leftover(identity: ProcessIdentity, stop_signal: int, grace: float) -> None:
    """Stop a process that an earlier starter left behind: `stop_signal`, then after `grace` seconds SIGKILL."""
    process = identity.process()
    if process is None:
        return
    with suppress(psutil.NoSuchProcess):
        process.send_signal(stop_signal)
        try:
            process.wait(grace)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)


def child_command(argv: Sequence[str], death_signal: int, user: User | None = None) -> list[str]:
    """`argv`, wrapped so that it ends by `death_signal` when we are gone. Start it from a thread that lives on."""
    user = user or User()
    wrapper = str(Path(__file__).with_name("child.py"))
    numbers = map(str, (os.getpid(), int(death_signal), user.uid, user.gid))
    return [sys.executable, "-I", "-S", wrapper, *numbers, *argv]


class Daemon:
    """A program that runs until it is stopped, in a session of its own so that Ctrl-C does not reach it."""

    def __init__(self, name: str, folder: Path, log: Path, *, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self.name = name
        self._folder = folder
        self._log = log
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def lock(self) -> None:
        """Claim the folder, and end what a killed starter left running there. Raises AlreadyRunning."""
        if self._lock is not None:
            return
        file = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise AlreadyRunning(f"{self.name} is already running on {self._folder}") from None
        self._lock = file
        with suppress(FileNotFoundError, msgspec.DecodeError):
            left = msgspec.json.decode((self._folder / "process.json").read_bytes(), type=ProcessIdentity)
            end_leftover(left, self._stop_signal, grace=30)

    def unlock(self) -> None:
        """Give the folder free."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def spawn(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], user: User | None = None) -> None:
        """Start the program; the folder must be locked."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".old.log"))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                child_command(argv, self._stop_signal, user),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        with suppress(psutil.NoSuchProcess):  # gone already: `ready` will tell
            identity = ProcessIdentity.of(self._process.pid)
            write_private(self._folder / "process.json", msgspec.json.encode(identity))

    async def ready(self, is_ready: Callable[[], bool], deadline: float) -> None:
        """Wait until `is_ready`; raises StartFailed if the program ends or `deadline` seconds pass before."""
        end = time.monotonic() + deadline
        while not is_ready():
            if self._process is None or self._process.poll() is not None:
                code = self._process.returncode if self._process else None
                raise StartFailed(f"{self.name} did not start (exit code {code}):\n{self.tail()}")
            if time.monotonic() > end:
                raise StartFailed(f"{self.name} was not ready after {deadline:.0f} s:\n{self.tail()}")
            await asyncio.sleep(_POLL)

    def tail(self) -> str:
        """The end of the log."""
        text = self._log.read_bytes()[-4 * _TAIL :].decode(errors="replace") if self._log.exists() else ""
        return text[-_TAIL:]

    async def end(self, grace: float) -> None:
        """Stop the program and wait: its stop signal, then after `grace` seconds SIGKILL. The lock stays."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self._stop_signal)
            end = time.monotonic() + grace
            while process.poll() is None and time.monotonic() < end:  # noqa: ASYNC110 - it belongs to no event loop
                await asyncio.sleep(_POLL)
        if process.poll() is None:
            process.kill()
            process.wait()
        self._process = None
        (self._folder / "process.json").unlink(missing_ok=True)
