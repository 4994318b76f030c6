"""The embedded nats-server: permissions, restarts, one server a folder."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import psutil
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy, KeyValueConfig
from nats.js.errors import NotFoundError

from deploy.local.daemon import AlreadyRunning, StartFailed
from deploy.local.nats_server import NatsServer, running_url
from deploy.nats.permissions import PUBLISH, ROLES, password_variable, server_config
from services.platform import streams
from tests.support.connection import taken_by_server
from tests.support.waiting import eventually


@asynccontextmanager
async def client(url: str) -> AsyncIterator[tuple[Client, list[str]]]:
    """A connection and the errors that the server reports on it."""
    errors: list[str] = []

    async def on_error(error: Exception) -> None:
        errors.append(str(error).lower())

    connection = await nats.connect(url, error_cb=on_error, allow_reconnect=False)
    try:
        yield connection, errors
    finally:
        await connection.close()


@pytest.fixture
async def declared(nats_server: NatsServer) -> NatsServer:
    """A server with the streams, consumers and buckets that the services use."""
    async with client(nats_server.url()) as (nc, _):
        await streams.declare(nc.jetstream())
    return nats_server


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("gateway", "series.k.added"),
        ("gateway", "series.k.removed"),
        ("gateway", "series.k.logo.requested"),
        ("episodes", "series.k.episodes.loaded"),
        ("nfo", "series.k.identified"),
        ("nfo", "series.k.identity.failed"),
        ("nfo", "series.k.nfo.started"),
        ("images", "series.k.logo.retrying"),
        ("images", "series.k.images.unavailable"),
        ("projector", "series.k.parked"),
        ("projector", "series.k.unparked"),
        ("caretaker", "series.k.identity.requested"),
        ("operator", "series.k.unparked"),
    ],
)
async def test_a_role_records_its_own_events(declared: NatsServer, role: str, subject: str) -> None:
    """What section 10 grants is stored."""
    async with client(declared.url(role)) as (nc, _):
        ack = await nc.jetstream().publish(subject, b"{}", stream="SERIES")

    assert ack.seq == 1


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("gateway", "series.k.logo.loaded"),
        ("gateway", "series.k.parked"),
        ("gateway", "status"),
        ("episodes", "series.k.nfo.loaded"),
        ("episodes", "series.k.episodes.requested"),
        ("episodes", "$KV.claims.folder"),
        ("nfo", "series.k.added"),
        ("images", "series.k.identified"),
        ("images", "$JS.API.CONSUMER.MSG.NEXT.SERIES.nfo"),
        ("images", "$JS.ACK.SERIES.nfo.1.1.1.1.0"),
        ("projector", "series.k.removed"),
        ("caretaker", "series.k.unparked"),
        ("caretaker", "series.k.removed"),
        *((role, f"$JS.API.STREAM.{verb}.SERIES") for role in PUBLISH for verb in ("DELETE", "UPDATE", "PURGE")),
        *((role, "$JS.API.STREAM.CREATE.OTHER") for role in PUBLISH),
        *((role, "$JS.API.STREAM.MSG.DELETE.SERIES") for role in PUBLISH),
        *((role, "$JS.API.CONSUMER.DELETE.SERIES.nfo") for role in PUBLISH),
        *((role, "$JS.API.CONSUMER.CREATE.SERIES.nfo") for role in PUBLISH),
        *((role, "$JS.API.CONSUMER.CREATE.SERIES.nfo.series.*.identified") for role in PUBLISH),
        *((role, "$JS.API.CONSUMER.CREATE.SERIES") for role in ("episodes", "nfo", "images", "caretaker")),
        *((role, "$JS.API.CONSUMER.DURABLE.CREATE.SERIES.mine") for role in PUBLISH),
    ],
)
async def test_everything_else_is_refused(declared: NatsServer, role: str, subject: str) -> None:
    """A service that was taken over can't speak for another one, nor touch the log or the queue of work."""
    async with client(declared.url(role)) as (nc, errors):
        await nc.publish(subject, b"{}")
        await taken_by_server(nc)
        await eventually(lambda: any("permissions violation for publish" in error for error in errors))

    async with client(declared.url()) as (nc, _):
        assert (await nc.jetstream().stream_info("SERIES")).state.messages == 0


@pytest.mark.parametrize("role", ["episodes", "nfo", "images", "caretaker", "projector"])
async def test_nobody_listens_in(declared: NatsServer, role: str) -> None:
    """Events are read from the log; a subscription to the subjects themselves is refused."""
    async with client(declared.url(role)) as (nc, errors):
        await nc.subscribe("series.>")
        await taken_by_server(nc)

        await eventually(lambda: any("permissions violation for subscription" in error for error in errors))


