"""What goes over the wire compressed, and what never does: read as bytes, by a client that takes gzip."""

import gzip
import json
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.support.gateway import API_KEY, LINK, Gateway
from tests.support.histories import added, loaded_after

GZIP = {"accept-encoding": "br, gzip"}
LONG = ("/api/anime", "/api/anime/k1", "/api/anime/k1/history")


@pytest.fixture
async def full(gateway: Gateway) -> Gateway:
    """A gateway that has much to tell, also of one series."""
    for number in range(5):
        position = await gateway.record(added(f"k{number}"))
        await gateway.record(*loaded_after(f"k{number}", position))
    await gateway.project()
    return gateway


async def sent(gateway: Gateway, path: str, **headers: str) -> tuple[httpx2.Response, bytes]:
    """The answer, and its body as it came."""
    async with gateway.http.stream("GET", path, headers=headers) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


@pytest.mark.parametrize("path", LONG)
async def test_long_answers_are_compressed_for_those_who_take_it(full: Gateway, path: str) -> None:
    """The same JSON in fewer bytes; a cache is told that it depends, either way."""
    plain, body = await sent(full, path, **{"accept-encoding": "identity"})
    packed, bytes_sent = await sent(full, path, **GZIP)

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(bytes_sent)) == json.loads(body)
    assert int(packed.headers["content-length"]) == len(bytes_sent) < len(body) == int(plain.headers["content-length"])
    assert packed.headers["content-type"] == plain.headers["content-type"] == "application/json"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_short_answers_and_errors_go_as_they_are(full: Gateway) -> None:
    """Compressing them saves nothing."""
    for path in (
        "/api/anime?q=nothing-like-it",
        "/api/anime?limit=0",
        "/api/anime/nobody",
        "/api/anime/nobody/history",
    ):
        response, body = await sent(full, path, **GZIP)

        assert "content-encoding" not in response.headers
        assert json.loads(body)


async def test_other_answers_are_never_compressed(full: Gateway) -> None:
    """Neither what is fast because it is short, nor the log, which may have no end."""
    for path in ("/api/anime/k1/loading-status", "/api/events", "/metrics"):
        response, body = await sent(full, path, **GZIP)
        assert "content-encoding" not in response.headers
        assert body

    added_now = await full.http.post(
        "/api/anime/add", headers=GZIP, json={"link": LINK, "name": "One Piece " * 40, "year": 1999}
    )
    assert added_now.status_code == 202
    assert not {"content-encoding", "vary"} & set(added_now.headers)


async def test_the_stream_is_never_compressed(full: Gateway) -> None:
    """A snapshot is long, but what follows it must not wait in a compressor."""
    received = b""

    async with full.http.stream("GET", "/api/loading-status/stream", headers=GZIP) as response:
        async for chunk in response.aiter_raw():
            received += chunk
            if received.count(b"event: series_loading_update\n") == 5:
                break

    assert response.headers["content-type"].startswith("text/event-stream")
    assert not {"content-encoding", "vary"} & set(response.headers)


async def test_the_socket_is_never_compressed(full: Gateway) -> None:
    """Neither as an answer nor by an extension of its own."""
    url = full.url.replace("http", "ws") + "/ws/loading-status"
    headers: dict[str, Any] = {"x-api-key": API_KEY} | GZIP

    async with connect(url, additional_headers=headers) as socket:
        await socket.send('{"action": "subscribe"}')
        answer = await socket.recv()

    assert isinstance(answer, str)
    assert json.loads(answer)["type"] == "subscribed"
    assert socket.response is not None
    assert not {"content-encoding", "sec-websocket-extensions"} & {name.lower() for name in socket.response.headers}
