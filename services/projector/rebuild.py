"""Folding the read model anew from the log, beside the live one and while everything goes on: `rebuild` and `verify`.

Both fold the log into temporary tables (`refolding.py`). `verify` compares them with the live rows as one moment shows
them, and changes nothing. `rebuild` locks the checkpoint, so that the projector stands still, folds to its position,
writes what differs and raises the generation, all in one transaction: readers see the old rows and then the new ones,
never a mixture, and wait for nothing; the projector finds another generation, and begins again from it. (Tables that
are renamed into place would be seen by a reader that has begun before without their last rows, and make all readers
wait.) If it is cut short, nothing has happened.

Where the live rows are behind (they were lost), rebuilt is all that the log holds, and the projector goes on from
there. Subscribers of the feed are told nothing: an update says what happened at a position, and nothing happened. Who
connects anew gets what the rows say now, everybody else gets it with the series' next change.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.event_store import EventStore
from services.platform.streams import LogInfo
from services.projector.comparing import Difference, count_differences, differences, make_equal
from services.projector.parking import park
from services.projector.read_model import Checkpoint, ReadModel, read_checkpoint
from services.projector.refolding import Refolding, Report

SHOWN = 20  # differences
_NEAR = 2_000  # events: what is left to be folded while the projector stands still
_LOCK = 0x72656275696C64  # "rebuild": the advisory lock of whoever rebuilds

_Isolation: TypeAlias = Literal["READ COMMITTED", "REPEATABLE READ"]


class NotRebuilt(Exception):
    """The read model can't be rebuilt or verified now; the text says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Rebuilt(msgspec.Struct, frozen=True):
    """The rows stand at `position`; `changed` of them were not what they are now."""

    position: int
    generation: int
    changed: int


class Verified(msgspec.Struct, frozen=True):
    """At `position`, `count` rows were not what the log says; `differences` are the first of them, by column."""

    position: int
    count: int
    differences: list[Difference]


async def rebuild(engine: AsyncEngine, store: EventStore, report: Report) -> Rebuilt:
    """Make the rows what the log says. Raises NotRebuilt, LogUnavailable; then nothing has changed."""
    await _refuse_unadopted(engine)
    async with _connection(engine) as connection:
        await _claim(connection)
        refolding = await _begin(connection, store, report)
        await refolding.fold_to((await store.info()).last_position)
        while (last := (await store.info()).last_position) - refolding.position > _NEAR:
            await refolding.fold_to(last)
        async with _transaction(connection, "READ COMMITTED"):
            live = await read_checkpoint(connection, lock=True)
            info = await store.info()
            await refolding.fold_to(_end(refolding.position, live, info))
            untaken = [one for series in await refolding.settle() for one in series.untaken]
            for one in untaken:
                await park(store, info.log_id, one.one, again=one.again)
            changed = await make_equal(connection)
            await connection.execute(
                text(
                    "UPDATE checkpoint SET log_id = :log_id, position = :position, generation = generation + 1, "
                    "updated_at = now()"
                ),
                {"log_id": info.log_id, "position": refolding.position},
            )
        return Rebuilt(refolding.position, live.generation + 1, changed)


async def verify(engine: AsyncEngine, store: EventStore, report: Report) -> Verified:
    """Compare the rows with what the log says at their position. Raises NotRebuilt, LogUnavailable, ForeignLog."""
    await _refuse_unadopted(engine)
    async with _connection(engine) as connection:
        refolding = await _begin(connection, store, report)
        while (live := await _continued(connection, store)).position - refolding.position > _NEAR:
            await refolding.fold_to(live.position)
        async with _transaction(connection, "REPEATABLE READ"):
            live = await _continued(connection, store)
            if live.position < refolding.position:
                raise NotRebuilt("the rows were put back to an earlier position meanwhile", "verify again")
            await refolding.fold_to(live.position)
            await refolding.settle()
            count = await count_differences(connection)
            return Verified(live.position, count, await differences(connection, SHOWN) if count else [])


def _end(folded: int, live: Checkpoint, info: LogInfo) -> int:
    """Where to end: at the live position, unless it is behind, or one of another log or of a longer one."""
    is_of_this_log = live.log_id in (None, info.log_id) and live.position <= info.last_position
    return max(folded, live.position if is_of_this_log else 0)


async def _continued(connection: AsyncConnection, store: EventStore) -> Checkpoint:
    live = await read_checkpoint(connection)
    (await store.info()).check_continues(live.log_id, live.position)
    return live


async def _refuse_unadopted(engine: AsyncEngine) -> None:
    unadopted = await ReadModel(engine).count_unadopted()
    if unadopted:
        raise NotRebuilt(
            f"{unadopted} series predate the event log, which knows nothing of them yet",
            "adopt them first: python -m services.projector adopt",
        )


async def _claim(connection: AsyncConnection) -> None:
    """Be the only one that rebuilds, as long as the connection lasts."""
    query = text("SELECT pg_try_advisory_lock(:lock)")
    if not (await connection.execute(query, {"lock": _LOCK})).scalar_one():
        raise NotRebuilt("the read model is being rebuilt already", "wait until that is done")
    await connection.commit()  # the lock outlives it


async def _begin(connection: AsyncConnection, store: EventStore, report: Report) -> Refolding:
    # Whatever is folded before the last transaction needs none.
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    refolding = Refolding(store, connection, report)
    await refolding.prepare()
    return refolding


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that nobody uses after it: its temporary tables and its lock end with it."""
    async with engine.connect() as connection:
        try:
            yield connection
        finally:
            await connection.invalidate()


@asynccontextmanager
async def _transaction(connection: AsyncConnection, isolation: _Isolation) -> AsyncIterator[None]:
    """The one transaction at the end, after the work that needed none."""
    await connection.commit()
    await connection.execution_options(isolation_level=isolation)
    async with connection.begin():
        yield