async def test_a_loader_takes_acknowledges_and_caches(declared: NatsServer) -> None:
    """The nfo service's whole day: pull from its durable, ack, use its buckets."""
    async with client(declared.url("gateway")) as (nc, _):
        await nc.jetstream().publish("series.k.added", b"{}")
    async with client(declared.url("nfo")) as (nc, errors):
        js = nc.jetstream()
        pulling = await js.pull_subscribe_bind("identity", stream="SERIES")
        (message,) = await pulling.fetch(1, timeout=5)
        await message.ack_sync()
        claims = await js.key_value("claims")
        await claims.create("folder.a", b"k")
        found = await claims.get("folder.a")
        cache = await js.key_value("cache")
        await cache.put("answer", b"{}")
        await cache.delete("answer")

        assert found.value == b"k"
        assert (await js.consumer_info("SERIES", "identity")).num_ack_pending == 0
        assert errors == []


async def test_the_projector_follows_the_log(declared: NatsServer) -> None:
    """An ordered consumer and the reads of the event store need no more than it has."""
    async with client(declared.url()) as (nc, _):
        await nc.jetstream().publish("series.k.added", b"1")
    async with client(declared.url("projector")) as (nc, errors):
        js = nc.jetstream()
        config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=1)
        following = await js.subscribe("series.>", stream="SERIES", ordered_consumer=True, config=config)
        message = await following.next_msg(timeout=5)
        last = await js.get_last_msg("SERIES", "series.k.added")
        direct = await js.get_last_msg("SERIES", "series.k.added", direct=True)
        await following.unsubscribe()

        assert (message.data, last.data, direct.data) == (b"1", b"1", b"1")
        assert errors == []


async def test_frames_reach_the_gateway(declared: NatsServer) -> None:
    """The projector publishes the feed, the gateway hears it."""
    async with client(declared.url("gateway")) as (gateway, _), client(declared.url("projector")) as (projector, _):
        frames = await gateway.subscribe("status")
        await taken_by_server(gateway)
        await projector.publish("status", b"frame")

        assert (await frames.next_msg(timeout=5)).data == b"frame"


async def test_a_killed_server_comes_back_on_its_port_with_everything(data_dir: Path) -> None:
    """kill -9 loses nothing that was acknowledged, and clients find the server where it was."""
    server = NatsServer(data_dir)
    await server.start()
    try:
        url = server.url()
        async with client(url) as (nc, _):
            await streams.declare(nc.jetstream())
            await nc.jetstream().publish("series.k.added", b"{}")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: server.pid is None)
        await server.restart()

        assert server.url() == url
        async with client(url) as (nc, _):
            assert (await nc.jetstream().stream_info("SERIES")).state.messages == 1
    finally:
        await server.stop()


async def test_a_second_server_on_the_folder_is_refused(nats_server: NatsServer, data_dir: Path) -> None:
    """Two servers on one store would destroy it; the first goes on."""
    with pytest.raises(AlreadyRunning, match="already running"):
        await NatsServer(data_dir).start()

    assert nats_server.pid is not None
    assert running_url(data_dir) == nats_server.url()


async def test_stopping_leaves_no_process_and_passwords_stay(data_dir: Path) -> None:
    """After stop the next start has the same passwords, in a file that only we can read."""
    server = NatsServer(data_dir)
    await server.start()
    pid, password = server.pid, server.url("nfo").partition("@")[0]
    await server.stop()

    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert running_url(data_dir) is None
    assert (data_dir / "nats" / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert (data_dir / "nats" / "nats.conf").stat().st_mode & 0o777 == 0o600
    await server.start()
    assert server.url("nfo").partition("@")[0] == password
    await server.stop()


async def test_a_taken_port_is_said(nats_server: NatsServer) -> None:
    """The error carries the server's own words, and nothing is left running or locked."""
    port = int(nats_server.url().rpartition(":")[2])
    other = NatsServer(Path(str(nats_server._folder)) / "other", port=port)

    with pytest.raises(StartFailed, match="address already in use"):
        await other.start()

    assert other.pid is None


async def test_strangers_are_refused(nats_server: NatsServer) -> None:
    """There is no user without a password."""
    with pytest.raises((NatsError, NotFoundError)):
        await nats.connect(
            nats_server.url().replace("operator:", "operator:x"), allow_reconnect=False, error_cb=_ignore
        )


async def _ignore(_: Exception) -> None:
    return


async def test_the_operator_manages_streams(nats_server: NatsServer) -> None:
    """What nobody else may do, the operator may."""
    async with client(nats_server.url()) as (nc, _):
        js = nc.jetstream()
        await js.create_key_value(KeyValueConfig(bucket="other"))

        assert await js.delete_key_value("other")


def test_a_container_takes_passwords_from_its_environment() -> None:
    """The same permissions, and no secret in the text."""
    text = server_config(listen="0.0.0.0:4222", store_dir="/data")

    for role in ROLES:
        assert f"password: ${password_variable(role)}" in text
