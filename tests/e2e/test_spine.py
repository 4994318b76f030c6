"""A person adds a series and sees it load: over HTTP, SSE and WebSocket, and in the library folder."""

import asyncio
import io
import itertools
import json
from datetime import datetime
from typing import Any

import pytest
import websockets
from lxml import etree
from PIL import Image

from deploy.standin import Rule
from tests.support.feed import subscribed
from tests.support.stack import FIVE, Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with a catalogue that behaves."""
    installation.standin.controls.clear()
    installation.standin.delay = 0.0
    return installation


async def test_a_series_is_there_at_once_and_comes_alive(stack: Stack) -> None:
    """202 in milliseconds; then both feeds see it load, and the five files are there and valid."""
    async with (
        subscribed(stack.url, stack.headers) as feed,
        websockets.connect(
            stack.url.replace("http", "ws") + "/ws/loading-status", additional_headers=stack.headers, proxy=None
        ) as socket,
    ):
        await socket.send(json.dumps({"action": "subscribe"}))
        answer = await stack.add("Attack on Titan", 2013)
        assert answer.status_code == 202
        body = answer.json()
        assert body["status"] == "success"
        assert (body["key"], body["folder"]) == ("attack-on-titan", "Attack on Titan (2013)")
        assert answer.headers["location"] == "/api/anime/attack-on-titan"
        assert body["loading_progress"] == {"episodes": False, "nfo": False, "logo": False, "images": False}

        await eventually(lambda: feed.latest().get("attack-on-titan") == "completed", within=30)

        seen_by_socket: list[dict[str, Any]] = []
        while not seen_by_socket or seen_by_socket[-1]["loading_status"] != "completed":
            message = json.loads(await asyncio.wait_for(socket.recv(), 10))
            if message["type"] == "series_loading_update":
                seen_by_socket.append(message)

    statuses = feed.statuses("attack-on-titan")
    assert statuses[0] == "pending"
    assert statuses[-1] == "completed"
    assert any(status.startswith("loading_") for status in statuses)
    assert feed.positions == sorted(set(feed.positions))
    # Who is told how many of them depends on how fast each reads; who is told of a position is told the same.
    by_socket = {one["position"]: one for one in seen_by_socket}
    by_feed = {one["position"]: one for one in feed.updates}
    assert [one["position"] for one in seen_by_socket] == sorted(by_socket)
    assert max(by_socket) == max(by_feed)
    assert all(by_socket[position] == by_feed[position] for position in by_socket.keys() & by_feed.keys())

    status = await stack.status("attack-on-titan")
    assert status["progress"] == {"episodes": True, "nfo": True, "logo": True, "images": True}
    assert status["message"] == "All data loaded successfully"

    folder = stack.library / "Attack on Titan (2013)"
    assert await stack.check_files("attack-on-titan") == FIVE | {
        "banner.jpg",
        *(f"season{number:02}-poster.jpg" for number in (1, 2, 3)),
    }
    nfo = etree.parse(folder / "tvshow.nfo").getroot()
    assert (nfo.tag, nfo.findtext("title"), nfo.findtext("year")) == ("tvshow", "Attack on Titan", "2013")
    for name, kind in (("poster.jpg", "JPEG"), ("fanart.jpg", "JPEG"), ("clearlogo.png", "PNG"), ("logo.png", "PNG")):
        with Image.open(io.BytesIO((folder / name).read_bytes())) as picture:
            picture.load()
            assert picture.format == kind


async def test_the_read_side_tells_the_same(stack: Stack) -> None:
    """List, details, history and artwork agree with what was loaded; a removal hides the series and says so."""
    await stack.add("Cowboy Bebop", 1998)
    await stack.settled("cowboy-bebop")
    poster = (stack.library / "Cowboy Bebop (1998)" / "poster.jpg").read_bytes()

    async with subscribed(stack.url, stack.headers) as feed, stack.client() as client:
        items = (await client.get("/api/anime")).json()
        detail = (await client.get("/api/anime/cowboy-bebop")).json()
        history = await stack.history("cowboy-bebop")
        artwork = await client.get("/api/anime/cowboy-bebop/artwork/poster")
        removed = await client.delete("/api/anime/cowboy-bebop")
        await eventually(lambda: feed.latest().get("cowboy-bebop") == "removed")
        gone = await client.get("/api/anime/cowboy-bebop")

    assert "cowboy-bebop" in [one["key"] for one in items["items"]]
    assert items["total"] == len(items["items"])
    assert detail["seasons"]
    assert detail["ids"]["tvmaze"] is not None
    assert history[0]["type"] == "series-added.v1"
    assert [one["position"] for one in history] == sorted(one["position"] for one in history)
    assert artwork.content == poster
    assert (removed.status_code, gone.status_code) == (202, 404)


async def test_fifty_series_added_at_once_all_complete(stack: Stack) -> None:
    """Nothing is lost or doubled, and the parts of one series load side by side."""
    stack.standin.delay = 0.05
    names = [f"Series {number:02}" for number in range(50)]
    keys = [name.lower().replace(" ", "-") for name in names]

    answers = await asyncio.gather(*(stack.add(name, 2000 + number % 20) for number, name in enumerate(names)))
    settled = await stack.settled(*keys, within=120)

    assert {answer.status_code for answer in answers} == {202}
    assert set(settled.values()) == {"completed"}
    overlapping = 0
    for key in keys:
        spans = _spans(await stack.history(key))
        assert set(spans) == {"identity", "episodes", "nfo", "logo", "images"}
        content = [spans[part] for part in ("episodes", "nfo", "logo", "images")]
        overlapping += any(one[0] < other[1] and other[0] < one[1] for one, other in itertools.pairwise(content))
        await stack.check_files(key)
    assert overlapping > 0


async def test_two_simultaneous_adds_make_one_series(stack: Stack) -> None:
    """The loser is told that the series exists, under the same key."""
    answers = await asyncio.gather(*(stack.add("Bleach", 2004) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert {answer.json()["key"] for answer in answers} == {"bleach"}
    assert len({answer.json()["db_id"] for answer in answers}) == 1
    assert [one["type"] for one in await stack.history("bleach")].count("series-added.v1") == 1


async def test_a_failed_part_is_retried_alone(stack: Stack) -> None:
    """One part's failure leaves the others' success; a retry loads it and nothing else."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="logo", status=404))
    await stack.add("Mushishi", 2005)
    assert await stack.settled("mushishi") == {"mushishi": "failed"}
    failed = await stack.status("mushishi")
    before = len(await stack.history("mushishi"))

    stack.standin.controls.clear()
    async with stack.client() as client:
        retried = await client.post("/api/anime/mushishi/retry")
        assert await stack.settled("mushishi") == {"mushishi": "completed"}
        again = await client.post("/api/anime/mushishi/retry")

    assert failed["progress"] == {"episodes": True, "nfo": True, "logo": False, "images": True}
    assert "logo" in failed["error"]
    assert retried.status_code == 202
    later = (await stack.history("mushishi"))[before:]
    assert {one["event"].get("part", "logo") for one in later} == {"logo"}
    assert again.status_code == 409


def _spans(history: list[dict[str, Any]]) -> dict[str, tuple[datetime, datetime]]:
    """When each part's first attempt started and when the part was settled."""
    started: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    finals = {
        "series-identified.v1": "identity",
        "episodes-loaded.v1": "episodes",
        "nfo-loaded.v1": "nfo",
        "logo-loaded.v1": "logo",
        "images-loaded.v1": "images",
    }
    for one in history:
        time = datetime.fromisoformat(one["time"])
        if one["type"] == "part-started.v1":
            started.setdefault(one["event"]["part"], time)
        elif one["type"] in finals:
            ended[finals[one["type"]]] = time
    return {part: (started[part], ended[part]) for part in ended}
