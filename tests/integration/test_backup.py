"""`coldopen backup` and `restore` on real servers: the same log again, and the same rows; what is refused, and why."""

import asyncio
import gzip
import json
import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError
from sqlalchemy import text

from contracts.events import CONTENT_PARTS, LoadError, Part, PartRequested, PartRetrying, RecordedEvent, SeriesRemoved
from contracts.subjects import STREAM
from deploy.bootstrap import bootstrap_log
from deploy.local.nats_server import NatsServer, running_url
from deploy.local.postgres import Postgres
from services.caretaker.caretaker import Caretaker
from services.cli.backup_file import BackupReader, StoredMessage
from services.cli.main import main
from services.platform import streams
from services.platform.broker import connect
from services.platform.claims import Claim, Claims, folder_token, page_token
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.streams import ForeignLog, LogInfo
from services.platform.tasks import end
from services.projector.projector import Projector
from services.projector.read_model import ReadModel
from tests.support import cli
from tests.support.builders import BEGIN
from tests.support.databases import MIGRATED, fresh_database
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


@pytest.fixture
async def empty() -> AsyncIterator[NatsServer]:
    """Another server, with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        server = NatsServer(Path(folder), sync_interval="1m")
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def restored(empty: NatsServer) -> AsyncIterator[EventStore]:
    """The log of `empty`, once there is one."""
    nc = await connect("test", empty.url())
    yield EventStore(nc, timeout=2.0)
    await nc.close()


@pytest.fixture
def says(nats_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """The exit status, the last line of the output, and the errors of `coldopen` with the server `at`."""
    monkeypatch.chdir(tmp_path)

    async def says(*arguments: str, at: str = nats_url) -> tuple[int, str, str]:
        monkeypatch.setenv("COLDOPEN_NATS_URL", at)
        code = await asyncio.to_thread(main, list(arguments))
        said = capsys.readouterr()
        lines = said.out.splitlines()  # a projector of the same process logs there, too
        return code, lines[-1] if lines else "", said.err

    return says


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


async def test_a_restored_log_is_the_log(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says, postgres: Postgres
) -> None:
    """The same id, the same events at the same positions, whatever they are; and from them the same rows."""
    await fill(store)
    async with fresh_database(postgres, MIGRATED) as first, fresh_database(postgres, MIGRATED) as second:
        before = await project(store, postgres.url(database=first))
        saved = await says("backup", "log.backup", "--json")
        made = await says("restore", "log.backup", "--json", at=empty.url())
        after = await project(restored, postgres.url(database=second))

    info = await store.info()
    assert (saved[0], made[0]) == (0, 0), saved[2] + made[2]
    assert await restored.info() == info
    assert await messages(restored) == await messages(store)
    assert after == before
    assert len(before[0]) == 2
    told = json.loads(saved[1])
    assert (told["log_id"], told["events"], told["position"]) == (info.log_id, info.last_position, info.last_position)
    assert told["bytes"] == len(read_bytes("log.backup"))
    assert {name: value for name, value in json.loads(made[1]).items() if name != "seconds"} == {
        "log_id": info.log_id,
        "events": info.last_position,
        "position": info.last_position,
    }


async def test_it_can_be_saved_again(store: EventStore, empty: NatsServer, says: Says) -> None:
    """What a restored log gives is what was saved, but for the broker's times; those count where there is no other."""
    await fill(store)
    await says("backup", "first.backup")
    await says("restore", "first.backup", at=empty.url())
    await says("backup", "second.backup", at=empty.url())

    first, second = contents(Path("first.backup")), contents(Path("second.backup"))
    assert [(one.position, one.subject, one.body) for one in second] == [
        (one.position, one.subject, one.body) for one in first
    ]
    assert [one.headers for one in second] == [{"ce-time": one.time.isoformat()} | one.headers for one in first]


async def test_a_backup_under_load_is_the_log_as_it_was_at_its_start(store: EventStore, says: Says) -> None:
    """What is added meanwhile is not in it, and nothing else is missing."""
    for number in range(30):
        await load(store, f"before-{number}")
    first = (await store.info()).last_position
    going_on = asyncio.Event()

    async def add() -> None:
        while True:
            await load(store, f"meanwhile-{(await store.info()).last_position}")
            going_on.set()

    adding = asyncio.ensure_future(add())
    await going_on.wait()
    code, _, error = await says("backup", "log.backup")
    await end(adding)

    saved = contents(Path("log.backup"))
    last = (await store.info()).last_position
    assert code == 0, error
    assert first < len(saved) < last
    assert [(one.position, one.subject, one.body) for one in saved] == [
        (position, subject, body) for position, subject, _, body in (await messages(store))[: len(saved)]
    ]


