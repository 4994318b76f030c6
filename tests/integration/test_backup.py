"""`coldopen backup` and `restore` on real servers: the log again, from it the same rows, and what was open goes on."""

import asyncio
import gzip
import json
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

from nats.js.api import DeliverPolicy

from contracts.events import CONTENT_PARTS, Part, PartRequested, RecordedEvent
from contracts.subjects import STREAM
from deploy.bootstrap import bootstrap_log
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.caretaker.caretaker import Caretaker
from services.platform import streams
from services.platform.broker import connect
from services.platform.claims import Claim, Claims, folder_token, page_token
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.tasks import end
from tests.support import cli
from tests.support.backups import Says, contents, fill, load, messages, names_in, project, read_bytes
from tests.support.cluster import running_cluster
from tests.support.databases import MIGRATED, fresh_database
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually


async def test_a_restored_log_is_the_log(
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says, postgres: Postgres
) -> None:
    """The same id, the same events at the same positions, whatever they are; and from them the same rows."""
    await fill(store)
    async with fresh_database(postgres, MIGRATED) as first, fresh_database(postgres, MIGRATED) as second:
        before = await project(store, postgres.url(database=first))
        saved = await says("backup", "log.backup", "--json")
        made = await says("restore", "log.backup", "--json", at=other_server.url())
        after = await project(other_store, postgres.url(database=second))

    info = await store.info()
    assert (saved[0], made[0]) == (0, 0), saved[2] + made[2]
    assert await other_store.info() == info
    assert await messages(other_store) == await messages(store)
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


async def test_it_can_be_saved_again(store: EventStore, other_server: NatsServer, says: Says) -> None:
    """What a restored log gives is what was saved, but for the broker's times; those count where there is no other."""
    await fill(store)
    await says("backup", "first.backup")
    await says("restore", "first.backup", at=other_server.url())
    await says("backup", "second.backup", at=other_server.url())

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
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says, tmp_path: Path
) -> None:
    """Nothing that it holds is delivered; the caretaker asks once for what was queued, in work or waiting to be."""
    await fill(store)
    await store.append(added("queued"))
    half = (await store.append(added("half"))).position
    for event in loaded_after("half", half)[:5]:
        await store.append(event)
    await says("backup", "log.backup")
    await says("restore", "log.backup", at=other_server.url())
    last = (await other_store.info()).last_position

    await streams.declare(other_store.js)  # as each start does
    consumers = [await other_store.js.consumer_info(STREAM, part.value) for part in Part]
    one = Caretaker(other_store, Library(tmp_path), interval=60, between=0, refresh_after=timedelta(days=3650))
    asked = [await one.check(), await one.check()]

    assert {(each.config.deliver_policy, each.config.opt_start_seq) for each in consumers} == {
        (DeliverPolicy.BY_START_SEQUENCE, last + 1)
    }
    assert [each.num_pending for each in consumers] == [0] * 5
    assert asked == [5, 0]
    events = [each.event async for each in other_store.read_all(after=last) if isinstance(each, RecordedEvent)]
    requests = [(event.key, event.part) for event in events if isinstance(event, PartRequested)]
    assert requests == [("queued", Part.IDENTITY), *(("half", part) for part in CONTENT_PARTS)]
    (delivered,) = await (await other_store.js.pull_subscribe_bind("identity", STREAM)).fetch(5, timeout=5)
    assert delivered.metadata.sequence.stream == last + 1


async def test_a_cluster_takes_it_as_well(store: EventStore, says: Says, tmp_path: Path) -> None:
    """In order and on three servers; also there, what was open is lost work from the beginning."""
    await fill(store)
    await store.append(added("queued"))
    await says("backup", "log.backup")
    async with running_cluster(tmp_path / "cluster") as url:
        code, _, error = await says("restore", "log.backup", "--replicas=3", at=url)
        nc = await connect("test", url)
        restored = EventStore(nc)
        config = (await restored.js.stream_info(STREAM)).config
        one = Caretaker(restored, Library(tmp_path), interval=60, between=0)
        asked = await eventually(one.check, within=20)  # a replica may lag
        saved = await says("backup", "again.backup", at=url)
        await nc.close()

    assert (code, saved[0], config.num_replicas) == (0, 0, 3), error
    assert asked == 1
    first, again = contents(tmp_path / "log.backup"), contents(tmp_path / "again.backup")
    assert [(one.position, one.body) for one in again[:-1]] == [(one.position, one.body) for one in first]


async def test_a_log_that_is_only_declared_is_replaced(
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says
) -> None:
    """As the first `coldopen up` leaves it; the claims are told from the log, whatever was in the way."""
    await load(store, "bleach")
    await bootstrap_log(other_server.url())
    claims = await Claims.open(other_store)
    await other_store.js.get_msg(f"KV_{streams.CLAIMS_BUCKET}", seq=1)  # there is one, and it is complete

    async def never(_: Claim) -> bool:
        return False

    await claims.claim(page_token(added("bleach").canonical), Claim("another"), never)
    await says("backup", "log.backup")
    code, _, error = await says("restore", "log.backup", at=other_server.url())
    info = await bootstrap_log(other_server.url())

    claims = await Claims.open(other_store)
    assert code == 0, error
    assert info == await store.info()
    assert await claims.holder(page_token(added("bleach").canonical)) == Claim("bleach", 1)
    assert await claims.holder(folder_token("Bleach (2013)")) == Claim("bleach", 1)


async def test_an_empty_log_can_be_saved_and_restored(
    store: EventStore, other_server: NatsServer, other_store: EventStore, says: Says
) -> None:
    saved = await says("backup", "log.backup")
    made = await says("restore", "log.backup", at=other_server.url())

    assert (saved[0], made[0]) == (0, 0)
    assert await other_store.info() == await store.info()


async def test_a_pipe_takes_it_from_one_server_to_another(
    store: EventStore, other_server: NatsServer, other_store: EventStore, nats_url: str, tmp_path: Path
) -> None:
    """`coldopen backup - | coldopen restore -`"""
    await fill(store)

    def piped() -> tuple[bytes, bytes]:
        env = cli.environment(tmp_path, COLDOPEN_NATS_URL=nats_url)
        saving = subprocess.run([*cli.COLDOPEN, "backup", "-"], cwd=tmp_path, env=env, capture_output=True, check=True)
        env = cli.environment(tmp_path, COLDOPEN_NATS_URL=other_server.url())
        subprocess.run([*cli.COLDOPEN, "restore", "-"], cwd=tmp_path, env=env, input=saving.stdout, check=True)
        return saving.stdout, saving.stderr

    backup, said = await asyncio.to_thread(piped)

    assert await other_store.info() == await store.info()
    assert await messages(other_store) == await messages(store)
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
