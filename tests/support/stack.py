"""`coldopen up` as a process of its own, with the stand-in as its catalogue: what a client sees, and no more."""

import asyncio
import hashlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from deploy.standin import StandIn
from tests.support.clusters import copy_database
from tests.support.waiting import eventually

# What every made-up series has; others may come with it.
FIVE = frozenset({"tvshow.nfo", "poster.jpg", "fanart.jpg", "clearlogo.png", "logo.png"})


class Stack:
    """One installation: its data directory, its library, its catalogue."""

    def __init__(self, folder: Path, standin: StandIn, *, tmdb: bool = False, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.library = folder / "library"
        self.standin = standin
        self._tmdb = tmdb
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""
        self.headers: dict[str, str] = {}

    async def start(self) -> None:
        """`coldopen up`; returns when the gateway is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COLDOPEN_")}
        environment |= {
            # Every catalogue is the stand-in, asked or not: no test may ever call the real ones.
            **{f"COLDOPEN_{field.upper()}": told for field, told in self.standin.settings(tmdb=self._tmdb).items()},
            **self._settings,
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli.main",
            "up",
            f"--data-dir={self.data_dir}",
            f"--library={self.library}",
            "--port=0",
            env=environment,
            start_new_session=True,
            stdout=(self.data_dir.parent / "up.log").open("ab"),
            stderr=asyncio.subprocess.STDOUT,
        )
        await eventually(self.is_ready, within=60, every=0.05)

    async def is_ready(self) -> bool:
        """Whether the gateway takes requests and reaches all that it needs. Raises RuntimeError if `up` has ended."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(self.log())
        run = self.run_file()
        if not run.get("gateway"):
            return False
        self.url = run["gateway"]
        self.headers = {"X-Api-Key": (self.data_dir / "api-key").read_text().strip()}
        try:
            async with self.client() as client:
                return (await client.get("/health/ready")).status_code == 200
        except httpx2.HTTPError:
            return False

    def run_file(self) -> dict[str, Any]:
        """What the running `up` says of itself."""
        try:
            return dict(json.loads((self.data_dir / "run.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def log(self) -> str:
        return (self.data_dir.parent / "up.log").read_text()

    async def login_link(self) -> str:
        """The link for a browser that `up` prints, a moment after the gateway is ready; it is good once."""

        def find() -> str | None:
            found = re.search(r"Browser +(http\S+)\n", self.log())
            return found and found[1]

        return str(await eventually(find, within=20))

    def client(self) -> httpx2.AsyncClient:
        """A client of the gateway that holds the key."""
        # Without certificates, which take longer to load than most of what is asked here.
        return httpx2.AsyncClient(base_url=self.url, headers=self.headers, timeout=20, trust_env=False, verify=False)

    def pid_of(self, service: str) -> int:
        """The process of a service, or of `nats` or `postgres`, now; 0 while it has none."""
        if service in ("nats", "postgres"):
            try:
                return int(json.loads((self.data_dir / service / "process.json").read_text())["pid"])
            except (FileNotFoundError, json.JSONDecodeError):
                return 0
        return int(self.run_file().get("services", {}).get(service, 0))

    @property
    def process(self) -> psutil.Process:
        """`coldopen up`, whose children all the others are."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    async def kill(self, service: str) -> None:
        """kill -9; returns when the supervisor has started the service anew."""
        pid = self.pid_of(service)
        assert pid > 0, f"{service} is not running"
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: self.pid_of(service) not in (0, pid), within=20)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> list[psutil.Process]:
        """Ctrl-C, or another signal, and wait; the processes that are still there (none, if all is well)."""
        if self._process is None or self._process.returncode is not None:
            return []
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(number)
        await asyncio.wait_for(self._process.wait(), timeout=40)
        _, alive = psutil.wait_procs(children, timeout=1)
        return list(alive)

    async def add(self, name: str, year: int | None = 2013, **more: Any) -> httpx2.Response:
        """POST /api/anime/add for a made-up series of that name."""
        slug = name.lower().replace(" ", "-")
        body = {"link": f"https://aniworld.to/anime/stream/{slug}", "name": name, **more}
        self.standin.catalogue.add(name, year)  # by this name, not by the one that its slug would give it
        if year:
            body["year"] = year
        async with self.client() as client:
            return await client.post("/api/anime/add", json=body)

    async def status(self, key: str) -> dict[str, Any]:
        """GET …/loading-status."""
        async with self.client() as client:
            answer = await client.get(f"/api/anime/{key}/loading-status")
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

    async def settled(self, *keys: str, within: float = 60, after: int = 0) -> dict[str, str]:
        """The final status of each series, reached by an event behind the position `after`."""

        async def check() -> dict[str, str] | None:
            found = {key: await self.status(key) for key in keys}
            if any(one["position"] <= after for one in found.values()):
                return None
            statuses = {key: one["loading_status"] for key, one in found.items()}
            return statuses if set(statuses.values()) <= {"completed", "failed"} else None

        return dict(await eventually(check, within=within, every=0.1))

    async def history(self, key: str) -> list[dict[str, Any]]:
        """Every recorded event of a series."""
        async with self.client() as client:
            return list((await client.get(f"/api/anime/{key}/history", params={"limit": 500})).json()["items"])

    async def check_files(self, key: str) -> set[str]:
        """The names of the series' files: just those that are recorded, each whole; the usual five among them."""
        parts = (await self.status(key))["parts"].values()
        recorded = {file["path"]: file["sha256"] for part in parts for file in part["files"]}
        (folder,) = {path.partition("/")[0] for path in recorded}
        there = {one.name for one in (self.library / folder).iterdir() if not one.name.startswith(".")}
        assert {f"{folder}/{name}" for name in there} == set(recorded), key
        for path, sha256 in recorded.items():
            assert hashlib.sha256((self.library / path).read_bytes()).hexdigest() == sha256, path
        assert there >= FIVE, key
        return there


@asynccontextmanager
async def running_stack(
    folder: Path, *, same_pictures: bool = False, tmdb: bool = False, **settings: str
) -> AsyncIterator[Stack]:
    """An installation that is up; stopped at the end of the block, with nothing left behind.

    With `same_pictures` the stand-in draws once for all series: for measuring Coldopen and not the drawing. With `tmdb`
    there is a token for TMDB, which is then asked first.
    """
    async with StandIn(same_pictures=same_pictures) as standin:
        stack = Stack(folder, standin, tmdb=tmdb, **settings)
        if not stack.data_dir.exists():
            await copy_database(stack.data_dir)
        try:
            await stack.start()
            yield stack
        finally:
            left = await stack.stop()
        assert left == []