async def test_loaders_go_on_behind_it_and_what_was_open_is_asked_for_again(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says, tmp_path: Path
) -> None:
    """Nothing that it holds is delivered; the caretaker asks once for what was queued, in work or waiting to be."""
    await fill(store)
    await store.append(added("queued"))
    half = (await store.append(added("half"))).position
    for event in loaded_after("half", half)[:5]:
        await store.append(event)
    await says("backup", "log.backup")
    await says("restore", "log.backup", at=empty.url())
    last = (await restored.info()).last_position

    await streams.declare(restored.js)  # as each start does
    consumers = [await restored.js.consumer_info(STREAM, part.value) for part in Part]
    one = Caretaker(restored, Library(tmp_path), interval=60, between=0, refresh_after=timedelta(days=3650))
    asked = [await one.check(), await one.check()]

    assert {(each.config.deliver_policy, each.config.opt_start_seq) for each in consumers} == {
        (DeliverPolicy.BY_START_SEQUENCE, last + 1)
    }
    assert [each.num_pending for each in consumers] == [0] * 5
    assert asked == [5, 0]
    events = [each.event async for each in restored.read_all(after=last) if isinstance(each, RecordedEvent)]
    requests = [(event.key, event.part) for event in events if isinstance(event, PartRequested)]
    assert requests == [("queued", Part.IDENTITY), *(("half", part) for part in CONTENT_PARTS)]
    (delivered,) = await (await restored.js.pull_subscribe_bind("identity", STREAM)).fetch(5, timeout=5)
    assert delivered.metadata.sequence.stream == last + 1


async def test_a_log_that_is_only_declared_is_replaced(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says
) -> None:
    """As the first `coldopen up` leaves it; the claims are told from the log, whatever was in the way."""
    await load(store, "bleach")
    await bootstrap_log(empty.url())
    claims = await Claims.open(restored)
    await restored.js.get_msg(f"KV_{streams.CLAIMS_BUCKET}", seq=1)  # there is one, and it is complete

    async def never(_: Claim) -> bool:
        return False

    await claims.claim(page_token(added("bleach").canonical), Claim("another"), never)
    await says("backup", "log.backup")
    code, _, error = await says("restore", "log.backup", at=empty.url())
    info = await bootstrap_log(empty.url())

    claims = await Claims.open(restored)
    assert code == 0, error
    assert info == await store.info()
    assert await claims.holder(page_token(added("bleach").canonical)) == Claim("bleach", 1)
    assert await claims.holder(folder_token("Bleach (2013)")) == Claim("bleach", 1)


async def test_an_empty_log_can_be_saved_and_restored(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says
) -> None:
    saved = await says("backup", "log.backup")
    made = await says("restore", "log.backup", at=empty.url())

    assert (saved[0], made[0]) == (0, 0)
    assert await restored.info() == await store.info()


async def test_a_pipe_takes_it_from_one_server_to_another(
    store: EventStore, empty: NatsServer, restored: EventStore, nats_url: str, tmp_path: Path
) -> None:
    """`coldopen backup - | coldopen restore -`"""
    await fill(store)

    def piped() -> tuple[bytes, bytes]:
        env = cli.environment(tmp_path, COLDOPEN_NATS_URL=nats_url)
        saving = subprocess.run([*cli.COLDOPEN, "backup", "-"], cwd=tmp_path, env=env, capture_output=True, check=True)
        env = cli.environment(tmp_path, COLDOPEN_NATS_URL=empty.url())
        subprocess.run([*cli.COLDOPEN, "restore", "-"], cwd=tmp_path, env=env, input=saving.stdout, check=True)
        return saving.stdout, saving.stderr

    backup, said = await asyncio.to_thread(piped)

    assert await restored.info() == await store.info()
    assert await messages(restored) == await messages(store)
    assert gzip.decompress(backup).count(b"\n") == (await store.info()).last_position + 2
    assert b"Saved" in said


