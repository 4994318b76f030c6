"""compose.yaml and the Dockerfile, run as processes against real servers: a series loads, and a stop is orderly."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from deploy.local.nats_server import find_binary
from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import OWNER, READER, SUPERUSER
from deploy.local.probe import free_port
from deploy.standin import addresses
from tests.support import compose
from tests.support.cli import is_open
from tests.support.waiting import eventually

KEY = "k0123456789abcdef0123456789"
NATS_ROLES = ("OPERATOR", "GATEWAY", "PROJECTOR", "NFO", "EPISODES", "IMAGES", "CARETAKER")
LINK = "https://aniworld.to/anime/stream/lighthouse-keepers"


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        started = subprocess.Popen(command, env=env, stdout=output, stderr=output, cwd=log.parent)
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()
            started.wait()


@contextmanager
def broker(service: dict[str, Any], folder: Path, port: int) -> Iterator[None]:
    """nats-server with the configuration and the passwords that the container gets."""
    text = (compose.ROOT / "deploy" / "nats" / "coldopen.conf").read_text()
    config = folder / "nats.conf"
    config.write_text(text.replace("0.0.0.0:4222", f"127.0.0.1:{port}").replace('"/data"', f'"{folder}/log"'))
    with process([str(find_binary()), "--config", str(config)], service["environment"], folder / "nats.log"):
        yield


async def test_a_series_loads_in_the_composed_services(postgres: Postgres, empty_database: str, data_dir: Path) -> None:
    standin, nats_port, port = (free_port("127.0.0.1") for _ in range(3))
    owner, reader = (urlsplit(postgres.url(role, database=empty_database)) for role in (OWNER, READER))
    services = compose.load(
        {f"COLDOPEN_NATS_PASSWORD_{role}": f"k{role.lower()}" for role in NATS_ROLES}
        | {
            "COLDOPEN_DATABASE_PASSWORD": str(owner.password),
            "COLDOPEN_DATABASE_READER_PASSWORD": str(reader.password),
            "COLDOPEN_API_KEY": KEY,
        }
        | {f"COLDOPEN_{name.upper()}": value for name, value in addresses.settings(f"127.0.0.1:{standin}").items()}
    )["services"]
    replaced = {
        "@nats:4222": f"@127.0.0.1:{nats_port}",
        "@postgres:5432/coldopen": f"@/{empty_database}?{owner.query}",
        "/library": str(data_dir / "library"),
        "8787": str(port),
    }
    ours = {name: one for name, one in services.items() if name not in ("nats", "postgres")}
    bootstrap = ours.pop("bootstrap")
    (data_dir / "library").mkdir()

    with ExitStack() as running:
        series = [sys.executable, "-m", "deploy.standin", "--port", str(standin), "--series", "Lighthouse Keepers=2018"]
        running.enter_context(process(series, {"PYTHONPATH": str(compose.ROOT)}, data_dir / "standin.log"))
        running.enter_context(broker(services["nats"], data_dir, nats_port))
        made = subprocess.run(  # noqa: ASYNC221 - nothing else goes on meanwhile
            compose.command_of(bootstrap), env=compose.environment_of(bootstrap, replaced), check=False, timeout=60
        )
        assert made.returncode == 0
        started = {
            name: running.enter_context(
                process(compose.command_of(one), compose.environment_of(one, replaced), data_dir / f"{name}.log")
            )
            for name, one in ours.items()
        }
        await eventually(lambda: is_open(port), within=30)

        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": KEY}) as client:
            body = {"link": LINK, "name": "Lighthouse Keepers", "year": 2018}
            added = await client.post("/api/anime/add", json=body)
            assert added.status_code == 202, (data_dir / "gateway.log").read_text()

            async def is_complete(path: str) -> bool:
                status = (await client.get(path)).json()
                assert status["loading_status"] == "completed", status
                return True

            # Its own events first, then the rows, which the projector writes.
            for path in ("/api/anime/lighthouse-keepers/loading-status", "/api/anime/lighthouse-keepers"):
                await eventually(partial(is_complete, path), within=60)
        assert {"tvshow.nfo", "poster.jpg", "fanart.jpg", "clearlogo.png"} <= {
            file.name for file in (data_dir / "library" / "Lighthouse Keepers (2018)").iterdir()
        }

        for one in started.values():
            one.terminate()
        codes = {name: one.wait(15) for name, one in started.items()}  # stop_grace_period
        assert set(codes.values()) == {0}, codes


async def test_the_readers_script_lets_the_gateway_read_and_nothing_else(
    postgres: Postgres, empty_database: str
) -> None:
    script = compose.load(_anything())["configs"]["reader"]["content"]
    sql = re.search(r"<<SQL\n(.*)\nSQL", script, re.DOTALL)
    assert sql is not None
    statements = sql[1].replace("coldopen_reader", "compose_reader").replace("coldopen ", f"{empty_database} ")
    owner = await postgres.connect(SUPERUSER, database=empty_database)

    await owner.execute(statements.replace("$COLDOPEN_DATABASE_READER_PASSWORD", "secret"))
    await owner.execute("CREATE TABLE rows (n int); CREATE SCHEMA later; CREATE TABLE later.rows (n int)")

    try:
        await owner.execute("SET SESSION AUTHORIZATION compose_reader")
        assert await owner.fetch("SELECT * FROM rows") == []
        assert await owner.fetch("SELECT * FROM later.rows") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("INSERT INTO rows VALUES (1)")
    finally:
        await owner.execute("RESET SESSION AUTHORIZATION; DROP OWNED BY compose_reader; DROP ROLE compose_reader")
        await owner.close()


def test_the_image_runs_any_service_as_nobody_special() -> None:
    dockerfile = (compose.ROOT / "deploy" / "Dockerfile").read_text()

    assert "USER coldopen" in dockerfile
    assert "STOPSIGNAL SIGTERM" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    assert 'CMD ["python", "-m", "services.gateway"]' in dockerfile
    copied = {line.split()[1] for line in dockerfile.splitlines() if re.match(r"COPY \w+ \w+$", line)}
    kept = {line[1:] for line in (compose.ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"contracts", "services", "migrations", "deploy"} == copied
    assert copied <= kept


def test_a_missing_password_is_refused_with_words() -> None:
    with pytest.raises(KeyError, match="COLDOPEN_NATS_PASSWORD"):
        compose.load({})


def _anything() -> dict[str, str]:
    text = (compose.ROOT / "deploy" / "compose.yaml").read_text()
    return dict.fromkeys(re.findall(r"\$\{(\w+)", text), "x")
