"""Tasks that begin at once, and end for sure."""

import asyncio

import pytest

from services.platform.tasks import begun, end


async def test_a_begun_task_has_come_to_where_it_waits() -> None:
    """Whoever begins it goes on only then."""
    done: list[str] = []
    may_go_on = asyncio.Event()

    async def work() -> None:
        done.append("asked")
        await may_go_on.wait()
        done.append("answered")

    task = await begun(work())
    assert done == ["asked"]
    may_go_on.set()
    await task
    assert done == ["asked", "answered"]


async def test_what_fails_before_it_waits_raises_when_it_is_awaited() -> None:
    """Not where it is begun: there the one before may have failed, too."""

    async def work() -> None:
        raise LookupError

    task = await begun(work())
    with pytest.raises(LookupError):
        await task


async def test_who_is_cancelled_while_beginning_leaves_nothing_behind() -> None:
    """Nobody would know of the task."""
    ended: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    beginning = asyncio.ensure_future(begun(work()))
    await asyncio.sleep(0)  # it waits in `begun` now
    await end(beginning)

    assert beginning.cancelled()
    assert ended == [True]
    assert len(asyncio.all_tasks()) == 1
