"""What dies is started anew, and what it was doing is finished: no series is lost, none is loaded twice."""

import asyncio

import httpx2
import pytest

from tests.support.feed import Received, subscribed
from tests.support.stack import Stack
from tests.support.waiting import eventually

FINALS = {"episodes-loaded.v1", "nfo-loaded.v1", "logo-loaded.v1", "images-loaded.v1", "series-identified.v1"}
COUNT = 12
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with a catalogue that takes its time."""
    installation.standin.delay = 0.15
    return installation


def some_names(what: str) -> tuple[list[str], list[str]]:
    """The names of a dozen series of one test's own, and their keys."""
    names = [f"{what.title()} Series {number:02}" for number in range(COUNT)]
    return names, [name.lower().replace(" ", "-") for name in names]


async def check_whole(stack: Stack, keys: list[str]) -> None:
    """Every series is complete, each outcome was recorded once, and its files are there."""
    for key in keys:
        outcomes = [one["type"] for one in await stack.history(key) if one["type"] in FINALS]
        assert sorted(outcomes) == sorted(FINALS), key
        await stack.check_files(key)
    assert list(stack.library.rglob("*.tmp")) == []


@pytest.mark.parametrize("service", ["gateway", "nfo", "episodes", "images", "projector", "caretaker"])
async def test_a_killed_service_costs_nothing(stack: Stack, service: str) -> None:
    """kill -9 of any one service in the middle of loading: everything completes."""
    names, keys = some_names(service)
    for name in names:
        await stack.add(name)
    await stack.kill(service)
    async with stack.client() as client:
        await eventually(lambda: _is_ready(client), within=30)

    assert set((await stack.settled(*keys, within=90)).values()) == {"completed"}
    await check_whole(stack, keys)


async def test_a_feed_misses_nothing_when_the_projector_dies(stack: Stack) -> None:
    """Frames are lost with it; the gateway makes up for them from the rows: every series' last state arrives."""
    names, keys = some_names("projector died")
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        for name in names[:6]:
            await stack.add(name)
        await stack.kill("projector")
        for name in names[6:]:
            await stack.add(name)
        await stack.settled(*keys, within=90)
        await eventually(lambda: _are_complete(feed, keys), within=20)

        positions = feed.positions
        finals = {update["key"]: update["position"] for update in feed.updates}

    assert positions == sorted(set(positions))
    for key in keys:
        assert finals[key] == (await stack.status(key))["position"]


async def test_a_reader_that_comes_back_gets_what_changed_since(stack: Stack) -> None:
    """`Last-Event-ID` brings every series that changed since, and nothing older."""
    names, keys = some_names("came back")
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        await stack.add(names[0])
        await eventually(lambda: feed.latest().get(keys[0]) == "completed", within=30)
        last = feed.last_id
    await stack.add(names[1])
    await stack.settled(keys[1])

    async with subscribed(stack.url, stack.headers | {"Last-Event-ID": last}) as again:
        await eventually(lambda: again.latest().get(keys[1]) == "completed", within=10)

    assert set(again.latest()) == {keys[1]}


def _are_complete(feed: Received, keys: list[str]) -> bool:
    latest = feed.latest()
    return all(latest.get(key) == "completed" for key in keys)


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx2.HTTPError:
        await asyncio.sleep(0.1)
        return False
