"""Poison in a running installation: a load that kills its worker each time, and events that can't be taken."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts import codec
from contracts.events import Canonical, EventParked, Part, PartStarted, RecordedEvent, SeriesAdded
from contracts.subjects import subject_of
from tests.support import cli
from tests.support.faults import Crash, Faults, Plan
from tests.support.feed import subscribed
from tests.support.invariants import by_key, check_outcomes, check_rows, read_log
from tests.support.operating import hurry, put
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

DEATHS = 5
# It would be loaded at the sixth try: that there is none is what is to be shown.
POISON = Crash(service="episodes", seam="recorded", event="PartStarted", key="poison", times=DEATHS)
NEIGHBOURS = [f"Neighbour {number:02}" for number in range(20)]
BAD_BODY = b'{"type":"part-failed.v1","key":"good-and-bad"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faults() -> AsyncIterator[Faults]:
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        yield Faults(Path(folder), Plan(crashes=(POISON,)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(faults: Faults) -> AsyncIterator[Stack]:
    """Every test has its own series; the poison's, which takes longest, is added first and beside the others'."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), **faults.environment) as stack:
            await hurry(stack)
            await asyncio.gather(*(stack.add(name) for name in ("Poison", *NEIGHBOURS)))
            yield stack


def keys_of(names: list[str]) -> list[str]:
    return [name.lower().replace(" ", "-") for name in names]


async def quarantined(stack: Stack) -> dict[int, dict[str, Any]]:
    """What `GET /api/quarantine` lists, by position."""
    async with stack.client() as client:
        return {one["position"]: one for one in (await client.get("/api/quarantine")).json()["items"]}


async def test_a_load_that_kills_its_worker_fails_alone(stack: Stack, faults: Faults) -> None:
    """After the first death it runs alone, after the fifth it fails and says what to do; the others all complete."""
    neighbours = keys_of(NEIGHBOURS)
    assert set((await stack.settled(*neighbours, within=120)).values()) == {"completed"}
    assert await stack.settled("poison", within=150) == {"poison": "failed"}
    failed = await stack.status("poison")
    events = by_key(await read_log(stack))

    assert faults.count("crash-0") == DEATHS
    assert failed["progress"] == {"episodes": False, "nfo": True, "logo": True, "images": True}
    error = failed["parts"]["episodes"]["error"]
    assert (error["kind"], error["code"]) == ("crash", "worker_died")
    assert "5 times" in failed["error"]
    assert "Retry it" in failed["error"]
    assert deaths_of(events["poison"]) == [0, 1, 2, 3, 4]
    # Only the first death may take others along, once.
    assert max(max(deaths_of(events[key])) for key in neighbours) <= 1


def deaths_of(events: list[RecordedEvent]) -> list[int]:
    """How many workers had died at it each time that the episodes were taken up."""
    started = [one.event for one in events if isinstance(one.event, PartStarted)]
    return [event.deaths for event in started if event.part is Part.EPISODES]


async def test_a_retry_loads_it_once_its_cause_is_mended(stack: Stack) -> None:
    """Nothing else is loaded again."""
    before = await stack.status("poison")
    async with stack.client() as client:
        assert (await client.post("/api/anime/poison/retry")).status_code == 202

    assert await stack.settled("poison", after=before["position"]) == {"poison": "completed"}
    later = [one for one in await stack.history("poison") if one["position"] > before["position"]]
    assert [one["type"] for one in later] == ["part-requested.v1", "part-started.v1", "episodes-loaded.v1"]
    await stack.check_files("poison")


async def test_an_event_that_can_not_be_read_stops_only_itself(stack: Stack) -> None:
    """Its series shows it and loads on; the next are projected; released in vain, it is set aside again."""
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        await stack.add("Good and Bad")
        position = await put(stack, "series.good-and-bad.nfo.failed", BAD_BODY)
        await stack.add("After the Bad")
        assert set((await stack.settled("good-and-bad", "after-the-bad")).values()) == {"completed"}
        listed = (await eventually(partial(quarantined, stack), within=20))[position]
        await eventually(lambda: "skipped" in str(feed.updates), within=20)

    assert (listed["key"], listed["type"]) == ("good-and-bad", "part-failed.v1")
    folder = stack.data_dir.parent
    released = await asyncio.to_thread(
        cli.run, folder, "quarantine", "release", str(position), f"--data-dir={stack.data_dir}"
    )
    assert released.returncode == 1, released
    assert position in await quarantined(stack)
    parked = [one.event for one in by_key(await read_log(stack))["good-and-bad"] if isinstance(one.event, EventParked)]
    assert [event.parked_position for event in parked] == [position] * 2
    await check_rows(stack)


async def test_an_event_that_the_database_refuses_stops_only_itself(stack: Stack) -> None:
    """There is no row that could show it: the quarantine does. Others are projected, before it and after it."""
    too_large = SeriesAdded(
        key="refused",
        name="Refused",
        site="aniworld.to",
        link="https://aniworld.to/anime/stream/refused",
        canonical=Canonical(site="aniworld.to", id="refused"),
        folder="Refused",
        year=2**40,
    )
    await stack.add("Before the Refused")
    position = await put(stack, subject_of(too_large), codec.encode(too_large))
    await stack.add("After the Refused")

    assert set((await stack.settled("before-the-refused", "after-the-refused")).values()) == {"completed"}
    listed = (await eventually(partial(quarantined, stack), within=20))[position]
    assert (listed["key"], listed["event"]["year"]) == ("refused", 2**40)
    async with stack.client() as client:
        assert (await client.get("/api/anime/refused")).status_code == 404
    log = await read_log(stack)
    check_outcomes(log)
