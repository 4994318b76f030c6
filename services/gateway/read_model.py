"""The read model as the gateway reads it: rows whose `state` is the encoded fold. Its role may read only.

Every method raises Unavailable when PostgreSQL does not answer.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.events import Episode, Season
from contracts.state import SeriesState
from services.gateway.domain import AfterName, AfterNewest, Cursor, Order
from services.gateway.refusals import read_model_unavailable
from services.platform.database import is_outage
from services.platform.tables import anime_series, checkpoint, episodes, seasons

_STATE = msgspec.json.Decoder(SeriesState)
_ROW = anime_series.c


class Checkpoint(msgspec.Struct, frozen=True):
    """Up to which position of which log the rows are folded; no log if nothing was ever folded."""

    log_id: str | None
    position: int


class Page(msgspec.Struct, frozen=True):
    """Some series in the list's order, how many there are in all, and where the list goes on."""

    states: list[SeriesState]
    total: int
    next: Cursor | None


class Change(msgspec.Struct, frozen=True):
    """The present state of a series whose row changed last at `position`; decoded when it is needed."""

    key: str
    position: int
    encoded: bytes

    def decode(self) -> SeriesState:
        return _STATE.decode(self.encoded)


class ReadModel:
    """The tables behind `engine`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """One connection whose queries all see the same moment."""
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except Exception as error:
            if is_outage(error):
                raise read_model_unavailable() from error
            raise

    async def checkpoint(self) -> Checkpoint:
        """Where the rows stand."""
        async with self._reading() as connection:
            return await _checkpoint(connection)

    async def state(self, key: str) -> SeriesState | None:
        """The series as its row has it, removed or not; None if there is no row (yet)."""
        query = select(_ROW.state).where(_ROW.key == key)
        async with self._reading() as connection:
            encoded = (await connection.execute(query)).scalar_one_or_none()
        return _STATE.decode(encoded) if encoded is not None else None

    async def seasons(self, series_id: int) -> list[Season]:
        """The seasons and episodes of a series, in order."""
        titles = select(seasons.c.number, seasons.c.title).where(seasons.c.series_id == series_id)
        every = select(episodes).where(episodes.c.series_id == series_id).order_by(episodes.c.season, episodes.c.number)
        async with self._reading() as connection:
            by_number: dict[int, tuple[str | None, list[Episode]]] = {
                row.number: (row.title, []) for row in await connection.execute(titles)
            }
            for row in await connection.execute(every):
                by_number.setdefault(row.season, (None, []))[1].append(_episode(row))
        return [
            Season(number=number, title=title, episodes=tuple(found))
            for number, (title, found) in sorted(by_number.items())
        ]

    async def page(
        self, *, status: str | None, words: str | None, order: Order, limit: int, after: Cursor | None
    ) -> Page:
        """At most `limit` series that are not removed, in `order`, behind `after`, which is a cursor of that order.

        All pages of a list tell the total of its first one.
        """
        name = func.lower(_ROW.name)
        base = select(_ROW.key).where(_ROW.state.is_not(None), ~_ROW.removed)
        if status is not None:
            base = base.where(_ROW.loading_status == status)
        if words:
            wanted = words.lower()
            base = base.where(name.contains(wanted, autoescape=True) | _ROW.key.contains(wanted, autoescape=True))
        query = base.add_columns(_ROW.state, _ROW.id, name.label("lower_name")).limit(limit + 1)
        query = query.order_by(_ROW.id.desc()) if order == "newest" else query.order_by(name, _ROW.key)
        match after:
            case AfterName():
                query = query.where(tuple_(name, _ROW.key) > tuple_(after.lower_name, after.key))
            case AfterNewest():
                query = query.where(_ROW.id < after.db_id)
        total = after.total if after else None
        async with self._reading() as connection:
            if total is None:
                total = (await connection.execute(select(func.count()).select_from(base.subquery()))).scalar_one()
            rows = (await connection.execute(query)).all()
        shown = rows[:limit]
        more = _behind(shown[-1], order, total) if len(rows) > limit else None
        return Page([_STATE.decode(row.state) for row in shown], total, more)

    async def changes(
        self, *, after: int = 0, keys: Collection[str] | None = None, removed: bool = True
    ) -> tuple[Checkpoint, list[Change]]:
        """The checkpoint, and the rows (of `keys` only, if given) that changed after a position, by position."""
        query = _after(after).order_by(_ROW.position)
        if keys is not None:
            query = query.where(_ROW.key.in_(keys))
        if not removed:
            query = query.where(~_ROW.removed)
        async with self._reading() as connection:
            stand = await _checkpoint(connection)
            rows = (await connection.execute(query)).all()
        return stand, [Change(row.key, row.position, row.state) for row in rows]


def _behind(row: Row[Any], order: Order, total: int) -> Cursor:
    return AfterNewest(row.id, total) if order == "newest" else AfterName(row.lower_name, row.key, total)


def _after(position: int) -> Select[Any]:
    return select(_ROW.key, _ROW.position, _ROW.state).where(_ROW.position > position, _ROW.state.is_not(None))


async def _checkpoint(connection: AsyncConnection) -> Checkpoint:
    row = (await connection.execute(select(checkpoint.c.log_id, checkpoint.c.position))).one()
    return Checkpoint(row.log_id, row.position)


def _episode(row: Row[Any]) -> Episode:
    return Episode(
        number=row.number,
        title=row.title,
        air_date=row.air_date,
        runtime=row.runtime,
        absolute=row.absolute_number,
        on_disk=row.on_disk,
    )
