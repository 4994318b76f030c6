"""The caretaker on a real log: lost work is asked for once, and what the broker still has is left alone."""

import asyncio

from contracts.events import Part, PartRequested, PartStarted, RecordedEvent, SeriesRemoved
from contracts.subjects import STREAM
from services.caretaker.caretaker import Caretaker
from services.platform.event_store import EventStore, life_of
from tests.support.histories import added, loaded_after
from tests.support.waiting import eventually


def caretaker(store: EventStore) -> Caretaker:
    return Caretaker(store, interval=60, between=0)


async def acknowledge_all(store: EventStore, part: Part) -> None:
    """What a broken worker would do: acknowledge its deliveries without an outcome."""
    subscription = await store.js.pull_subscribe_bind(durable=part.value, stream=STREAM)
    for message in await subscription.fetch(10, timeout=2):
        await message.ack_sync()
    await subscription.unsubscribe()


async def requests(store: EventStore) -> list[PartRequested]:
    found = [one.event async for one in store.read_all() if isinstance(one, RecordedEvent)]
    return [event for event in found if isinstance(event, PartRequested)]


async def test_lost_work_is_asked_for_once(store: EventStore) -> None:
    """A start that was acknowledged without an outcome is started anew; the next look finds it waiting."""
    await store.append(added("bleach"))
    await store.append(PartStarted(key="bleach", part=Part.IDENTITY, cause=1, attempt=1, delivery=1))
    await acknowledge_all(store, Part.IDENTITY)
    one = caretaker(store)

    asked = [await one.check(), await one.check(), await caretaker(store).check()]

    assert asked == [1, 0, 0]
    assert await requests(store) == [PartRequested(key="bleach", part=Part.IDENTITY, reason="startup")]


async def test_two_caretakers_ask_once(store: EventStore) -> None:
    """The same loss has the same id: the log drops the second request."""
    await store.append(added("bleach"))
    await acknowledge_all(store, Part.IDENTITY)
    first, second = caretaker(store), caretaker(store)
    await first._catch_up()
    await second._catch_up()

    await first.check()
    await second.check()

    assert len(await requests(store)) == 1


async def test_what_waits_or_is_settled_is_left_alone(store: EventStore) -> None:
    """Queued work, complete series and removed ones are none of its business."""
    await store.append(added("queued"))
    position = (await store.append(added("complete"))).position
    for event in loaded_after("complete", position):
        await store.append(event)
    gone = (await store.append(added("gone"))).position
    await store.append(SeriesRemoved(key="gone"), expect=life_of("gone", gone))

    asked = await caretaker(store).check()

    assert asked == 0
    assert await requests(store) == []


async def test_what_a_person_asked_for_meanwhile_is_left_alone(store: EventStore) -> None:
    """Between finding lost work and asking for it anew somebody may have done so: their load is not superseded."""
    for key in ("bleach", "naruto"):
        await store.append(added(key))
    await acknowledge_all(store, Part.IDENTITY)
    slow = Caretaker(store, interval=60, between=0.5)

    checking = asyncio.ensure_future(slow.check())
    await eventually(lambda: _count(store, 1))
    asked_first = (await requests(store))[0].key
    other = "naruto" if asked_first == "bleach" else "bleach"
    await store.append(PartRequested(key=other, part=Part.IDENTITY, reason="retry"))

    assert await checking == 1
    assert [one.reason for one in await requests(store)] == ["startup", "retry"]


async def _count(store: EventStore, wanted: int) -> bool:
    return len(await requests(store)) == wanted
