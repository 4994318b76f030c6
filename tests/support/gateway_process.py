"""`python -m services.gateway` as a process on a port of its own, which is killed, stopped and started again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import psutil

from tests.support.gateway import API_KEY
from tests.support.waiting import eventually


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class GatewayProcess:
    """The process; `url` stays the same over its restarts."""

    def __init__(self, *, nats_url: str, database_url: str, library: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COLDOPEN_")},
            "COLDOPEN_NATS_URL": nats_url,
            "COLDOPEN_DATABASE_URL": database_url,
            "COLDOPEN_LIBRARY": str(library),
            "COLDOPEN_PORT": str(self.port),
            "COLDOPEN_API_KEY": API_KEY,
            "COLDOPEN_TVMAZE_URL": "http://127.0.0.1:9",
        }
        self._process: asyncio.subprocess.Process | None = None

    def client(self, timeout: float = 20.0) -> httpx2.AsyncClient:
        """A client that holds the key."""
        return httpx2.AsyncClient(
            base_url=self.url, headers={"x-api-key": API_KEY}, timeout=timeout, trust_env=False, verify=False
        )

    async def start(self) -> None:
        """Returns when it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.gateway", env=self._environment, stdout=asyncio.subprocess.DEVNULL
        )
        await eventually(self._is_up, within=60, every=0.05)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await asyncio.wait_for(self._process.wait(), 30)

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def memory(self) -> int:
        """What it holds of the machine's memory, in bytes."""
        assert self._process is not None
        size: int = psutil.Process(self._process.pid).memory_info().rss
        return size

    @property
    def libraries(self) -> list[str]:
        """The paths of the shared libraries that it has loaded."""
        assert self._process is not None
        return [one.path for one in psutil.Process(self._process.pid).memory_maps() if ".so" in one.path]

    async def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, "the gateway has ended"
        try:
            async with self.client() as client:
                return (await client.get("/health/live")).status_code == 200
        except httpx2.HTTPError:
            return False


@asynccontextmanager
async def gateway_process(*, nats_url: str, database_url: str, library: Path) -> AsyncIterator[GatewayProcess]:
    """A running one; killed at the end of the block."""
    process = GatewayProcess(nats_url=nats_url, database_url=database_url, library=library)
    await process.start()
    try:
        yield process
    finally:
        await process.stop(signal.SIGKILL)
