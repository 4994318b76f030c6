"""Making live rows what a fold anew says, on a real PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.event_store import EventStore
from services.projector.comparing import make_equal
from services.projector.refolding import Refolding
from tests.support.projecting import load, unwatched

# How often each live table was read from its beginning, in this transaction.
_READ = text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE schemaname = 'public'")
SERIES = 20


async def test_tables_that_were_lost_are_read_a_few_times_and_not_for_each_row(
    store: EventStore, engine: AsyncEngine
) -> None:
    """The planner takes them for empty: for each row that it writes it would look through all that were written."""
    await load(store, *(f"series-{number}" for number in range(SERIES)))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE anime_series, seasons, episodes"))
        refolding = Refolding(store, connection, unwatched)
        await refolding.prepare()
        await refolding.fold_to((await store.info()).last_position)
        await refolding.settle()
        await connection.commit()
        await connection.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            changed = await make_equal(connection)
            read = {row.relname: row.seq_scan for row in await connection.execute(_READ)}
        await connection.invalidate()

    assert changed == 5 * SERIES
    read["anime_series"] -= 4 * SERIES  # each season and each episode looks up its series, in a table of one page
    assert all(read[name] < SERIES / 2 for name in ("anime_series", "seasons", "episodes")), read