async def test_a_backup_is_private_and_replaces_nothing(store: EventStore, says: Says, tmp_path: Path) -> None:
    """Unless it is told to; and nothing else is left in its folder."""
    await fill(store)
    file = tmp_path / "log.backup"
    file.write_bytes(b"mine")

    refused = await says("backup", "log.backup")
    kept = file.read_bytes()
    forced = await says("backup", "log.backup", "--force")
    checked = await says("backup", "log.backup", "--check")

    assert (refused[0], kept) == (1, b"mine")
    assert "log.backup is there already" in refused[2]
    assert "--force" in refused[2]
    assert (forced[0], checked[0]) == (0, 0)
    assert f"log.backup is whole: {len(contents(file))} events" in checked[1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["log.backup"]


async def test_where_it_cannot_be_written_it_says_so(store: EventStore, says: Says) -> None:
    code, _, error = await says("backup", "no/such/folder/log.backup")

    assert code == 1
    assert "can't be written: No such file or directory" in error


async def test_a_log_that_is_not_whole_is_not_saved(store: EventStore, says: Says, tmp_path: Path) -> None:
    """Positions are what all else refers to: a log with a hole can't be made again, and no file says that it is one."""
    await fill(store)
    config = (await store.js.stream_info(STREAM)).config
    await store.js.delete_stream(STREAM)
    config.deny_delete = False
    await store.js.add_stream(config)
    await fill(store)
    await store.js.delete_msg(STREAM, 5)

    code, _, error = await says("backup", "log.backup")

    assert code == 1
    assert "the event log is not whole: 6 comes after 4" in error
    assert names_in(tmp_path) == []


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def tampered(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b"Bleach", b"Blaech"))


def of_the_future(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b'"version":1', b'"version":2'))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (cut, "it is cut short"),
        (tampered, "what it holds is not what was saved"),
        (of_the_future, "it is of format 2"),
        (lambda _: b"hello", "it is no backup of Coldopen's"),
    ],
)
async def test_what_is_damaged_is_not_restored(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says, spoil: Callable[[bytes], bytes], why: str
) -> None:
    """Nor is half of it: the place is as empty as it was, for another try."""
    await fill(store)
    await says("backup", "log.backup")
    spoiled(Path("log.backup"), spoil)

    checked = await says("backup", "bad.backup", "--check")
    refused = await says("restore", "bad.backup", at=empty.url())
    with pytest.raises(NotFoundError):
        await restored.js.stream_info(STREAM)
    again = await says("restore", "log.backup", at=empty.url())

    assert (checked[0], refused[0], again[0]) == (1, 1, 0)
    assert why in checked[2]
    assert "bad.backup can't be read: it is" in refused[2]
    assert why in refused[2]
    assert await restored.info() == await store.info()


async def test_a_log_with_events_is_left_alone(store: EventStore, says: Says) -> None:
    """Were it the very log that was saved."""
    await fill(store)
    await says("backup", "log.backup")
    before = await messages(store)

    code, _, error = await says("restore", "log.backup")

    assert code == 1
    assert f"there is an event log with {len(before)} events already" in error
    assert "with another --data-dir" in error
    assert await messages(store) == before


async def test_services_at_work_are_noticed(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says
) -> None:
    """A projector or a loader: it must not be working while its log is replaced."""
    await says("backup", "log.backup")
    own = await streams.declare(restored.js)

    async def take(_: object) -> None: ...

    following = await restored.follow(0, take)
    while_projecting = await says("restore", "log.backup", at=empty.url())
    await following.stop()
    subscription = await restored.js.pull_subscribe_bind("nfo", STREAM)
    pulling = asyncio.ensure_future(subscription.fetch(1, timeout=60))

    async def is_waiting() -> bool:
        return bool((await restored.js.consumer_info(STREAM, "nfo")).num_waiting)

    await eventually(is_waiting)
    while_loading = await says("restore", "log.backup", at=empty.url())
    await end(pulling)

    assert (while_projecting[0], while_loading[0]) == (1, 1)
    assert "services are at work" in while_projecting[2]
    assert "services are at work" in while_loading[2]
    assert await restored.info() == own


@pytest.mark.parametrize(
    ("log_id", "position", "fits"),
    [(None, 0, True), ("same", 5, True), ("same", 500, False), ("another", 5, False)],
)
async def test_rows_of_another_log_are_noticed(
    store: EventStore,
    empty: NatsServer,
    says: Says,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    log_id: str | None,
    position: int,
    fits: bool,
) -> None:
    """Or of more of it than was saved; no projector would go on from them. Older ones of this log do no harm."""
    await fill(store)
    await says("backup", "log.backup")
    engine = connect_engine(database_url)
    async with engine.begin() as connection:
        told = {"log_id": (await store.info()).log_id if log_id == "same" else log_id, "position": position}
        await connection.execute(text("UPDATE checkpoint SET log_id = :log_id, position = :position"), told)
    await engine.dispose()
    monkeypatch.setenv("COLDOPEN_DATABASE_URL", database_url)

    code, _, error = await says("restore", "log.backup", at=empty.url())

    assert code == (0 if fits else 1), error
    assert fits or f"the database tells of events up to {position}" in error


@pytest.mark.parametrize("role", ["gateway", "projector"])
async def test_only_the_operator_may(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says, role: str
) -> None:
    await says("backup", "log.backup")

    code, _, error = await says("restore", "log.backup", at=empty.url(role))

    assert code == 1
    assert "this user of the event log may not make the event log" in error
    with pytest.raises(NotFoundError):
        await restored.js.stream_info(STREAM)


