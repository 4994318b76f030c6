"""/asyncapi: the page needs nothing from elsewhere, and what the feeds send is what the description says."""

import json
import re
from typing import Any

from jsonschema import Draft7Validator
from websockets.asyncio.client import connect

from contracts.subjects import FEED_SUBJECT
from services.platform.broker import NO_BUFFER
from services.platform.broker import connect as connect_nats
from tests.support.feed import subscribed
from tests.support.gateway import API_KEY, Gateway
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually
from tests.support.write_schemas import ASYNCAPI, asyncapi


async def described(gateway: Gateway) -> dict[str, Any]:
    return await gateway.get("/asyncapi/asyncapi.json")


def check(description: dict[str, Any], channel: str, message: str, body: Any) -> None:
    """The body is what the channel's message says; raises ValidationError."""
    listed = description["channels"][channel]["messages"][message]["$ref"]
    payload = description["components"]["messages"][listed.rpartition("/")[2]]["payload"]
    Draft7Validator(payload | {"components": description["components"]}).validate(body)


async def test_the_page_loads_bundled_files_only(gateway: Gateway) -> None:
    """Its script and the description, both from here."""
    page = await gateway.http.get("/asyncapi")
    found = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    answers = {path: await gateway.http.get(path) for path in found if not path.startswith("data:")}

    assert page.headers["content-type"].startswith("text/html")
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/asyncapi/assets/asyncapi-viewer.iife.js": 200,
        "/asyncapi/asyncapi.json": 200,
    }
    assert "javascript" in answers["/asyncapi/assets/asyncapi-viewer.iife.js"].headers["content-type"]
    assert "customElements" in answers["/asyncapi/assets/asyncapi-viewer.iife.js"].text


async def test_it_is_the_one_that_is_committed(gateway: Gateway) -> None:
    """In JSON, for the page."""
    description = await described(gateway)

    assert description["asyncapi"] == "3.0.0"
    assert description["info"]["title"] in asyncapi() == ASYNCAPI.read_text("utf-8")
    assert {"series-added", "status", "loading-status-stream", "loading-status-socket"} <= set(description["channels"])


async def test_a_socket_sends_what_is_described(gateway: Gateway) -> None:
    """The answer to a subscription, the updates, the answer to nonsense; and the client's own message."""
    description = await described(gateway)
    position = await gateway.record(added("a"))
    await gateway.record(*loaded_after("a", position))
    await gateway.project()
    wish = {"action": "subscribe", "keys": ["a"]}

    address = gateway.url.replace("http://", "ws://") + description["channels"]["loading-status-socket"]["address"]
    async with connect(address, additional_headers={"x-api-key": API_KEY}, proxy=None) as client:
        await client.send(json.dumps(wish))
        said = [json.loads(await client.recv()) for _ in range(2)]
        await client.send("nonsense")
        said.append(json.loads(await client.recv()))

    check(description, "loading-status-socket", "Subscribe", wish)
    for body, message in zip(said, ("Subscribed", "LoadingUpdate", "FeedError"), strict=True):
        check(description, "loading-status-socket", message, body)
    assert [one["type"] for one in said] == ["subscribed", "series_loading_update", "error"]


async def test_a_stream_sends_what_is_described(gateway: Gateway) -> None:
    """A reset and updates."""
    description = await described(gateway)
    await gateway.record(added("a"))
    await gateway.project()

    async with subscribed(gateway.url, {"x-api-key": API_KEY, "last-event-id": "another0-7"}) as feed:
        await eventually(lambda: feed.updates)
    by_event = {event: data for event, _, data in feed.events}

    check(description, "loading-status-stream", "Reset", by_event["reset"])
    check(description, "loading-status-stream", "LoadingUpdate", by_event["series_loading_update"])


async def test_the_log_over_http_and_the_frames_are_described(gateway: Gateway, nats_url: str) -> None:
    """A line of /api/events, and what the projector tells after a commit."""
    description = await described(gateway)
    frames: list[bytes] = []
    nc = await connect_nats("test", nats_url, pending_size=NO_BUFFER)

    async def keep(message: Any) -> None:
        frames.append(message.data)

    await nc.subscribe(description["channels"]["status"]["address"], cb=keep)
    await nc.flush()
    await gateway.record(added("a"))
    await gateway.project()
    await eventually(lambda: frames)
    await nc.close()
    lines = (await gateway.http.get("/api/events")).text.splitlines()

    assert description["channels"]["status"]["address"] == FEED_SUBJECT
    frame = json.loads(frames[0])
    assert frame["updates"]
    check(description, "status", "Frame", frame)
    check(description, "events", "HistoryItem", json.loads(lines[0]))
