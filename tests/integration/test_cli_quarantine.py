"""`coldopen quarantine release` with a real log, a real PostgreSQL and the projector: what is taken, what is not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import EventParked, PartFailed, RecordedEvent, SeriesRemoved
from contracts.state import SeriesState
from deploy.local.nats_server import NatsServer
from services.cli.main import main
from services.platform.event_store import EventStore
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

BAD_BODY = b'{"type":"part-failed.v1","key":"bleach"}'
UNKNOWN_TAG = b'{"type":"series-rated.v9","key":"bleach","stars":5}'

Says = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def says(nats_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """The exit status, the last line of the output, and the errors of `coldopen quarantine release`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDOPEN_NATS_URL", nats_url)

    async def says(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["quarantine", "release", *arguments])
        said = capsys.readouterr()
        lines = said.out.splitlines()  # the projector of the same process logs there, too
        return code, lines[-1] if lines else "", said.err

    return says


async def has_caught_up(store: EventStore, engine: AsyncEngine) -> bool:
    return (await ReadModel(engine).checkpoint()).position == (await store.info()).last_position


@asynccontextmanager
async def projecting(store: EventStore, engine: AsyncEngine) -> AsyncIterator[None]:
    """The projector works, and has taken all that is in the log when the block is entered."""
    running = asyncio.ensure_future(Projector(store, ReadModel(engine)).run())
    try:
        await eventually(lambda: has_caught_up(store, engine), within=20)
        yield
        await eventually(lambda: has_caught_up(store, engine), within=20)
    finally:
        await end(running)


async def load(store: EventStore, key: str) -> int:
    """A series that is loaded; the position of its add."""
    position = (await store.append(added(key))).position
    for event in loaded_after(key, position):
        await store.append(event)
    return position


async def park(store: EventStore, key: str, position: int) -> None:
    await store.append(EventParked(key=key, parked_position=position, reason="not known yet"))


async def poison(store: EventStore, body: bytes) -> int:
    return (await store.js.publish("series.bleach.nfo.failed", body)).seq


async def row(engine: AsyncEngine, key: str) -> SeriesState | None:
    async with engine.connect() as connection:
        query = text("SELECT state FROM anime_series WHERE key = :key")
        found = (await connection.execute(query, {"key": key})).scalar_one_or_none()
    return msgspec.json.decode(found, type=SeriesState) if found is not None else None


async def parkings(store: EventStore, key: str) -> list[int]:
    found = [one.event for one in await store.events_of(key) if isinstance(one, RecordedEvent)]
    return [event.parked_position for event in found if isinstance(event, EventParked)]


async def test_what_can_be_taken_by_now_counts_again(store: EventStore, engine: AsyncEngine, says: Says) -> None:
    """The row is the fold of all that its series did, as if the event had never been skipped."""
    position = await load(store, "bleach")
    episodes_at = position + 7
    await park(store, "bleach", episodes_at)
    skipped = await store.state_of("bleach")
    async with projecting(store, engine):
        code, said, _ = await says(str(episodes_at))

    after = await row(engine, "bleach")
    assert (code, said) == (0, f"Taken: the event at {episodes_at} counts again for bleach.")
    assert skipped is not None
    assert skipped.episodes.outcome is None
    assert after is not None
    assert (after.loading_status, after.parked, after.position) == ("completed", {}, position + 12)
    assert after == await store.state_of("bleach")
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM episodes"))).scalar_one() == 2


async def test_an_add_that_was_set_aside_becomes_a_series(store: EventStore, engine: AsyncEngine, says: Says) -> None:
    """It has no row before; with its add, all that followed counts too."""
    position = await load(store, "bleach")
    async with projecting(store, engine):
        pass
    await park(store, "bleach", position)
    async with engine.begin() as connection:  # as a projector leaves it that could not take the add
        await connection.execute(text("DELETE FROM anime_series"))
    async with projecting(store, engine):
        code, _, _ = await says(str(position))

    after = await row(engine, "bleach")
    assert code == 0
    assert after is not None
    assert after.loading_status == "completed"
    assert after == await store.state_of("bleach")


@pytest.mark.parametrize(("body", "why"), [(BAD_BODY, "part-failed.v1"), (UNKNOWN_TAG, "unknown event type")])
async def test_what_still_cannot_be_read_is_set_aside_again(
    store: EventStore, engine: AsyncEngine, says: Says, body: bytes, why: str
) -> None:
    """Each time, with the reason; its series shows it, and the others go on."""
    await store.append(added("bleach"))
    bad = await poison(store, body)
    async with projecting(store, engine):
        first = await says(str(bad))
        again = await says(str(bad), "--json")
        await load(store, "naruto")

    assert first[0] == 1
    assert first[1].startswith(f"Set aside again: the event at {bad} of bleach still can't be taken: ")
    assert why in first[1]
    assert (again[0], why in json.loads(again[1])["reason"]) == (1, True)
    assert await parkings(store, "bleach") == [bad] * 3
    after, naruto = await row(engine, "bleach"), await row(engine, "naruto")
    assert after is not None
    assert list(after.parked) == [bad]
    assert after == await store.state_of("bleach")
    assert naruto is not None
    assert naruto.loading_status == "completed"


