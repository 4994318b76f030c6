"""What the projector sets aside, as the gateway and `coldopen quarantine` show it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from contracts.events import EventParked, EventUnparked, LogoLoaded, SeriesRemoved
from services.cli.main import main
from services.platform.database import connect_engine
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support.gateway import API_KEY, Gateway
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

BAD_BODY = b'{"type":"part-failed.v1","key":"bleach"}'
UNKNOWN_TAG = b'{"type":"series-rated.v9","key":"bleach","stars":5}'

Says = Callable[..., Awaitable[tuple[int, str]]]


@asynccontextmanager
async def projecting(gateway: Gateway, database_url: str) -> AsyncIterator[None]:
    """The projector works, and has taken all that is in the log when the block is entered."""
    engine = connect_engine(database_url)
    running = asyncio.ensure_future(Projector(gateway.store, ReadModel(engine)).run())

    async def has_caught_up() -> bool:
        return (await ReadModel(engine).checkpoint()).position == (await gateway.store.info()).last_position

    try:
        await eventually(has_caught_up, within=20)
        yield
    finally:
        await end(running)
        await engine.dispose()


@pytest.fixture
def says(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """The exit status and the output of a command that talks to the gateway."""
    monkeypatch.setenv("COLDOPEN_URL", gateway.url)
    monkeypatch.setenv("COLDOPEN_API_KEY", API_KEY)

    async def says(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, list(arguments))
        return code, capsys.readouterr().out

    return says


async def poison(gateway: Gateway, body: bytes, subject: str = "series.bleach.nfo.failed") -> int:
    """Put bytes into the log that no Coldopen has written; their position."""
    return (await gateway.store.js.publish(subject, body)).seq


async def positions(gateway: Gateway) -> list[int]:
    return [one["position"] for one in (await gateway.get("/api/quarantine"))["items"]]


async def test_what_the_projector_sets_aside_is_listed(gateway: Gateway, database_url: str) -> None:
    """With its reason and its body, oldest first; every other series is there as ever."""
    await gateway.record(added("bleach"))
    bad, unknown = await poison(gateway, BAD_BODY), await poison(gateway, UNKNOWN_TAG)
    no_json = await poison(gateway, b"\xff\x00 no JSON")
    naruto = await gateway.record(added("naruto"))
    await gateway.record(*loaded_after("naruto", naruto))
    async with projecting(gateway, database_url):
        body = await gateway.get("/api/quarantine")

    assert body["total"] == 3
    assert [(one["position"], one["key"], one["type"]) for one in body["items"]] == [
        (bad, "bleach", "part-failed.v1"),
        (unknown, "bleach", "series-rated.v9"),
        (no_json, "bleach", None),
    ]
    first, second, third = body["items"]
    assert first["event"] == json.loads(BAD_BODY)
    assert "written by a newer Coldopen?" in second["reason"]
    assert (third["event"], third["text"]) == (None, "\\xff\x00 no JSON")
    assert all(one["time"] <= one["parked_at"] for one in body["items"])
    assert (await gateway.get("/api/anime/naruto"))["loading_status"] == "completed"


async def test_an_add_that_the_database_refuses_is_listed_though_it_has_no_row(
    gateway: Gateway, database_url: str
) -> None:
    """Nothing else could tell of it: the series is in no list."""
    position = await gateway.record(added("bleach", year=2**40))
    async with projecting(gateway, database_url):
        await eventually(lambda: positions(gateway), within=20)
        (item,) = (await gateway.get("/api/quarantine"))["items"]

    assert (item["position"], item["type"], item["event"]["year"]) == (position, "series-added.v1", 2**40)
    assert item["reason"] == "its numbers are too large"


async def test_what_counts_again_is_not_listed(gateway: Gateway) -> None:
    await gateway.record(added("bleach"))
    first, second = await poison(gateway, BAD_BODY), await poison(gateway, UNKNOWN_TAG)
    await gateway.record(
        EventParked(key="bleach", parked_position=first, reason="a"),
        EventParked(key="bleach", parked_position=second, reason="b"),
        EventUnparked(key="bleach", parked_position=first),
    )

    assert await positions(gateway) == [second]


async def test_a_removed_series_is_listed_until_it_is_added_anew(gateway: Gateway) -> None:
    """Then another life has begun, in which what happened before counts for nothing."""
    await gateway.record(added("bleach"))
    position = await poison(gateway, BAD_BODY)
    await gateway.record(
        EventParked(key="bleach", parked_position=position, reason="a"), SeriesRemoved(key="bleach", delete_files=False)
    )
    while_removed = await positions(gateway)
    await gateway.record(added("bleach"))

    assert while_removed == [position]
    assert await positions(gateway) == []


async def test_a_long_body_is_told_by_its_beginning(gateway: Gateway) -> None:
    """An event may have megabytes: a list of them would not fit anywhere."""
    await gateway.record(added("bleach"))
    body = json.dumps({"type": "part-failed.v1", "key": "bleach", "more": "x" * 20_000}).encode()
    position = await poison(gateway, body)
    await gateway.record(EventParked(key="bleach", parked_position=position, reason="a"))

    (item,) = (await gateway.get("/api/quarantine"))["items"]

    assert (item["event"], item["type"]) == (None, "part-failed.v1")
    assert item["text"] == body[:10_000].decode()


async def test_the_oldest_come_first_and_total_counts_all(gateway: Gateway) -> None:
    """Whatever the order in which they were set aside."""
    series = {key: await gateway.record(added(key)) for key in ("bleach", "naruto")}
    loaded = {key: await gateway.record(LogoLoaded(key=key, cause=at, attempt=1)) for key, at in series.items()}
    await gateway.record(
        *(EventParked(key=key, parked_position=loaded[key], reason="a") for key in ("naruto", "bleach"))
    )

    body = await gateway.get("/api/quarantine", limit=1)

    assert ([one["key"] for one in body["items"]], body["total"]) == (["bleach"], 2)
    assert body["items"][0]["event"] == {"type": "logo-loaded.v1", "key": "bleach", "cause": 1, "attempt": 1}


@pytest.mark.parametrize("limit", [0, 1001, "many"])
async def test_a_limit_that_is_none_is_refused(gateway: Gateway, limit: int | str) -> None:
    response = await gateway.http.get("/api/quarantine", params={"limit": limit})

    assert response.status_code == 400
    assert "limit" in response.json()["detail"]


async def test_the_command_lists_them(gateway: Gateway, says: Says) -> None:
    """`quarantine` alone does too; a tag with a terminal's control codes is not passed on."""
    nothing = await says("quarantine")
    await gateway.record(added("bleach"))
    first, second = await poison(gateway, BAD_BODY), await poison(gateway, b'{"type":"\\u001b[2J"}')
    await gateway.record(
        EventParked(key="bleach", parked_position=first, reason="no part\n[SQL: INSERT]"),
        EventParked(key="bleach", parked_position=second, reason="unknown"),
    )

    code, text = await says("quarantine", "list")
    as_json = await says("quarantine", "--json")

    assert nothing == (0, "Nothing is quarantined.\n")
    lines = [line.split() for line in text.splitlines()]
    assert code == 0
    assert lines[0] == ["POSITION", "SERIES", "TYPE", "SINCE", "WHY"]
    assert (lines[1][:3], lines[1][-2:]) == ([str(first), "bleach", "part-failed.v1"], ["no", "part"])
    assert lines[2][:3] == [str(second), "bleach", "?"]
    assert [one["position"] for one in json.loads(as_json[1])["items"]] == [first, second]
    assert (await says("quarantine", "--limit", "1"))[1].splitlines()[-1] == "1 of 2"


async def test_status_says_where_to_look(gateway: Gateway, says: Says) -> None:
    """There is nothing to retry: no part has failed."""
    position = await gateway.record(added("bleach"))
    await gateway.record(*loaded_after("bleach", position))
    skipped = await poison(gateway, BAD_BODY)
    await gateway.record(EventParked(key="bleach", parked_position=skipped, reason="no part"))
    await gateway.project()

    _, text = await says("status", "bleach")

    assert f"event {skipped}: no part" in text
    assert text.splitlines()[-1] == "See which events are skipped, and why: coldopen quarantine"
