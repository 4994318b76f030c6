"""An upstream that sends a byte a second: the whole call has a time, and nobody else waits for it."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.standin import Rule
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """One slot for each part; a call may take three seconds, so that no pause between two bytes is too long."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(
            Path(folder), COLDOPEN_UPSTREAM_TIMEOUT="3", COLDOPEN_MAX_CONCURRENT_LOADS="1"
        ) as stack:
            yield stack


async def test_a_trickling_picture_holds_up_its_own_part_only(stack: Stack) -> None:
    """It is cut off, counts as the network's failure, and gives the only slot back for the next series."""
    stack.standin.misbehave(Rule(behaviour="trickle", kind="logo", title="Slow Show", seconds=1.0))
    await stack.add("Slow Show")
    await eventually(lambda: logo_events(stack, "slow-show", "part-retrying.v1"), within=60, every=0.1)
    await stack.add("Quick Show")

    statuses = await stack.settled("slow-show", "quick-show", within=120)
    parts = (await stack.status("slow-show"))["parts"]
    retries = await logo_events(stack, "slow-show", "part-retrying.v1")

    assert statuses == {"slow-show": "failed", "quick-show": "completed"}
    assert {name for name, one in parts.items() if one["status"] == "loaded"} >= {"episodes", "nfo", "images"}
    assert [(one["error"]["kind"], one["error"]["code"]) for one in retries] == [("network", "timeout")] * 3
    assert [one["retries"] for one in retries] == [1, 2, 3]
    assert parts["logo"]["error"]["code"] == "timeout"
    assert "within 3 s" in parts["logo"]["error"]["message"]

    stack.standin.controls.clear()
    async with stack.client() as client:
        asked = (await client.post("/api/anime/slow-show/retry", json={})).json()["position"]
    assert await stack.settled("slow-show", after=asked) == {"slow-show": "completed"}


async def logo_events(stack: Stack, key: str, tag: str) -> list[dict[str, Any]]:
    """The recorded events of one tag of the series' logo."""
    events = [one["event"] for one in await stack.history(key) if one["type"] == tag]
    return [event for event in events if event["part"] == "logo"]