async def test_where_nothing_is_it_says_so(store: EventStore, empty: NatsServer, says: Says, tmp_path: Path) -> None:
    """No file, no log, nobody who answers."""
    no_file = await says("restore", "log.backup", at=empty.url())
    no_log = await says("backup", "log.backup", at=empty.url())
    nobody = await says("backup", "log.backup", at="nats://operator:secret@127.0.0.1:1")

    assert (no_file[0], no_log[0], nobody[0]) == (1, 1, 1)
    assert "log.backup can't be read: No such file or directory" in no_file[2]
    assert "there is no event log yet" in no_log[2]
    assert "the event log can't be reached" in nobody[2]
    assert "secret" not in nobody[2]
    assert names_in(tmp_path) == []


@contextmanager
def fed_most(folder: Path, backup: bytes, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """`coldopen restore -` into `folder/data` that has got most of a backup, and waits for the rest."""
    process = subprocess.Popen(
        [*cli.COLDOPEN, "restore", "-", "--data-dir", "data"],
        cwd=folder,
        env=cli.environment(folder, **env),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(backup[: most(backup)])
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.communicate()


def most(backup: bytes) -> int:
    return len(backup) * 9 // 10


async def reached(url: str | None) -> int:
    """How far the log of a server reaches, half restored or not; 0 while there is none."""
    try:
        nc = await nats.connect(url or "", allow_reconnect=False, connect_timeout=1)
    except (NatsError, OSError, ValueError):
        return 0
    try:
        return int((await nc.jetstream().stream_info(STREAM)).state.last_seq)
    except (NatsError, TimeoutError):
        return 0
    finally:
        await nc.close()


async def test_a_restore_that_was_killed_is_no_log_and_is_begun_anew(
    store: EventStore, says: Says, tmp_path: Path, database_url: str
) -> None:
    """kill -9 when most of it is there: `up` refuses it and says what to do, and another restore makes it whole."""
    for number in range(100):
        await load(store, f"series-{number}")
    await says("backup", "log.backup")
    with fed_most(tmp_path, read_bytes("log.backup")) as process:
        await eventually(lambda: reached(running_url(tmp_path / "data")), within=30, every=0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)

    arguments = ("up", "--data-dir", "data", "--library", "library", "--port", "0")
    refused = await asyncio.to_thread(cli.run, tmp_path, *arguments, COLDOPEN_DATABASE_URL=database_url)
    again = await asyncio.to_thread(cli.run, tmp_path, "restore", "log.backup", "--data-dir", "data")
    saved = await asyncio.to_thread(cli.run, tmp_path, "backup", "again.backup", "--data-dir", "data")

    assert refused.returncode == 1
    assert "is only half restored" in refused.stderr
    assert "coldopen restore" in refused.stderr
    assert (again.returncode, saved.returncode) == (0, 0), again.stderr + saved.stderr
    assert [(one.position, one.subject, one.headers, one.body) for one in contents(tmp_path / "again.backup")] == [
        (one.position, one.subject, one.headers, one.body) for one in contents(tmp_path / "log.backup")
    ]


async def test_what_another_writes_meanwhile_is_not_mixed_with_it(
    store: EventStore, empty: NatsServer, restored: EventStore, says: Says, tmp_path: Path
) -> None:
    """A gateway that nobody stopped: each event goes to its own position or nowhere, and there is no log then."""
    for number in range(100):
        await load(store, f"series-{number}")
    await says("backup", "log.backup")
    backup = read_bytes("log.backup")
    with fed_most(tmp_path, backup, COLDOPEN_NATS_URL=empty.url()) as process:
        await eventually(lambda: reached(empty.url()), within=30, every=0.1)
        await restored.append(added("meanwhile"))
        _, error = await asyncio.to_thread(process.communicate, backup[most(backup) :])

    assert process.returncode == 1
    assert b"somebody else writes to the event log there" in error
    with pytest.raises(NotFoundError):
        await restored.js.stream_info(STREAM)


async def test_nobody_goes_on_with_a_log_that_is_half_restored(store: EventStore, says: Says) -> None:
    """Neither the bootstrap, nor a service that reads, nor a backup: it holds too little, and says so."""
    await load(store, "bleach")
    await streams.begin_restoring(store.js, "the-log", replicas=1)

    with pytest.raises(ForeignLog, match="the-log is only half restored"):
        await streams.declare(store.js)
    with pytest.raises(ForeignLog, match="half restored"):
        await store.info()
    code, _, error = await says("backup", "log.backup")

    assert code == 1
    assert "the-log is only half restored" in error
    assert await streams.end_restoring(store.js, LogInfo("the-log", 0), replicas=1) == LogInfo("the-log", 0)
