"""Three nats-servers that hold their streams together, for what a single one does otherwise."""

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig

from deploy.local.nats_server import find_binary
from deploy.local.probe import free_port
from tests.support.waiting import eventually

_HOST = "127.0.0.1"


@asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[str]:
    """The URL of a new cluster that takes replicated streams; its data are in `folder`. Everybody is the operator."""
    ports = [free_port(_HOST) for _ in range(6)]
    routes = [f"nats://{_HOST}:{port}" for port in ports[3:]]
    url = ",".join(f"nats://{_HOST}:{port}" for port in ports[:3])
    servers = [_start(folder / str(number), ports[number], ports[3 + number], routes) for number in range(3)]
    try:
        await eventually(lambda: _takes_streams(url), within=60, every=0.2)
        yield url
    finally:
        for server in servers:
            server.kill()
            server.wait()


def _start(folder: Path, port: int, route_port: int, routes: list[str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    config = {
        "server_name": f"server-{folder.name}",
        "listen": f"{_HOST}:{port}",
        "max_payload": 8 * 1024 * 1024,
        "jetstream": {"store_dir": str(folder / "jetstream")},
        "cluster": {"name": "test", "listen": f"{_HOST}:{route_port}", "routes": routes},
    }
    (folder / "nats.conf").write_text(json.dumps(config))
    with (folder / "nats.log").open("wb") as log:
        return subprocess.Popen([find_binary(), "--config", folder / "nats.conf"], stdout=log, stderr=log)


async def _takes_streams(url: str) -> bool:
    try:
        nc = await nats.connect(url.split(","), allow_reconnect=False, connect_timeout=1)
    except (NatsError, OSError):
        return False
    try:
        await nc.jetstream().add_stream(StreamConfig(name="PROBE", subjects=["probe"], num_replicas=3))
        await nc.jetstream().delete_stream("PROBE")
    except (TimeoutError, NatsError):
        return False
    else:
        return True
    finally:
        await nc.close()
