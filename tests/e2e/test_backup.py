"""A library moved by `coldopen backup` and `restore` while it loads: the new installation finishes what was begun."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.events import RecordedEvent, SeriesAdded
from deploy.standin import Rule, StandIn
from tests.support import cli
from tests.support.invariants import check_nothing_lost, read_log
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
RETRYING = "Moved Retrying"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        yield Path(folder)


async def coldopen(stack: Stack, *arguments: str) -> tuple[int, str, str]:
    """A command beside the installation: its exit status, output and errors."""
    folder = stack.data_dir.parent
    done = await asyncio.to_thread(cli.run, folder, *arguments, "--data-dir", str(stack.data_dir))
    return done.returncode, done.stdout, done.stderr


async def has_begun(stack: Stack) -> bool:
    """Whether something has loaded, something is loading, and something waits for its next try."""
    async with stack.client() as client:
        items = (await client.get("/api/anime")).json()["items"]
    found = {part["status"] for one in items for part in (await stack.status(one["key"]))["parts"].values()}
    return found >= {"loaded", "loading", "retrying"}


def identities(log: list[RecordedEvent]) -> dict[str, int]:
    return {one.event.key: one.position for one in log if isinstance(one.event, SeriesAdded)}


async def test_what_was_open_when_it_was_saved_is_finished_where_it_is_restored(folder: Path) -> None:
    """Under load, with a retry due; the same series under the same numbers, with all that belongs to them.

    The old installation goes on for a while after it was saved: what it loads then is loaded once more.
    """
    async with StandIn(same_pictures=True) as standin:
        old, new = Stack(folder, standin), Stack(folder, standin)
        new.data_dir = folder / "new"
        try:
            standin.delay = 0.2
            standin.misbehave(Rule(behaviour="fail", kind="poster", title=RETRYING, times=2))
            await old.start()
            for name in (RETRYING, *(f"Moved Series {number}" for number in range(4))):
                await old.add(name)
            await eventually(lambda: has_begun(old), within=60)

            saved = await coldopen(old, "backup", "log.backup", "--json")
            while_running = await coldopen(old, "restore", "log.backup")
            position = json.loads(saved[1])["position"]
            before = [one for one in await read_log(old) if one.position <= position]
            assert await old.stop() == []
            restored = await coldopen(new, "restore", "log.backup")
            await new.start()
            statuses = await new.settled(*identities(before), within=120)
            await check_nothing_lost(new, list(identities(before)))
            after = await read_log(new)
        finally:
            left = [*await old.stop(), *await new.stop()]

    assert (saved[0], restored[0], left) == (0, 0, [])
    assert while_running[0] == 1
    assert "stop it first" in while_running[2]
    assert set(statuses.values()) == {"completed"}
    assert after[: len(before)] == before
