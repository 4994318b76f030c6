"""The log folded once more, from its beginning, into temporary tables of one database connection.

They are this connection's own: they cost no write-ahead log, nobody else sees them, and however the work ends, nothing
of them is left. Events are read and folded while the database writes what was folded before; memory holds the states
of so many series only, and the keys of all. Series of which events were skipped or released are left out at first, and
at the end folded one by one, each from its own events: what was skipped is known for certain only then.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events import EventParked, EventUnparked, RecordedEvent
from contracts.state import SeriesState
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.parked import parkings_after
from services.platform.stored_event import Unreadable
from services.platform.tasks import begun, end
from services.projector import domain
from services.projector.domain import Folded
from services.projector.inbox import Inbox
from services.projector.read_model import read_states, write_rows
from services.projector.replaying import One, Replayed, key_of, replay

_BATCH = 5_000
_STATES_KEPT = 20_000
_PARKING = (EventParked, EventUnparked)
_PATIENCE = 60.0  # seconds without an event that the log is known to hold

# Told again and again: the position that is folded, and the one that it is folded to.
Report: TypeAlias = Callable[[int, int], None]

_TABLES = {
    "anime_series": "UNIQUE (key)",
    "episodes": "UNIQUE (series_id, season, number)",
    "seasons": "UNIQUE (series_id, number)",
}
_LOOKED_FOR = {"anime_series": "id, key", "episodes": "series_id, season, number", "seasons": "series_id, number"}
_FORGET = (
    "DELETE FROM episodes WHERE series_id IN (SELECT id FROM anime_series WHERE key = :key)",
    "DELETE FROM seasons WHERE series_id IN (SELECT id FROM anime_series WHERE key = :key)",
    "DELETE FROM anime_series WHERE key = :key",
)


class Refolding:
    """Temporary tables that stand at `position`; unqualified names mean them on `connection` from now on."""

    def __init__(self, store: EventStore, connection: AsyncConnection, report: Report) -> None:
        self.position = 0
        self._store = store
        self._connection = connection
        self._report = report
        self._states: OrderedDict[str, SeriesState] = OrderedDict()
        self._written: set[str] = set()  # series that have a row
        self._apart: dict[str, int] = {}  # series that are folded at the end, and the position of their last event
        self._analyzed = 0  # the position at which the database last looked at what it holds

    async def prepare(self) -> None:
        """Make the tables, each with only the index that writing it needs."""
        for table, index in _TABLES.items():
            like = f"LIKE public.{table} INCLUDING DEFAULTS INCLUDING IDENTITY"
            await self._connection.execute(text(f"CREATE TEMPORARY TABLE {table} ({like}, {index})"))

    async def fold_to(self, position: int) -> None:
        """Fold on, to exactly this position, which the log must hold. Raises LogUnavailable."""
        writing: asyncio.Future[None] = asyncio.ensure_future(asyncio.sleep(0))
        try:
            async with aclosing(self._batches(position)) as batches:
                async for batch in batches:
                    events = [one for one in batch if not self._is_apart(one) and isinstance(one, RecordedEvent)]
                    missing = {key for key in domain.keys_of(events) & self._written if key not in self._states}
                    if missing:
                        await writing
                        self._states.update(await read_states(self._connection, missing))
                    folded = domain.fold(self._states, events)
                    await writing
                    writing = await begun(self._write(folded))
                    self._apart |= {one.event.key: one.position for one in folded.refused}
                    self._remember(folded)
                    self.position = batch[-1].position
                    self._report(self.position, position)
            await writing
        finally:
            await end(writing)

    async def _write(self, folded: Folded) -> None:
        await write_rows(self._connection, folded)
        if self.position >= 2 * self._analyzed:
            await self._analyze()

    async def _analyze(self) -> None:
        """Tell the planner what the tables hold: no autovacuum comes to temporary ones.

        Untold, it does not know how few rows are one series', and reads whole tables to find those of a batch: the
        longer the log, the slower. Each time that they have doubled is enough. (What no statement looks for, such as
        the encoded states, would take most of the time.)
        """
        self._analyzed = self.position
        for table, columns in _LOOKED_FOR.items():
            await self._connection.execute(text(f"ANALYZE {table} ({columns})"))

    async def settle(self) -> list[Replayed]:
        """Fold the series that were left out, so that all rows stand at `position`. Raises LogUnavailable."""
        skipped = {key for key, _ in await parkings_after(self._store, self.position)}
        found = []
        for key in sorted(self._apart.keys() | skipped):
            events = await self._store.events_of(key)
            if max((one.position for one in events), default=0) < self._apart.get(key, 0):
                raise LogUnavailable(f"the event log's replica has not reached {self._apart[key]} yet")
            series = replay(key, events, self.position)
            await self._put(key, series)
            found.append(series)
        # What former lives of a series had.
        for table in ("episodes", "seasons"):
            orphans = f"DELETE FROM {table} t WHERE NOT EXISTS (SELECT FROM anime_series WHERE id = t.series_id)"  # noqa: S608
            await self._connection.execute(text(orphans))
        await self._analyze()
        return found

    async def _put(self, key: str, series: Replayed) -> None:
        for statement in _FORGET:
            await self._connection.execute(text(statement), {"key": key})
        if series.state is not None:
            episodes = {key: series.episodes} if series.episodes else {}
            await write_rows(self._connection, Folded({key: series.state}, episodes, frozenset(), []))

    def _is_apart(self, one: One) -> bool:
        key = key_of(one)
        if key in self._apart or isinstance(one, Unreadable) or isinstance(one.event, _PARKING):
            # A subject that ends with the key is none of the series' own, and not among its events.
            is_own = isinstance(one, RecordedEvent) or one.subject.startswith(f"series.{key}.")
            self._apart[key] = one.position if is_own else self._apart.get(key, 0)
            return True
        return False

    def _remember(self, folded: Folded) -> None:
        self._written.update(folded.states)
        for key, state in folded.states.items():
            self._states[key] = state
            self._states.move_to_end(key)
        while len(self._states) > _STATES_KEPT:
            self._states.popitem(last=False)

    async def _batches(self, last: int) -> AsyncGenerator[list[One], None]:
        """The events behind `position` up to `last`, in batches; the inbox holds a bounded number of those to come."""
        read = self.position
        inbox = Inbox(self._store, read)
        try:
            while read < last:
                batch: list[One] = []
                while read < last and len(batch) < _BATCH:
                    arrived = await inbox.take(min(_BATCH - len(batch), last - read), _PATIENCE)
                    if not arrived:
                        raise LogUnavailable(f"the event log tells nothing behind {read}")
                    batch += arrived
                    read += len(arrived)
                    if arrived[-1].position != read:
                        raise LogUnavailable(f"the event log left out what is before {arrived[-1].position}")
                yield batch
        finally:
            await inbox.close()
