"""A small SSE client: what arrived, in order, with its ids."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2


class Received:
    """The events of one subscription so far."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []  # event, id, data
        self.last_id = ""  # also of an id that came alone

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [data for event, _, data in self.events if event == "series_loading_update"]

    @property
    def positions(self) -> list[int]:
        return [int(ident.rpartition("-")[2]) for event, ident, _ in self.events if event == "series_loading_update"]

    def statuses(self, key: str) -> list[str]:
        """The loading statuses that one series went through, each once in a row."""
        found: list[str] = []
        for update in self.updates:
            if update["key"] == key and found[-1:] != [update["loading_status"]]:
                found.append(update["loading_status"])
        return found

    def latest(self) -> dict[str, str]:
        """The newest status of every series."""
        return {update["key"]: update["loading_status"] for update in self.updates}


@asynccontextmanager
async def subscribed(url: str, headers: dict[str, str], **params: str) -> AsyncIterator[Received]:
    """A subscription to the feed at the gateway `url`, open until the block ends."""
    received = Received()
    connected = asyncio.Event()
    async with _in_background(_listen(received, connected, url, headers, params), connected):
        yield received


@asynccontextmanager
async def following(url: str, headers: dict[str, str], *, pace: float = 0.0, **params: str) -> AsyncIterator[Received]:
    """As `subscribed`, but whenever the connection ends it comes back with the last id that it got, as browsers do.

    It takes `pace` seconds over each event.
    """
    received = Received()
    connected = asyncio.Event()

    async def keep_listening() -> None:
        while True:
            resumed = {"Last-Event-ID": received.last_id} if received.last_id else {}
            with suppress(httpx2.HTTPError, _NotTaken):
                await _listen(received, connected, url, headers | resumed, params, pace)
            await asyncio.sleep(0.1)

    async with _in_background(keep_listening(), connected):
        yield received


class _NotTaken(Exception):
    """The gateway is there, but takes no subscription now."""


async def _listen(
    received: Received,
    connected: asyncio.Event,
    url: str,
    headers: dict[str, str],
    params: dict[str, str],
    pace: float = 0.0,
) -> None:
    """Note every event until the connection ends."""
    timeout = httpx2.Timeout(10, read=None)
    async with (
        httpx2.AsyncClient(timeout=timeout, trust_env=False, verify=False) as client,
        client.stream("GET", f"{url}/api/loading-status/stream", headers=headers, params=params) as response,
    ):
        if response.status_code != 200:
            raise _NotTaken(await response.aread())
        assert response.headers["content-type"].startswith("text/event-stream")
        connected.set()
        event, ident, data = "message", "", ""
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "id":
                ident = value
            elif field == "data":
                data += value
            elif line == "":
                received.last_id = ident or received.last_id
                if data or event != "message":
                    received.events.append((event, ident, json.loads(data or "{}")))
                    if pace:
                        await asyncio.sleep(pace)
                event, ident, data = "message", "", ""


@asynccontextmanager
async def _in_background(listening: Coroutine[Any, Any, None], connected: asyncio.Event) -> AsyncIterator[None]:
    """Run `listening` until the block ends, which begins when it is connected."""
    task = asyncio.ensure_future(listening)
    waiting = asyncio.ensure_future(connected.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    if task.done():
        task.result()
    try:
        yield
    finally:
        task.cancel()
        waiting.cancel()
        with suppress(asyncio.CancelledError, httpx2.HTTPError):
            await task
