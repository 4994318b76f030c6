"""What dies is started anew, and what it was doing is finished: no series is lost, none is loaded twice."""

import asyncio

import pytest

from tests.support.clients import Promises
from tests.support.feed import Received, following, subscribed
from tests.support.invariants import check_nothing_lost
from tests.support.stack import Stack
from tests.support.waiting import eventually

SERVICES = ("gateway", "nfo", "episodes", "images", "projector", "caretaker")
COUNT = 50
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with a catalogue that takes its time."""
    installation.standin.delay = 0.15
    return installation


def some_names(what: str, count: int) -> tuple[list[str], list[str]]:
    """The names of one test's own series, and their keys."""
    names = [f"{what.title()} Series {number:02}" for number in range(count)]
    return names, [name.lower().replace(" ", "-") for name in names]


async def test_each_service_is_killed_in_turn_at_no_cost(stack: Stack) -> None:
    """kill -9 of one after the other, each right behind new adds: all fifty complete, and a feed sees it."""
    names, keys = some_names("killed", COUNT)
    promises = Promises(stack)
    async with following(stack.url, stack.headers, snapshot="false") as feed:
        for number, service in enumerate(SERVICES):
            await asyncio.gather(*(promises.add(name) for name in names[number :: len(SERVICES)]))
            await stack.kill(service)

        assert set((await stack.settled(*keys, within=120)).values()) == {"completed"}
        assert set(promises.positions) == set(keys)
        await check_nothing_lost(stack, keys, feed)


async def test_a_feed_misses_nothing_when_the_projector_dies(stack: Stack) -> None:
    """Frames are lost with it; the gateway makes up for them from the rows: every series' last state arrives."""
    names, keys = some_names("projector died", 12)
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
    names, keys = some_names("came back", 2)
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
