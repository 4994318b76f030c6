"""Python processes beside a benchmark: started as modules, ended with it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
