"""One service under supervision: started, read, started again when it dies."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum

import msgspec
import psutil

from deploy.local.daemon import child_command
from deploy.local.logs import LINE_LIMIT, Forward, LogFile
from services.platform.tasks import end

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
_LAST_WORDS = 1.0  # seconds for output that comes after the end
JUST_BEGUN = 2.0  # seconds of life in which no load has come yet
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT})
HEALTHY_AFTER = 30.0  # seconds of life after which the next death is a first one again


class State(StrEnum):
    """What a service does just now."""

    RUNNING = "running"
    WAITING = "waiting"  # died; starts again after a pause
    STOPPED = "stopped"


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A service: its name (also the prefix of its lines), its command, and its whole environment.

    With a `gate` its command waits for a word on its standard input, which comes when that is set (see `early`).
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    gate: asyncio.Event | None = None


class ChildStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `doctor` shows of a service; `pid` and `created` are of the running process.

    `failures` counts the ends for which the service itself is to blame, since it last ran for long.
    """

    name: str
    state: State
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    failures: int = 0
    last_exit: int | None = None  # negative: the signal


def next_pause(pause: float, lived: float) -> float:
    """Seconds to wait after a death: `pause` is what was waited before, `lived` how long it then ran."""
    return FIRST_PAUSE if pause == 0 or lived >= HEALTHY_AFTER else min(2 * pause, LONGEST_PAUSE)


def is_own_fault(code: int, lived: float) -> bool:
    """Whether a service is to blame for its end with `code` after `lived` seconds.

    A signal ends what is up for a poisonous load as well, which is survived; but what crashes when it has just begun
    can't start. Some signals are somebody else's doing at any time: the kernel's for want of memory, or a person's,
    whom it may obey and end well.
    """
    return code > 0 or (code < 0 and -code not in _FROM_OUTSIDE and lived < JUST_BEGUN)


class Supervised:
    """Keeps one service running until `stop`. `changed` is called after each change of its status.

    A disk that takes neither a line nor the status, and a terminal that is gone, change nothing about that.
    """

    def __init__(self, spec: ChildSpec, log: LogFile, forward: Forward, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.status = ChildStatus(name=spec.name, state=State.STOPPED)
        self._log = log
        self._forward = forward
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._keep_running())
        self._task.add_done_callback(self._say_why)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the service and whatever it started; a no-op if nothing of it runs."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def stop(self, grace: float) -> None:
        """SIGTERM, then after `grace` seconds SIGKILL; it is not started again."""
        self._stopping.set()
        self._ask_to_stop()
        if self._task is None:
            return
        _, late = await asyncio.wait([self._task], timeout=grace)
        if late:
            self._say(f"still running after {grace:.0f} s: killed")
            self.signal(signal.SIGKILL)
            await self._task
        self._log.close()

    def _ask_to_stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def _say_why(self, task: asyncio.Task[None]) -> None:
        """Nobody waits for the task before `stop`: an end that nobody asked for must not go unnoticed."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say(f"is no longer supervised: {error!r}")

    async def _keep_running(self) -> None:
        pause, restarts, failures = 0.0, 0, 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once(restarts)
            if self._stopping.is_set():
                break
            lived = time.monotonic() - began
            pause = next_pause(pause, lived)
            restarts += 1
            failures = (0 if lived >= HEALTHY_AFTER else failures) + is_own_fault(code, lived)
            self._set(state=State.WAITING, pid=None, created=None, restarts=restarts, failures=failures, last_exit=code)
            self._say(f"ended ({describe(code)}): starts again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
        self._set(state=State.STOPPED, pid=None, created=None)

    async def _run_once(self, restarts: int) -> int:
        """Start the process and read its output until it ends; its exit code."""
        # A pipe of our own: asyncio's would let `wait` end only when every holder of the output is gone.
        output, its_output = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *child_command(self.spec.argv, signal.SIGTERM),
                env=self.spec.env,
                stdin=asyncio.subprocess.PIPE if self.spec.gate else asyncio.subprocess.DEVNULL,
                stdout=its_output,
                stderr=its_output,
                start_new_session=True,
            )
        except OSError as error:
            os.close(output)
            self._say(f"can't be started: {error}")
            return -1
        finally:
            os.close(its_output)
        self._process = process
        self._set(state=State.RUNNING, pid=process.pid, created=_created(process.pid), restarts=restarts)
        if self._stopping.is_set():  # asked to stop while it was being started
            self._ask_to_stop()
        reading = asyncio.create_task(self._read(output))
        opening = asyncio.create_task(self._open_gate(process.stdin))
        code = await process.wait()
        await end(opening)
        # What it started goes with it, and then the output ends, unless somebody took it to another session.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(reading, _LAST_WORDS)
        return code

    async def _open_gate(self, gate: asyncio.StreamWriter | None) -> None:
        """Give a service that waits for it the word to go on, at its time."""
        if self.spec.gate is not None and gate is not None:
            await self.spec.gate.wait()
            gate.write(b"\n")
            gate.close()

    async def _read(self, descriptor: int) -> None:
        """Take line after line until the output ends."""
        output = asyncio.StreamReader(limit=LINE_LIMIT)
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(descriptor, "rb")
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), pipe)
        try:
            await self._read_lines(output)
        finally:
            transport.close()

    async def _read_lines(self, output: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await output.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                line = error.partial
            except asyncio.LimitOverrunError as error:
                line = await output.read(error.consumed)
            if not line:
                return
            self._tell(line, line.decode(errors="replace").rstrip("\r\n"))

    def _say(self, text: str) -> None:
        self._tell(f"supervisor: {self.spec.name} {text}\n".encode(), text)

    def _tell(self, line: bytes, text: str) -> None:
        self._log.write(line)
        with suppress(OSError):
            self._forward(self.spec.name, text)

    def _set(self, **changes: object) -> None:
        self.status = msgspec.structs.replace(self.status, **changes)
        with suppress(OSError):
            self._changed()


def _created(pid: int) -> float | None:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).create_time()
    return None


def describe(code: int) -> str:
    """An exit code in words; a negative one is a signal."""
    if code >= 0:
        return f"exit code {code}"
    names: Mapping[int, str] = {number.value: number.name for number in signal.Signals}
    return names.get(-code, f"signal {-code}")
