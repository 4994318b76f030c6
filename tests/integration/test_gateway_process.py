"""`python -m services.gateway` as a process: told by its environment, stopped by a signal."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.broker import connect
from tests.support.gateway import API_KEY
from tests.support.waiting import eventually


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_at_once_with_streams_open(
    nats_server: NatsServer, reader_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit code 0, well within two seconds, though nobody hangs up."""
    operator = await connect("test", nats_server.url())
    await streams.declare(operator.jetstream())
    await operator.close()
    port = free_port()
    environment = {
        **os.environ,
        "COLDOPEN_NATS_URL": nats_server.url("gateway"),
        "COLDOPEN_DATABASE_URL": reader_url,
        "COLDOPEN_LIBRARY": str(tmp_path),
        "COLDOPEN_PORT": str(port),
        "COLDOPEN_API_KEY": API_KEY,
        "COLDOPEN_TVMAZE_URL": "http://127.0.0.1:9",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=url, headers={"x-api-key": API_KEY}, trust_env=False) as client:

        async def is_up() -> bool:
            try:
                return (await client.get("/health/live")).status_code == 200
            except httpx2.HTTPError:
                return False

        await eventually(is_up, within=20)
        # The site of the link can't be reached: the add goes on without it.
        added = await client.post("/api/anime/add", json={"link": "https://www.tvmaze.com/shows/1505/one-piece"})
        async with client.stream("GET", "/api/loading-status/stream") as stream:
            chunks = stream.aiter_bytes()
            await anext(chunks)
            process.send_signal(number)
            async with asyncio.timeout(2):
                code = await process.wait()

    assert process.stderr is not None
    said = (await process.stderr.read()).decode()
    assert added.status_code == 202
    assert code == 0, said
    assert "Traceback" not in said
    assert API_KEY not in said
