"""Adopting rows that predate the log: what is recorded and claimed, once, also by a run after a crash."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import Canonical, CatalogueIds, RecordedEvent, SeriesRemoved
from services.platform.claims import Claim, Claims, folder_token, id_tokens, page_token
from services.platform.database import connect_engine
from services.platform.event_store import EventStore, life_of
from services.projector.adopt import added_event, adopt, identified_event
from tests.support.connection import forget_ids_at_once
from tests.support.histories import added

BLEACH = {"name": "Bleach", "site": "aniworld.to", "folder": "Bleach", "year": 2004, "tvdb_id": 74796, "tmdb_id": None}
BLEACH_PARTS = {"episodes_loaded": False, "has_nfo": True, "logo_loaded": False, "images_loaded": True}
TOKENS = [
    page_token(Canonical(site="aniworld.to", id="bleach")),
    folder_token("Bleach"),
    *id_tokens(CatalogueIds(tvdb=74796)),
]
ADOPTED = ["SeriesAdded", "SeriesIdentified", "NfoLoaded", "ImagesLoaded"]


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database with one old row, of which NFO and images are there."""
    engine = connect_engine(database_url)
    row = BLEACH | BLEACH_PARTS | {"key": "bleach"}
    columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    async with engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO anime_series ({columns}) VALUES ({values})"), row)
    yield engine
    await engine.dispose()


async def kinds(store: EventStore) -> list[str]:
    return [type(one.event).__name__ async for one in store.read_all() if isinstance(one, RecordedEvent)]


async def holders(store: EventStore) -> list[Claim | None]:
    claims = await Claims.open(store)
    return [await claims.holder(token) for token in TOKENS]


async def never(_: Claim) -> bool:
    return False


async def test_an_adopted_series_holds_what_it_has(store: EventStore, engine: AsyncEngine) -> None:
    """No other series gets its page, its folder or its ids."""
    await adopt(engine, store)

    assert await holders(store) == [Claim("bleach", 1)] * 3


async def test_the_claims_of_the_dead_are_taken_over_and_those_of_the_living_are_not(
    store: EventStore, engine: AsyncEngine
) -> None:
    """Two that have the same in the library stay, and the first one keeps the claim."""
    claims = await Claims.open(store)
    page, folder, tvdb = TOKENS
    dead = Claim("dead", (await store.append(added("dead"))).position)
    living = Claim("living", (await store.append(added("living"))).position)
    await store.append(SeriesRemoved(key="dead"))
    for token, claim in ((page, dead), (folder, dead), (tvdb, living)):
        await claims.claim(token, claim, never)

    await adopt(engine, store)

    assert await holders(store) == [Claim("bleach", 4), Claim("bleach", 4), living]


async def test_a_run_long_after_a_crash_records_nothing_twice(store: EventStore, engine: AsyncEngine) -> None:
    """All but the row's mark was there when the crash came, and the log has forgotten the events' ids since."""
    await forget_ids_at_once(store)
    await adopt(engine, store)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE legacy_series SET adopted_position = NULL"))
    await asyncio.sleep(0.5)

    again = await adopt(engine, store)

    assert again == 1
    assert await kinds(store) == ADOPTED


async def test_a_run_after_a_crash_goes_on_in_the_middle(store: EventStore, engine: AsyncEngine) -> None:
    """What is missing of a series is recorded, and claimed."""
    await forget_ids_at_once(store)
    await store.append(added_event("bleach", BLEACH | BLEACH_PARTS))
    await store.append(identified_event("bleach", 1, BLEACH), expect=life_of("bleach", 1))
    await asyncio.sleep(0.5)

    await adopt(engine, store)

    assert await kinds(store) == ADOPTED
    assert await holders(store) == [Claim("bleach", 1)] * 3


async def test_a_key_that_the_log_knows_is_left_alone(store: EventStore, engine: AsyncEngine) -> None:
    """A series that was added meanwhile is not what the old row is."""
    await store.append(added("bleach"))

    await adopt(engine, store)

    assert await kinds(store) == ["SeriesAdded"]
    assert await holders(store) == [None] * 3
