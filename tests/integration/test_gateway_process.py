"""`python -m services.gateway` as a process: told by its environment, stopped by a signal."""

import asyncio
import os
import resource
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from deploy.local.nats_server import NatsServer
from services.platform import streams
from services.platform.broker import connect
from tests.support.gateway import API_KEY
from tests.support.gateway_process import GatewayProcess
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
    """Exit code 0, though nobody hangs up: it ends the stream as one that is whole, instead of breaking it off."""
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
        sys.executable,
        "-m",
        "services.gateway",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    client = httpx2.AsyncClient(base_url=url, headers={"x-api-key": API_KEY}, timeout=60, trust_env=False)

    async def is_up() -> bool:
        try:
            return (await client.get("/health/live")).status_code == 200
        except httpx2.HTTPError:
            return False

    try:
        async with client:
            await eventually(is_up, within=60)
            # The site of the link can't be reached: the add goes on without it.
            added = await client.post("/api/anime/add", json={"link": "https://www.tvmaze.com/shows/1505/one-piece"})
            async with client.stream("GET", "/api/loading-status/stream") as stream:
                chunks = stream.aiter_bytes()
                await anext(chunks)
                process.send_signal(number)
                async for _ in chunks:
                    pass  # one that was broken off raises here
                output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    said = output.decode()
    assert added.status_code == 202
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert '"level":"error"' not in said
    assert API_KEY not in said


async def test_more_clients_than_files_may_be_open_at_first(
    nats_server: NatsServer, reader_url: str, tmp_path: Path
) -> None:
    """The limit that a shell gives is no limit of the feed."""
    operator = await connect("test", nats_server.url())
    await streams.declare(operator.jetstream())
    await operator.close()
    gateway = GatewayProcess(nats_url=nats_server.url("gateway"), database_url=reader_url, library=tmp_path)
    begun, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, most))
    try:
        await gateway.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (begun, most))

    ask = f"GET /api/loading-status/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {API_KEY}\r\n\r\n".encode()
    answers, writers = [], []
    try:
        async with asyncio.timeout(60):
            for _ in range(200):
                reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
                writers.append(writer)
                writer.write(ask)
                answers.append(await reader.readline())
    finally:
        for writer in writers:
            writer.close()
        await gateway.stop(signal.SIGKILL)

    assert answers == [b"HTTP/1.1 200 OK\r\n"] * 200


async def test_it_does_not_load_what_it_has_no_use_for(process: GatewayProcess) -> None:
    """Litestar loads Pydantic for every application, in an eighth of the time that the gateway's start takes."""
    assert any("/msgspec/" in path for path in process.libraries)
    assert not any("/pydantic_core/" in path for path in process.libraries)
