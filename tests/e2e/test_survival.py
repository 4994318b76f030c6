"""What dies is started anew, and what it was doing is finished: no series is lost, none is loaded twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.support.feed import subscribed
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

NAMES = [f"Series {number:02}" for number in range(12)]
KEYS = [name.lower().replace(" ", "-") for name in NAMES]
FINALS = {"episodes-loaded.v1", "nfo-loaded.v1", "logo-loaded.v1", "images-loaded.v1", "series-identified.v1"}


@pytest.fixture
async def stack(data_dir: Path) -> AsyncIterator[Stack]:
    async with running_stack(data_dir) as stack:
        stack.standin.delay = 0.15
        yield stack


async def check_whole(stack: Stack) -> None:
    """Every series is complete, each outcome was recorded once, and its files are there."""
    for key in KEYS:
        outcomes = [one["type"] for one in await stack.history(key) if one["type"] in FINALS]
        assert sorted(outcomes) == sorted(FINALS), key
    for name in NAMES:
        assert len([one for one in (stack.library / f"{name} (2013)").iterdir() if one.name[0] != "."]) == 5, name
    assert list(stack.library.rglob("*.tmp")) == []


@pytest.mark.parametrize("service", ["gateway", "nfo", "episodes", "images", "projector", "caretaker"])
async def test_a_killed_service_costs_nothing(stack: Stack, service: str) -> None:
    """kill -9 of any one service in the middle of loading: everything completes."""
    for name in NAMES:
        await stack.add(name)
    await stack.kill(service)
    async with stack.client() as client:
        await eventually(lambda: _is_ready(client), within=30)

    assert set((await stack.settled(*KEYS, within=90)).values()) == {"completed"}
    await check_whole(stack)


async def test_a_stop_in_the_middle_is_finished_after_the_start(stack: Stack) -> None:
    """Ctrl-C while loading leaves nothing behind; `up` again finishes what was pending."""
    for name in NAMES:
        await stack.add(name)

    assert await stack.stop() == []
    assert stack.run_file() == {}
    await stack.start()

    assert set((await stack.settled(*KEYS, within=90)).values()) == {"completed"}
    await check_whole(stack)
    histories = [await stack.history(key) for key in KEYS]
    assert all(one["event"].get("deaths", 0) == 0 for history in histories for one in history)


async def test_a_feed_misses_nothing_when_the_projector_dies(stack: Stack) -> None:
    """Frames are lost with it; the gateway makes up for them from the rows: every series' last state arrives."""
    async with subscribed(stack.url, stack.headers) as feed:
        for name in NAMES[:6]:
            await stack.add(name)
        await stack.kill("projector")
        for name in NAMES[6:]:
            await stack.add(name)
        await stack.settled(*KEYS, within=90)
        await eventually(lambda: feed.latest() == dict.fromkeys(KEYS, "completed"), within=20)

        positions = feed.positions
        finals = {update["key"]: update["position"] for update in feed.updates}

    assert positions == sorted(set(positions))
    for key in KEYS:
        assert finals[key] == (await stack.status(key))["position"]


async def test_a_feed_misses_nothing_when_the_broker_is_killed(stack: Stack) -> None:
    """nats-server is killed and started anew by the supervisor: subscribers see every final state all the same."""
    async with subscribed(stack.url, stack.headers) as feed:
        for name in NAMES[:6]:
            await stack.add(name)
        await stack.kill("nats")
        for name in NAMES[6:]:
            await eventually(lambda name=name: _accepted(stack, name), within=30)
        await stack.settled(*KEYS, within=90)
        await eventually(lambda: feed.latest() == dict.fromkeys(KEYS, "completed"), within=20)

    assert feed.positions == sorted(set(feed.positions))
    await check_whole(stack)


async def test_a_reader_that_comes_back_gets_what_changed_since(stack: Stack) -> None:
    """`Last-Event-ID` brings every series that changed since, and nothing older."""
    async with subscribed(stack.url, stack.headers) as feed:
        await stack.add(NAMES[0])
        await eventually(lambda: feed.latest().get(KEYS[0]) == "completed", within=30)
        last = feed.last_id
    await stack.add(NAMES[1])
    await stack.settled(KEYS[1])

    async with subscribed(stack.url, stack.headers | {"Last-Event-ID": last}) as again:
        await eventually(lambda: again.latest().get(KEYS[1]) == "completed", within=10)

    assert set(again.latest()) == {KEYS[1]}


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx2.HTTPError:
        await asyncio.sleep(0.1)
        return False


async def _accepted(stack: Stack, name: str) -> bool:
    """Whether the add was taken; a 503 takes nothing and says when to come again."""
    answer = await stack.add(name)
    if answer.status_code == 503:
        assert "retry-after" in answer.headers
        return False
    return answer.status_code in (200, 202)