async def test_what_the_database_still_refuses_is_set_aside_again(
    store: EventStore, engine: AsyncEngine, says: Says
) -> None:
    """It is the event that is set aside, not the one that let it try."""
    position = (await store.append(added("bleach", year=2**40))).position
    async with projecting(store, engine):
        await eventually(lambda: parkings(store, "bleach"), within=20)
        code, said, _ = await says(str(position))
        await load(store, "naruto")

    assert code == 1
    assert "the database refused it" in said
    assert await parkings(store, "bleach") == [position] * 2
    assert await row(engine, "bleach") is None
    assert await row(engine, "naruto") is not None


async def test_a_removed_series_stays_removed(store: EventStore, engine: AsyncEngine, says: Says) -> None:
    """What counts again came before its removal."""
    position = await load(store, "bleach")
    await park(store, "bleach", position + 7)
    await store.append(SeriesRemoved(key="bleach"))
    async with projecting(store, engine):
        code, _, _ = await says(str(position + 7))

    after = await row(engine, "bleach")
    assert code == 0
    assert after is not None
    assert (after.removed, after.parked) == (True, {})
    assert after == await store.state_of("bleach")


async def test_what_a_former_life_left_is_over(store: EventStore, says: Says) -> None:
    """Added anew, a series has nothing set aside."""
    await store.append(added("bleach"))
    bad = await poison(store, BAD_BODY)
    await park(store, "bleach", bad)
    await store.append(SeriesRemoved(key="bleach"))
    await store.append(added("bleach"))

    code, _, error = await says(str(bad))

    assert code == 1
    assert f"no event is set aside at {bad}" in error
    assert "nothing is quarantined" in error


@pytest.mark.parametrize(
    ("position", "code", "said"),
    [
        ("0", 2, "they begin at 1"),
        ("-3", 2, "-3"),
        ("first", 2, "first"),
        ("1", 1, "no event is set aside at 1"),
        ("999", 1, "set aside are: 2"),
    ],
)
async def test_a_position_where_nothing_is_set_aside_is_refused(
    store: EventStore, says: Says, position: str, code: int, said: str
) -> None:
    """With what is; and nothing is recorded."""
    await store.append(added("bleach"))
    await park(store, "bleach", await poison(store, BAD_BODY))

    refused = await says(position)

    assert refused[0] == code
    assert said in refused[2]
    assert (await store.info()).last_position == 3


async def test_without_a_running_coldopen_it_says_how_to_start_one(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLDOPEN_NATS_URL")

    code, _, error = await says("7")

    assert code == 1
    assert "start it with: coldopen up" in error


async def test_a_projector_that_is_away_takes_it_later(
    store: EventStore, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded is recorded: the command says so, and does not wait for ever."""
    monkeypatch.setattr("services.cli.releasing._PROJECTING", 0.2)
    position = (await store.append(added("bleach"))).position
    failed = PartFailed(
        key="bleach",
        part="nfo",  # type: ignore[arg-type]
        cause=position,
        attempt=1,
        error={"kind": "network", "code": "a", "message": "b"},  # type: ignore[arg-type]
    )
    bad = (await store.append(failed)).position
    await park(store, "bleach", bad)

    code, _, error = await says(str(bad))

    assert code == 1
    assert "is released, but the projector has not come to it" in error


async def test_a_log_that_is_not_there_is_said_at_once(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDOPEN_NATS_URL", "nats://operator:secret@127.0.0.1:1")

    code, _, error = await says("7")

    assert code == 1
    assert "the event log can't be reached" in error
    assert "secret" not in error


@pytest.mark.parametrize("role", ["gateway", "nfo", "caretaker"])
async def test_a_user_without_the_right_is_told_so(
    store: EventStore, nats_server: NatsServer, says: Says, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """At once, with what to do, and nothing is recorded; the gateway's user may even hear what would become of it."""
    monkeypatch.setenv("COLDOPEN_NATS_URL", nats_server.url(role))
    await store.append(added("bleach"))
    bad = await poison(store, BAD_BODY)
    await park(store, "bleach", bad)

    code, _, error = await says(str(bad))

    assert code == 1
    assert "this user of the event log may not" in error
    assert "permissions violation" in error
    assert "set COLDOPEN_NATS_URL to the operator's" in error
    assert (await store.info()).last_position == bad + 1
