"""What the projector is sent of the log: all of it, in order, and no more at once than it has asked for."""

import asyncio

import pytest

from contracts import codec
from contracts.subjects import subject_of
from deploy.local.nats_server import NatsServer
from services.platform.event_store import EventStore
from services.projector.inbox import Inbox
from tests.support.builders import BEGIN
from tests.support.histories import added
from tests.support.waiting import eventually


async def fill(store: EventStore, count: int) -> None:
    """Record events, without waiting for each."""
    last = (await store.info()).last_position + count
    for number in range(count):
        event = added(f"series-{last}-{number}")
        await store.nc.publish(subject_of(event), codec.encode(event), headers=codec.headers_of(event, time=BEGIN))

    async def is_recorded() -> bool:
        return (await store.info()).last_position == last

    await eventually(is_recorded)


async def take_all(inbox: Inbox, at_most: int, last: int) -> list[int]:
    """The positions of all that is taken, up to the last."""
    taken: list[int] = []
    while not taken or taken[-1] < last:
        batch = await inbox.take(at_most, 5)
        assert 0 < len(batch) <= at_most
        taken += [one.position for one in batch]
    return taken


@pytest.mark.parametrize("most_waiting", [1, 40, 10_000])
async def test_all_comes_in_order_however_little_may_wait(store: EventStore, most_waiting: int) -> None:
    """What is not asked for any more comes later, and once."""
    await fill(store, 1_000)
    inbox = Inbox(store, 100, most_waiting=most_waiting)

    taken = await take_all(inbox, 30, 1_000)
    await fill(store, 1)
    (after,) = await inbox.take(30, 5)
    await inbox.close()

    assert taken == list(range(101, 1_001))
    assert after.position == 1_001


async def test_what_is_not_taken_is_not_asked_for(store: EventStore) -> None:
    """However long the log is, only so much of it waits in memory; and little that was sent is thrown away.

    (What a busy server sends behind its last answer, which comes again.)
    """
    await fill(store, 30_000)
    received = store.nc.stats["in_msgs"]
    inbox = Inbox(store, 0, most_waiting=100)

    await inbox.take(1, 5)
    await asyncio.sleep(1.0)  # in which all would come
    waiting = inbox.waiting
    await take_all(inbox, 500, 30_000)
    await inbox.close()

    assert waiting < 20_000
    assert store.nc.stats["in_msgs"] - received < 45_000


async def test_nothing_is_lost_when_the_log_goes_away_meanwhile(store: EventStore, nats_server: NatsServer) -> None:
    """Killed while the last of what was asked for is on its way, and started anew."""
    await fill(store, 2_000)
    inbox = Inbox(store, 0, most_waiting=10)

    taken = [one.position for one in await inbox.take(20, 5)]
    await nats_server.stop()
    await nats_server.start()
    await eventually(lambda: store.nc.is_connected)
    taken += await take_all(inbox, 20, 2_000)
    await inbox.close()

    assert taken == list(range(1, 2_001))


async def test_nothing_comes_after_the_end(store: EventStore) -> None:
    """Whoever waits in vain is told so, and can wait again."""
    await fill(store, 1)
    inbox = Inbox(store, 0)

    (first,) = await inbox.take(10, 5)
    nothing = await inbox.take(10, 0.05)
    await fill(store, 1)
    (second,) = await inbox.take(10, 5)
    await inbox.close()

    assert (first.position, nothing, second.position) == (1, [], 2)


@pytest.mark.parametrize("turns", range(5))
async def test_who_closes_while_the_last_is_on_its_way_leaves_no_subscription(store: EventStore, turns: int) -> None:
    """However far it has come with ending the one that it had."""
    await fill(store, 1)
    await store.info()
    before = set(store.nc._subs)
    tasks = asyncio.all_tasks()
    inbox = Inbox(store, 0, most_waiting=1)

    await inbox.take(1, 5)
    for _ in range(turns):
        await asyncio.sleep(0)
    await inbox.close()

    assert set(store.nc._subs) == before
    await eventually(lambda: asyncio.all_tasks() <= tasks)
