"""Carries a scenario's strikes out on the processes of an installation, and undoes what can be undone at the end."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

import psutil

from tests.chaos.scenario import TARGETS, Strike, double_of
from tests.support.stack import Stack
from tests.support.waiting import eventually

_SLOW_MACHINE = 60.0


class Striker:
    """The strikes on one installation; `end` must be called, whatever happened."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._doubles: dict[str, asyncio.subprocess.Process] = {}
        self._frozen: set[int] = set()

    async def strike(self, strike: Strike) -> None:
        """Wait for its time, and do it; returns when it is over: what was killed or stopped has been started anew."""
        await asyncio.sleep(strike.at)
        match strike.how:
            case "kill":
                await self._signal(strike.target, signal.SIGKILL)
            case "stop":
                await self._signal(strike.target, signal.SIGTERM)
            case "freeze":
                await self._freeze(strike.target, strike.seconds)
            case "double":
                await self._double(strike.target)

    async def all_run(self) -> None:
        """Until every process is there, and the gateway is ready."""
        await eventually(lambda: all(map(self._running, TARGETS)), within=_SLOW_MACHINE)
        await eventually(self._stack.is_ready, within=_SLOW_MACHINE, every=0.1)

    async def end(self) -> None:
        """Wake what is frozen and stop the second processes. Raises AssertionError if one had to be killed."""
        for pid in self._frozen:
            _send(pid, signal.SIGCONT)
        assert await stop_all(self._doubles.values(), _SLOW_MACHINE) == [], "a second process did not stop when told to"

    async def _signal(self, target: str, number: signal.Signals) -> None:
        """To a process that was killed a moment ago it comes as soon as that is there again."""
        pid = await self._pid(target)
        _send(pid, number)
        await eventually(lambda: self._running(target) not in {0, pid}, within=_SLOW_MACHINE)

    async def _freeze(self, target: str, seconds: float) -> None:
        pid = await self._pid(target)
        self._frozen.add(pid)
        _send(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        _send(pid, signal.SIGCONT)
        self._frozen.discard(pid)

    async def _double(self, target: str) -> None:
        """The same command in the same environment, which no supervisor looks after."""
        environment = psutil.Process(await self._pid(target)).environ()
        with (self._stack.data_dir / "logs" / f"{double_of(target)}.log").open("ab") as log:
            self._doubles[double_of(target)] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"services.{target}"),
                env=environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )

    async def _pid(self, target: str) -> int:
        return int(await eventually(lambda: self._running(target), within=_SLOW_MACHINE))

    def _running(self, target: str) -> int:
        """Its process, or 0: what a server wrote of itself outlives it."""
        pid = self._doubles[target].pid if target in self._doubles else self._stack.pid_of(target)
        with suppress(psutil.NoSuchProcess):
            if pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return pid
        return 0


async def stop_all(processes: Iterable[asyncio.subprocess.Process], within: float) -> list[int]:
    """Tell all to stop, and kill those that are still there after `within` seconds; which those were."""
    running = [process for process in processes if process.returncode is None]
    ends = [asyncio.ensure_future(process.wait()) for process in running]
    try:
        for process in running:
            process.terminate()
        if ends:
            await asyncio.wait(ends, timeout=within)
    finally:
        stubborn = [process for process in running if process.returncode is None]
        for process in stubborn:
            process.kill()
    await asyncio.gather(*ends)
    return [process.pid for process in stubborn]


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # another strike was quicker
        os.kill(pid, number)
