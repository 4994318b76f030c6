"""When the event log is said to take nothing: it answers, and does not record. An outage is something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from nats.js.api import StreamConfig

from contracts.subjects import STREAM
from services.platform.broker import NO_BUFFER, connect
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, life_of
from services.platform.tasks import end
from tests.support.histories import added

LOOK = b"$JS.API.STREAM.MSG.GET"
PUBLISH = b"PUB series."


async def test_what_the_log_refuses_in_words_is_told_until_it_takes_something(store: EventStore) -> None:
    """A conflict or a repeat does not end it: the log says of what it has, full or not."""
    at = (await store.append(added("bleach"), event_id="first")).position
    config = (await store.js.stream_info(STREAM)).config
    await limit(store, config, at)

    with pytest.raises(LogUnavailable, match="refused: maximum messages exceeded"):
        await store.append(added("naruto"))
    told = [store.refusal]
    with pytest.raises(Conflict):
        await store.append(added("bleach"), expect=life_of("bleach", 0))
    repeat = await store.append(added("bleach"), event_id="first")
    told.append(store.refusal)
    await limit(store, config, -1)
    await store.append(added("naruto"))

    assert repeat.duplicate
    assert told[0] is not None
    assert "maximum messages exceeded" in told[0]
    assert told[1] == told[0]
    assert store.refusal is None


async def limit(store: EventStore, config: StreamConfig, messages: int) -> None:
    config.max_msgs = messages
    await store.js.update_stream(config)


async def test_a_connection_that_is_lost_over_and_over_is_no_full_disk(store: EventStore, nats_url: str) -> None:
    """One good look between two losses, as while a server is started anew, does not say that it takes nothing."""
    lost = [PUBLISH, LOOK, PUBLISH, LOOK]
    async with losing(nats_url, lost, let_through=1) as url:
        nc = await connect("test", url, pending_size=NO_BUFFER)
        shaky = EventStore(nc, timeout=6.0)
        try:
            with pytest.raises(LogUnavailable, match="does not answer"):
                await shaky.append(added("bleach"))

            assert shaky.refusal is None
        finally:
            await nc.close()


@asynccontextmanager
async def losing(url: str, requests: list[bytes], *, let_through: int) -> AsyncIterator[str]:
    """The server at another address, whose connection is lost at each of `requests` in turn, but for one of them."""
    server = urlsplit(url)
    turn = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        theirs, ours = await asyncio.open_connection(server.hostname, server.port)
        back = asyncio.ensure_future(pass_on(theirs, writer))
        try:
            while data := await reader.read(65536):
                if turn < len(requests) and requests[turn] in data:
                    turn += 1
                    if turn - 1 != let_through:
                        return
                ours.write(data)
        finally:
            await end(back)
            ours.close()
            writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server._replace(netloc=f"{server.netloc.rpartition(':')[0]}:{port}").geturl()
    finally:
        listening.close()
