"""The temporary tables of a rebuild, on a real log and a real PostgreSQL."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.event_store import EventStore
from services.projector.refolding import Refolding
from tests.support.projecting import load, unwatched

# -1 for a table that the database has never looked at.
_KNOWN = text(
    "SELECT relname, reltuples FROM pg_class "
    "WHERE relnamespace = pg_my_temp_schema() AND relname IN ('anime_series', 'seasons', 'episodes')"
)


async def test_the_database_knows_how_much_it_holds_while_the_tables_grow(
    store: EventStore, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each batch reads all that is there to find a few rows, and a rebuild of a long log takes for ever."""
    monkeypatch.setattr("services.projector.refolding._BATCH", 10)
    await load(store, *(f"series-{number}" for number in range(20)))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        refolding = Refolding(store, connection, unwatched)
        await refolding.prepare()
        await refolding.fold_to((await store.info()).last_position)
        known = {row.relname: row.reltuples for row in await connection.execute(_KNOWN)}
        held = {name: await _count(connection, name) for name in known}
        await connection.invalidate()

    assert set(known) == {"anime_series", "seasons", "episodes"}
    assert all(known[name] >= held[name] / 2 for name in held)
    assert all(held.values())


async def _count(connection: AsyncConnection, table: str) -> int:
    return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())
