"""Logs that are worth saving, and what is in them and in the files of their backups."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import text

from contracts.events import LoadError, Part, PartRetrying, SeriesRemoved
from contracts.subjects import STREAM
from services.cli.backup_file import BackupReader, StoredMessage
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support.builders import BEGIN
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually

POISON = b"\xff\x00 no text"
ROWS = (
    "SELECT * FROM anime_series ORDER BY id",
    "SELECT series_id, season, number, title, air_date, runtime, absolute_number, on_disk FROM episodes ORDER BY id",
    "SELECT * FROM seasons ORDER BY series_id, number",
    "SELECT log_id, position FROM checkpoint",
)

Says = Callable[..., Awaitable[tuple[int, str, str]]]


async def load(store: EventStore, key: str) -> int:
    """A series that is loaded; the position of its add."""
    position = (await store.append(added(key))).position
    for event in loaded_after(key, position):
        await store.append(event)
    return position


async def fill(store: EventStore) -> None:
    """All that a log may hold: loaded and removed series, poison, a time that only the broker knows, an id twice."""
    await load(store, "bleach")
    await load(store, "naruto")
    await store.append(SeriesRemoved(key="naruto"))
    await store.js.publish("series.bleach.nfo.failed", POISON)
    retrying = PartRetrying(
        key="bleach",
        part=Part.NFO,
        cause=3,
        attempt=1,
        error=LoadError(kind="busy", code="a", message="b"),
        retry_at=BEGIN,
        delay=1.0,
    )
    body = b'{"type":"series-removed.v1","key":"naruto"}'
    await store.js.publish("series.naruto.removed", body)  # as nobody of ours writes it: without any header
    for _ in range(2):  # an id comes again after the log's two minutes
        await store.js.publish("series.naruto.removed", body, headers={"ce-id": "again"})
    await store.append(retrying)


def read_bytes(name: str) -> bytes:
    return Path(name).read_bytes()


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def spoiled(file: Path, spoil: Callable[[bytes], bytes]) -> None:
    """Put a bad copy of the backup at `bad.backup`."""
    Path("bad.backup").write_bytes(spoil(file.read_bytes()))


def contents(file: Path) -> list[StoredMessage]:
    with file.open("rb") as opened:
        return list(BackupReader(opened).messages())


async def messages(store: EventStore) -> list[tuple[int, str, str, bytes]]:
    """Position, subject, id and body of all that is in the log."""
    last = (await store.js.stream_info(STREAM)).state.last_seq
    found = [await store.js.get_msg(STREAM, seq=at) for at in range(1, last + 1)]
    return [(one.seq or 0, one.subject or "", (one.headers or {}).get("ce-id", ""), one.data or b"") for one in found]


async def project(store: EventStore, database_url: str) -> list[list[dict[str, object]]]:
    """What a projector makes of the log."""
    engine = connect_engine(database_url)
    running = asyncio.ensure_future(Projector(store, ReadModel(engine)).run())
    try:

        async def is_done() -> bool:
            assert not running.done()
            return (await ReadModel(engine).checkpoint()).position == (await store.info()).last_position

        await eventually(is_done, within=60)
        async with engine.connect() as connection:
            return [[dict(row._mapping) for row in await connection.execute(text(query))] for query in ROWS]
    finally:
        await end(running)
        await engine.dispose()
