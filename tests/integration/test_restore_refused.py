"""What `coldopen restore` refuses; and of one that did not come to its end, nothing passes for a log."""

import asyncio
import gzip
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from sqlalchemy import text

from contracts.subjects import STREAM
from deploy.local.nats_server import NatsServer, running_url
from services.platform import streams
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.streams import ForeignLog, LogInfo
from services.platform.tasks import end
from tests.support import cli
from tests.support.backups import Says, contents, fill, load, messages, names_in, read_bytes, spoiled
from tests.support.histories import added
from tests.support.waiting import eventually


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
    store: EventStore,
    other_server: NatsServer,
    other_store: EventStore,
    says: Says,
    spoil: Callable[[bytes], bytes],
    why: str,
) -> None:
    """Nor is half of it: the place is as empty as it was, for another try."""
    await fill(store)
    await says("backup", "log.backup")
    spoiled(Path("log.backup"), spoil)

    checked = await says("backup", "bad.backup", "--check")
    refused = await says("restore", "bad.backup", at=other_server.url())
    with pytest.raises(NotFoundError):
        await other_store.js.stream_info(STREAM)
    again = await says("restore", "log.backup", at=other_server.url())

    assert (checked[0], refused[0], again[0]) == (1, 1, 0)
    assert why in checked[2]
    assert "bad.backup can't be read: it is" in refused[2]
    assert why in refused[2]
    assert await other_store.info() == await store.info()


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
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says
) -> None:
    """A projector or a loader: it must not be working while its log is replaced."""
    await says("backup", "log.backup")
    own = await streams.declare(other_store.js)

    async def take(_: object) -> None: ...

    following = await other_store.follow(0, take)
    while_projecting = await says("restore", "log.backup", at=other_server.url())
    await following.stop()
    subscription = await other_store.js.pull_subscribe_bind("nfo", STREAM)
    pulling = asyncio.ensure_future(subscription.fetch(1, timeout=60))

    async def is_waiting() -> bool:
        return bool((await other_store.js.consumer_info(STREAM, "nfo")).num_waiting)

    await eventually(is_waiting)
    while_loading = await says("restore", "log.backup", at=other_server.url())
    await end(pulling)

    assert (while_projecting[0], while_loading[0]) == (1, 1)
    assert "services are at work" in while_projecting[2]
    assert "services are at work" in while_loading[2]
    assert await other_store.info() == own


@pytest.mark.parametrize(
    ("log_id", "position", "fits"),
    [(None, 0, True), ("same", 5, True), ("same", 500, False), ("another", 5, False)],
)
async def test_rows_of_another_log_are_noticed(
    store: EventStore,
    other_server: NatsServer,
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

    code, _, error = await says("restore", "log.backup", at=other_server.url())

    assert code == (0 if fits else 1), error
    assert fits or f"the database tells of events up to {position}" in error


@pytest.mark.parametrize("role", ["gateway", "projector"])
async def test_only_the_operator_may(
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says, role: str
) -> None:
    await says("backup", "log.backup")

    code, _, error = await says("restore", "log.backup", at=other_server.url(role))

    assert code == 1
    assert "this user of the event log may not make the event log" in error
    with pytest.raises(NotFoundError):
        await other_store.js.stream_info(STREAM)


async def test_where_nothing_is_it_says_so(
    store: EventStore, other_server: NatsServer, says: Says, tmp_path: Path
) -> None:
    """No file, no log, nobody who answers."""
    no_file = await says("restore", "log.backup", at=other_server.url())
    no_log = await says("backup", "log.backup", at=other_server.url())
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
    assert refused.stderr.startswith("error: the event log")
    assert "is only half restored" in refused.stderr
    assert "coldopen restore" in refused.stderr
    assert (again.returncode, saved.returncode) == (0, 0), again.stderr + saved.stderr
    assert [(one.position, one.subject, one.headers, one.body) for one in contents(tmp_path / "again.backup")] == [
        (one.position, one.subject, one.headers, one.body) for one in contents(tmp_path / "log.backup")
    ]


async def test_what_another_writes_meanwhile_is_not_mixed_with_it(
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says, tmp_path: Path
) -> None:
    """A gateway that nobody stopped: each event goes to its own position or nowhere, and there is no log then."""
    for number in range(100):
        await load(store, f"series-{number}")
    await says("backup", "log.backup")
    backup = read_bytes("log.backup")
    with fed_most(tmp_path, backup, COLDOPEN_NATS_URL=other_server.url()) as process:
        await eventually(lambda: reached(other_server.url()), within=30, every=0.1)
        await other_store.append(added("meanwhile"))
        _, error = await asyncio.to_thread(process.communicate, backup[most(backup) :])

    assert process.returncode == 1
    assert b"somebody else writes to the event log there" in error
    with pytest.raises(NotFoundError):
        await other_store.js.stream_info(STREAM)


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
