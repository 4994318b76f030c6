"""What waits for one client of the feed."""

import asyncio
from time import monotonic

from hypothesis import given
from hypothesis import strategies as st

from services.gateway import subscriber as module
from services.gateway.connection import chunk
from services.gateway.subscriber import Subscriber
from services.gateway.updates import Update


def update(key: str, position: int) -> Update:
    return Update(key, position, b"{}", b"data: {}\n\n")


def subscriber(keys: frozenset[str] | None = None) -> tuple[Subscriber, list[str]]:
    """A subscriber, and what happened to its connection."""
    dropped: list[str] = []
    return Subscriber(keys, lambda: dropped.append("dropped")), dropped


def positions(taken: list[Update]) -> list[int]:
    return [one.position for one in taken]


def test_the_newest_update_replaces_the_older_and_moves_to_the_end() -> None:
    """So what is taken ascends, and nothing stale is in it."""
    one, _ = subscriber()
    for key, position in (("a", 1), ("b", 2), ("a", 3)):
        one.offer(update(key, position))

    assert [(taken.key, taken.position) for taken in one.take()] == [("b", 2), ("a", 3)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60))
def test_whatever_the_reader_s_pace_it_ends_with_the_newest_of_each(steps: list[tuple[str, bool]]) -> None:
    """Ascending all along, and the last update of every series arrives."""
    one, _ = subscriber()
    taken: list[Update] = []
    newest: dict[str, int] = {}
    for position, (key, reads) in enumerate(steps, 1):
        one.offer(update(key, position))
        newest[key] = position
        if reads:
            taken += one.take(1)
    while more := one.take(2):
        taken += more

    assert positions(taken) == sorted(set(positions(taken)))
    assert {last.key: last.position for last in taken} == newest


def test_only_wanted_keys_are_queued() -> None:
    """The filter is applied before anything costs memory."""
    one, _ = subscriber(frozenset({"a"}))
    one.offer(update("b", 1))
    one.offer(update("a", 2))

    assert positions(one.take()) == [2]


def test_what_is_not_wanted_any_more_leaves_the_queue() -> None:
    """Wanting all or more loses nothing that is queued."""
    one, _ = subscriber()
    for key, position in (("a", 1), ("b", 2), ("c", 3)):
        one.offer(update(key, position))
    one.want(frozenset({"a", "c"}))
    one.want(None)

    assert positions(one.take()) == [1, 3]


def test_what_a_snapshot_has_told_is_not_told_again() -> None:
    """Neither what is queued already nor what comes late."""
    one, _ = subscriber()
    one.offer(update("a", 4))
    one.offer(update("b", 6))
    one.skip_to(5)
    one.offer(update("c", 5))

    assert positions(one.take()) == [6]


def test_too_many_waiting_series_drop_the_client() -> None:
    """Its queue never grows beyond the bound."""
    one, dropped = subscriber()
    for position in range(1, module.MOST_WAITING + 2):
        one.offer(update(f"s{position}", position))

    assert dropped == ["dropped"]
    assert one.closed


def test_only_a_client_that_takes_nothing_is_dropped() -> None:
    """Being quiet is no fault; being given something and not taking it is."""
    one, dropped = subscriber()
    later = monotonic() + 61

    async def listening() -> None:
        waiting = asyncio.ensure_future(one.wait())
        await asyncio.sleep(0)
        one.tick(later, silence=3600, patience=60)
        assert not dropped
        one.offer(update("a", 1))
        await waiting

    asyncio.run(listening())
    one.take()
    one.tick(later, silence=3600, patience=60)

    assert dropped == ["dropped"]


def test_a_long_silence_asks_for_a_sign_of_life() -> None:
    """And an update does not."""

    async def listening() -> tuple[bool, bool]:
        one, _ = subscriber()
        first = asyncio.ensure_future(one.wait())
        await asyncio.sleep(0)
        one.tick(monotonic() + 16, silence=15, patience=60)
        silent = await first
        second = asyncio.ensure_future(one.wait())
        await asyncio.sleep(0)
        one.offer(update("a", 1))
        return silent, await second

    assert asyncio.run(listening()) == (True, False)


def test_who_waits_is_sent_at_once_what_is_wanted_and_else_it_keeps_its_place() -> None:
    """What the connection does not take is queued, and nothing overtakes it."""
    sent: list[bytes] = []
    takes = [True, True, False]

    def send_now(chunks: bytes) -> bool:
        if takes.pop(0):
            sent.append(chunks)
            return True
        return False

    def tell(one: Subscriber, *updates: Update) -> int:
        return one.tell(updates, b"all of them")

    async def listening() -> tuple[list[int], list[int]]:
        one, _ = subscriber()
        one.send_now = send_now
        one.skip_to(2)
        waiting = asyncio.ensure_future(one.wait())
        await asyncio.sleep(0)
        told = [tell(one, update("a", 1), update("a", 2)), tell(one, update("a", 2), update("b", 3))]
        told += [tell(one, update(f"s{position}", position)) for position in (4, 5, 6)]
        await waiting
        return told, positions(one.take())

    told, queued = asyncio.run(listening())

    assert told == [0, 1, 1, 0, 0]
    assert sent == [chunk(update("b", 3).sse), b"all of them"]
    assert queued == [5, 6]
