"""A gateway and its subscribers while the read model is rebuilt: they notice nothing."""

import asyncio
from typing import Any

from sqlalchemy import text

from contracts.events import Part, PartRequested
from services.platform.database import connect_engine
from services.projector.rebuild import rebuild, verify
from tests.support.feed import subscribed
from tests.support.gateway import API_KEY, Gateway, running_gateway
from tests.support.histories import added, loaded_after
from tests.support.projecting import unwatched
from tests.support.waiting import eventually


async def load(gateway: Gateway, key: str) -> None:
    position = await gateway.record(added(key))
    await gateway.record(*loaded_after(key, position))
    await gateway.project()


async def test_a_gateway_answers_right_through_a_rebuild(servers: dict[str, Any], database_url: str) -> None:
    """The whole list, before and after, and never less; its statements were prepared before."""
    engine = connect_engine(database_url)
    async with running_gateway(**servers) as gateway:
        for key in ("bleach", "naruto", "gintama"):
            await load(gateway, key)
        whole, one = await gateway.get("/api/anime"), await gateway.get("/api/anime/bleach")
        asked: list[dict[str, Any]] = []
        is_over = False

        async def ask() -> None:
            while not is_over:
                asked.append(await gateway.get("/api/anime"))

        asking = [asyncio.ensure_future(ask()) for _ in range(3)]
        for _ in range(5):
            # Every row is written anew.
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE anime_series SET link = 'x'"))
                await connection.execute(text("UPDATE episodes SET runtime = 1"))
            assert (await rebuild(engine, gateway.store, unwatched)).changed == 3 + 6
        is_over = True
        await asyncio.gather(*asking)

        assert len(asked) > 5
        assert [answer for answer in asked if answer != whole] == []
        assert await gateway.get("/api/anime/bleach") == one
    await engine.dispose()


async def test_subscribers_hear_of_a_rebuild_only_with_the_next_change(
    servers: dict[str, Any], database_url: str
) -> None:
    """The feed goes on where it was, whether or not something was mended; who connects anew sees what was."""
    engine = connect_engine(database_url)
    async with running_gateway(**servers) as gateway:
        await load(gateway, "bleach")
        await load(gateway, "naruto")
        headers = {"x-api-key": API_KEY}
        async with subscribed(gateway.url, headers, snapshot="false") as feed:
            async with engine.begin() as connection:
                await connection.execute(text("DELETE FROM anime_series WHERE key = 'naruto'"))
            await rebuild(engine, gateway.store, unwatched)
            await gateway.beat()
            position = await gateway.record(PartRequested(key="bleach", part=Part.NFO, reason="refresh"))
            await gateway.project()
            await eventually(lambda: feed.updates, within=30)
            heard = [(update["key"], update["position"]) for update in feed.updates]
        async with subscribed(gateway.url, headers) as later:
            await eventually(lambda: len(later.updates) == 2, within=30)
        verified = await verify(engine, gateway.store, unwatched)

    assert heard == [("bleach", position)]
    assert {update["key"] for update in later.updates} == {"bleach", "naruto"}
    assert verified.count == 0
    await engine.dispose()
