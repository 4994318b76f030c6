"""The replayer of contracts/README.md, run against an installation to which everything has happened."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.nats_server import running_url
from deploy.standin import Rule
from tests.support.operating import put
from tests.support.replayer import source
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

BAD_BODY = b'{"type":"part-failed.v1"'
GONE = {"left": "removed"}


async def test_it_tells_what_the_api_tells(installation: Stack, tmp_path: Path) -> None:
    """Loaded, failed, not identified, refreshed in vain, poisoned, identified anew, removed, added again, waiting."""
    await let_everything_happen(installation)
    program = tmp_path / "replayer.py"
    program.write_text(source())

    with frozen(installation, "images"):
        await installation.add("Half Loaded")
        await eventually(lambda: nfo_is_there(installation, "half-loaded"), within=60, every=0.1)
        statuses = await eventually(lambda: at_rest(installation, program), within=60, every=0.2)

    assert statuses == {
        "whole": "completed",
        "without-logo": "failed",
        "half-loaded": "pending",
        "unknown-tale": "failed",
        "kept": "completed",
        "poisoned": "completed",
        "mistaken": "completed",
        "again": "completed",
        "few-parts": "completed",
        **GONE,
    }


@contextmanager
def frozen(stack: Stack, service: str) -> Iterator[None]:
    """The service does nothing in the block, as if its machine stood still."""
    pid = stack.pid_of(service)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def nfo_is_there(stack: Stack, key: str) -> bool:
    """Of a series whose pictures nobody loads: all that there will be."""
    progress = (await stack.status(key))["progress"]
    return bool(progress["episodes"] and progress["nfo"])


async def at_rest(stack: Stack, program: Path) -> dict[str, str] | None:
    """What the replayer prints, once that is what the API said both before it and after it."""
    before = await told(stack)
    url = running_url(stack.data_dir)
    assert url is not None
    done = await asyncio.to_thread(run, program, url)
    assert done.returncode == 0, done.stderr
    replayed = dict(line.split() for line in done.stdout.splitlines())
    if before != await told(stack):
        return None
    assert {key: status for key, status in replayed.items() if key not in GONE} == before
    return replayed


def run(program: Path, url: str) -> subprocess.CompletedProcess[str]:
    """It is a process of its own, in Python alone."""
    return subprocess.run([sys.executable, program, url], capture_output=True, text=True, check=False, timeout=60)


async def told(stack: Stack) -> dict[str, str]:
    """Every living series' status, as its own route tells it."""
    async with stack.client() as client:
        items = (await client.get("/api/anime", params={"limit": 100})).json()["items"]
    return {one["key"]: (await stack.status(one["key"]))["loading_status"] for one in items}


async def let_everything_happen(stack: Stack) -> None:
    """A series for each kind of history, up to the state that the test names."""
    stack.standin.misbehave(Rule(behaviour="fail", status=404, kind="logo", title="Without Logo"))
    stack.standin.misbehave(Rule(behaviour="fail", status=500, kind="logo", title="Whole", times=1))
    for name in ("Whole", "Without Logo", "Kept", "Poisoned", "Mistaken", "Again", "Left"):
        await stack.add(name)
    await stack.add("Few Parts", parts=["nfo", "logo"])
    async with stack.client() as client:
        stranger = {"link": "https://aniworld.to/anime/stream/unknown-tale", "name": "Unknown Tale", "year": 1950}
        assert (await client.post("/api/anime/add", json=stranger)).status_code == 202
    await stack.settled("without-logo", "kept", "poisoned", "mistaken", "again", "left", "few-parts", "unknown-tale")
    await put(stack, "series.poisoned.nfo.failed", BAD_BODY)
    stack.standin.misbehave(Rule(behaviour="missing", kind="poster", title="Kept"))
    right = stack.standin.catalogue.add("Another One", 2015)
    async with stack.client() as client:
        answers = [
            await client.post("/api/anime/kept/refresh", json={"parts": ["images"], "overwrite": True}),
            await client.post("/api/anime/without-logo/retry"),
            await client.post("/api/anime/mistaken/refresh", json={"parts": ["identity"], "tvmaze_id": right.id}),
            await client.delete("/api/anime/left", params={"delete_files": True}),
            await client.delete("/api/anime/again"),
        ]
    assert [answer.status_code for answer in answers] == [202] * 5
    again = await stack.add("Again")
    after = {key: answers[number].json()["position"] for number, key in enumerate(("kept", "without-logo", "mistaken"))}
    for key, position in {**after, "again": again.json()["position"]}.items():
        await stack.settled(key, after=position)
    await stack.settled("whole")
