"""`coldopen events` over a real gateway: the log as lines, folded, followed over restarts, and cut short."""

import asyncio
import json
import signal
import subprocess
from pathlib import Path
from typing import TypedDict

import msgspec
import pytest

from contracts.api import HistoryItem
from contracts.events import EventParked, EventUnparked, Part, PartRequested, PartStarted, SeriesRemoved
from contracts.presentation import status_body
from services.cli.folding import Folding
from services.platform import streams
from services.platform.event_store import EventStore
from tests.support import cli
from tests.support.gateway import API_KEY, Gateway
from tests.support.gateway_process import GatewayProcess
from tests.support.histories import added, loaded_after


class Access(TypedDict):
    """Where the gateway is, and the key to it, in a command's environment."""

    COLDOPEN_URL: str
    COLDOPEN_API_KEY: str


def access(url: str) -> Access:
    return Access(COLDOPEN_URL=url, COLDOPEN_API_KEY=API_KEY)


async def coldopen(gateway: Gateway, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(cli.run, folder, *arguments, **access(gateway.url))


async def eventful(gateway: Gateway) -> None:
    """Two series whose events lie between one another's; of one an event is skipped and let in again."""
    dark = await gateway.record(added("dark"))
    await gateway.record(*loaded_after("dark", dark))
    lost = await gateway.record(added("lost"))
    await gateway.record(PartStarted(key="lost", part=Part.IDENTITY, cause=lost, attempt=1, delivery=1))
    asked = await gateway.record(PartRequested(key="dark", part=Part.NFO, reason="refresh"))
    await gateway.record(
        EventParked(key="dark", parked_position=asked, reason="the database refused it"),
        SeriesRemoved(key="lost"),
        EventUnparked(key="dark", parked_position=asked),
        EventParked(key="dark", parked_position=asked, reason="it refused it again"),
    )


async def test_the_log_is_printed_as_the_gateway_tells_it(gateway: Gateway, tmp_path: Path) -> None:
    """All of it, from one position to another, of one series and type, and up to a time."""
    await eventful(gateway)
    lines = (await gateway.http.get("/api/events")).text.splitlines()
    fourth = json.loads(lines[3])["time"]

    everything = await coldopen(gateway, tmp_path, "events")
    some = await coldopen(gateway, tmp_path, "events", "--from", "2", "--to", "5")
    of_one = await coldopen(gateway, tmp_path, "events", "--key", "lost", "--type", "series-removed.v1")
    until = await coldopen(gateway, tmp_path, "events", "--until", fourth)

    assert everything.stdout.splitlines() == lines
    assert some.stdout.splitlines() == lines[1:5]
    assert [json.loads(line)["event"]["type"] for line in of_one.stdout.splitlines()] == ["series-removed.v1"]
    assert until.stdout.splitlines() == lines[:4]
    assert {one.stderr for one in (everything, some, of_one, until)} == {""}


async def test_the_folded_log_is_what_the_status_says_at_every_position(gateway: Gateway) -> None:
    """Also where an event is skipped, and where it counts again."""
    await eventful(gateway)
    lines = (await gateway.http.get("/api/events")).text.splitlines()
    items = [msgspec.json.decode(line, type=HistoryItem) for line in lines]

    def events_of(key: str) -> list[HistoryItem]:
        return [item for item in items if f'"key":"{key}"'.encode() in bytes(item.event)]

    folding = Folding(events_of)
    for item in items:
        folding.take(item)
        for state in folding.states:
            at_position = await gateway.get(f"/api/anime/{state.key}/loading-status", at_position=item.position)
            assert json.loads(msgspec.json.encode(status_body(state))) == at_position
    assert len(folding.states) == 2


async def test_the_folded_log_is_printed_a_series_a_line(gateway: Gateway, tmp_path: Path) -> None:
    """At its end, at a position, and only what has changed since one."""
    await eventful(gateway)
    now = {key: await gateway.get(f"/api/anime/{key}/loading-status") for key in ("dark", "lost")}
    added_lost = (await gateway.get("/api/anime/lost/history"))["items"][0]["position"]

    at_end = await coldopen(gateway, tmp_path, "events", "--fold")
    at_position = await coldopen(gateway, tmp_path, "events", "--fold", "--to", str(added_lost))
    since = await coldopen(gateway, tmp_path, "events", "--fold", "--from", str(added_lost), "--to", str(added_lost))

    assert [json.loads(line) for line in at_end.stdout.splitlines()] == [now["dark"], now["lost"]]
    assert [json.loads(line)["key"] for line in at_position.stdout.splitlines()] == ["dark", "lost"]
    (line,) = since.stdout.splitlines()
    assert (json.loads(line)["key"], json.loads(line)["loading_status"]) == ("lost", "pending")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events", "--to", "900"], "--to 900: the log ends at 2"),
        (["events", "--from", "900"], "--from: the log ends at 2"),
        (["events", "--until", "2001-01-01"], "nothing was recorded by then: it begins at 2"),
        (["events", "--key", "typo"], "nothing is recorded of 'typo'"),
        (["events", "--type", "series-praised.v7"], "series-added.v1"),
        (["status", "dark", "--at", "900"], "--at: dark begins at 1, and the log ends at 2"),
        (["status", "dark", "--at", "2001-01-01"], "--at: dark begins at 2"),
    ],
)
async def test_what_is_not_in_the_log_is_an_error_that_says_what_is(
    gateway: Gateway, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """One line on standard error, and nothing on standard output."""
    await gateway.record(added("dark"), added("lost"))

    result = await coldopen(gateway, tmp_path, *arguments)

    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert said in result.stderr


@pytest.mark.parametrize("fold", [False, True])
async def test_following_goes_on_over_a_restart_of_the_gateway(
    process: GatewayProcess, store: EventStore, tmp_path: Path, *, fold: bool
) -> None:
    """Each position once, also of what was recorded meanwhile; Ctrl-C ends it without a word."""
    await store.append(added("s1"))
    more = ("--fold",) if fold else ()
    with cli.Running(tmp_path, "events", "--follow", *more, **access(process.url)) as following:
        await asyncio.to_thread(following.line, '"position":1,' if not fold else '"position":1}')
        await store.append(added("s2"))
        await asyncio.to_thread(following.line, '"key":"s2"')
        await process.stop(signal.SIGKILL)
        await asyncio.to_thread(following.line, "reconnecting: ")
        await store.append(added("s3"))
        await process.start()
        await asyncio.to_thread(following.line, '"key":"s3"')
        await store.append(added("s4"))
        await asyncio.to_thread(following.line, '"key":"s4"')
        following.send(signal.SIGINT)
        code = await asyncio.to_thread(following.ended)
        said = following.seen

    assert code == 130
    assert [json.loads(line)["position"] for line in said if line.startswith("{")] == [1, 2, 3, 4]
    assert [line.split(":")[0] for line in said if not line.startswith("{")] == ["reconnecting"]


async def test_following_ends_when_it_is_another_log(
    process: GatewayProcess, store: EventStore, tmp_path: Path
) -> None:
    """Its positions would mean something else: an error that says so."""
    await store.append(added("s1"))
    with cli.Running(tmp_path, "events", "--follow", **access(process.url)) as following:
        await asyncio.to_thread(following.line, '"key":"s1"')
        await store.js.delete_stream("SERIES")
        await streams.declare(store.js)
        await store.append(added("t1"))
        await store.append(added("t2"))
        await asyncio.to_thread(following.line, "error: this is another event log than before")

        assert await asyncio.to_thread(following.ended) == 1


@pytest.mark.parametrize("lines", [0, 1])
async def test_a_reader_that_has_seen_enough_is_no_error(gateway: Gateway, tmp_path: Path, lines: int) -> None:
    """`coldopen events | head -1`; and one that goes before the little that there is was written."""
    await gateway.record(*(added(f"s{number}", name="x" * 1000) for number in range(1 + 200 * lines)))

    process = await asyncio.create_subprocess_exec(
        *cli.COLDOPEN,
        "events",
        cwd=tmp_path,
        env=cli.environment(tmp_path, PYTHONUNBUFFERED="", **access(gateway.url)),  # as people have it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    seen = [json.loads(await process.stdout.readline())["position"] for _ in range(lines)]
    process.stdout._transport.close()  # type: ignore[attr-defined]
    said = await process.stderr.read()

    assert seen == [1][:lines]
    assert (await process.wait(), said) == (0, b"")
