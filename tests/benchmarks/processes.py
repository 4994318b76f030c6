"""Python processes beside a benchmark, started as modules and ended with it; and what any process uses."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from tests.support.waiting import eventually


@asynccontextmanager
async def running_module(module: str, *arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module …` with these settings of Coldopen's and no others; terminated at the end of the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COLDOPEN_")}
    told = {f"COLDOPEN_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env=environment | told, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def answering(port: int) -> None:
    """Return when whoever is meant to listen on `port` does."""

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(answers, within=60, every=0.05)


def processor_seconds(pid: int) -> float:
    """What a process and its children have used of the processors; those that have ended count too."""
    one = psutil.Process(pid)
    ended = one.cpu_times()
    alive = sum(_of_threads(each.pid) for each in [one, *one.children(recursive=True)])
    return alive + float(ended.children_user + ended.children_system)


def _of_threads(pid: int) -> float:
    """In nanoseconds' steps: what psutil tells is in hundredths of a second."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # it has ended meanwhile
            total += int(thread.read_text().split()[0])
    return total / 1e9


def memory_mib(pid: int, what: str = "VmRSS") -> float:
    """What a process holds of the machine's memory; with `VmHWM` the most that it ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))
