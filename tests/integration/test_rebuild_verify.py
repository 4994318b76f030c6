"""`verify` on a real log and a real PostgreSQL: it finds what was tampered with, and `rebuild` mends it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.event_store import EventStore
from services.projector.comparing import Difference
from services.projector.rebuild import rebuild, verify
from tests.support.projecting import execute, has_caught_up, load, project, projecting, rows, unwatched
from tests.support.waiting import eventually

DAMAGES: list[tuple[str, int, list[tuple[Any, ...]]]] = [
    (
        "UPDATE anime_series SET name = 'Blotch', removed = true WHERE key = 'bleach'",
        1,
        [("anime_series", (), "name", "Blotch", "Bleach"), ("anime_series", (), "removed", True, False)],
    ),
    (
        "UPDATE anime_series SET state = replace(encode(state, 'escape'), 'Bleach (2013)', 'X')::bytea WHERE id = 1",
        1,
        [("anime_series", (), "state.folder", "X", "Bleach (2013)")],
    ),
    ("UPDATE anime_series SET state = 'odd' WHERE key = 'bleach'", 1, []),
    ("UPDATE anime_series SET year = NULL WHERE key = 'bleach'", 1, [("anime_series", (), "year", None, 2013)]),
    ("DELETE FROM episodes WHERE series_id = 1 AND season = 0", 1, [("episodes", (0, 1), None, False, True)]),
    ("INSERT INTO seasons VALUES (1, 7, 'Invented')", 1, [("seasons", (7,), None, True, False)]),
    ("UPDATE episodes SET on_disk = false WHERE series_id = 1", 1, [("episodes", (1, 1), "on_disk", False, True)]),
    ("DELETE FROM anime_series WHERE key = 'bleach'", 5, [("anime_series", (), None, False, True)]),
    (
        "INSERT INTO anime_series (id, key, name, position) VALUES (99, 'bleach-2', 'Bleach', 5)",
        1,
        [("anime_series", (), None, True, False)],
    ),
]


@pytest.mark.parametrize(("damage", "count", "told"), DAMAGES)
async def test_a_row_that_was_tampered_with_is_found_and_mended(
    store: EventStore, engine: AsyncEngine, damage: str, count: int, told: list[tuple[Any, ...]]
) -> None:
    """By column, live and as the log says; another series' rows are not touched."""
    await load(store, "bleach", "naruto")
    await project(store, engine)
    before = await rows(engine)
    await execute(engine, damage)

    found = await verify(engine, store, unwatched)
    mended = await rebuild(engine, store, unwatched)

    assert (found.position, found.count) == (22, count)
    assert [Difference(one[0], found.differences[0].key, *one[1:]) for one in told] == found.differences[: len(told)]
    assert {one.key for one in found.differences} <= {"bleach", "bleach-2"}
    assert mended.changed == count
    assert await rows(engine) == before
    assert (await verify(engine, store, unwatched)).count == 0


async def test_no_more_than_twenty_differences_are_shown_and_all_are_counted(
    store: EventStore, engine: AsyncEngine
) -> None:
    await load(store, *(f"series-{number}" for number in range(8)))
    await project(store, engine)
    await execute(engine, "UPDATE anime_series SET name = 'x', folder = 'x', year = 1")
    await execute(engine, "DELETE FROM seasons")

    found = await verify(engine, store, unwatched)

    assert (found.count, len(found.differences)) == (8 + 2 * 8, 20)


async def test_verify_is_right_while_rows_change(store: EventStore, engine: AsyncEngine) -> None:
    """It compares one moment, at that moment's position; and it holds up nobody."""
    async with projecting(store, engine, max_batch=3):
        adding = asyncio.ensure_future(load(store, *(f"series-{number}" for number in range(30))))
        found = [await verify(engine, store, unwatched)]
        while not adding.done() or len({one.position for one in found}) < 2:
            found.append(await verify(engine, store, unwatched))
        await eventually(lambda: has_caught_up(store, engine), within=60)

    assert [one for one in found if one.count] == []
    await execute(engine, "UPDATE episodes SET on_disk = NOT on_disk")
    assert (await verify(engine, store, unwatched)).count == 60


async def test_verify_compares_at_the_position_of_the_rows(store: EventStore, engine: AsyncEngine) -> None:
    """What the projector has not come to yet is no difference."""
    await load(store, "bleach")
    await project(store, engine)
    await load(store, "naruto")

    found = await verify(engine, store, unwatched)

    assert (found.position, found.count) == (11, 0)
