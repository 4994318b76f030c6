"""The read model as the projector writes it: rows and checkpoint in one transaction, guarded by the old checkpoint.

Only the projector writes these tables. A guard failure means that another projector was here, or that a rebuild
wrote them anew: what this process holds in memory is worth nothing then.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import CursorResult, TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.events import EpisodesLoaded
from contracts.presentation import error_of
from contracts.state import SeriesState
from services.platform.database import connect_engine
from services.platform.tables import checkpoint
from services.projector.domain import Folded

_STATE = msgspec.json.Decoder(SeriesState)


class GuardFailed(Exception):
    """The checkpoint is not where this process left it."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Up to which position of which log the rows are folded; `generation` counts the rebuilds."""

    log_id: str | None
    generation: int
    position: int


_COLUMNS: dict[str, str] = {
    "id": "bigint",
    "key": "varchar",
    "name": "varchar",
    "site": "varchar",
    "link": "varchar",
    "client": "varchar",
    "folder": "varchar",
    "year": "integer",
    "has_nfo": "boolean",
    "nfo_created_at": "timestamptz",
    "nfo_updated_at": "timestamptz",
    "tmdb_id": "integer",
    "tvdb_id": "integer",
    "imdb_id": "varchar",
    "tvmaze_id": "integer",
    "loading_status": "varchar",
    "episodes_loaded": "boolean",
    "logo_loaded": "boolean",
    "images_loaded": "boolean",
    "loading_started_at": "timestamptz",
    "loading_completed_at": "timestamptz",
    "loading_error": "varchar",
    "position": "bigint",
    "removed": "boolean",
    "state": "bytea",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
}
_SEASON_COLUMNS = {"series_id": "bigint", "number": "integer", "title": "varchar"}
_EPISODE_COLUMNS = {
    "series_id": "bigint",
    "season": "integer",
    "number": "integer",
    "title": "varchar",
    "air_date": "varchar",
    "runtime": "integer",
    "absolute_number": "integer",
    "on_disk": "boolean",
}
_MOVE = (
    "UPDATE checkpoint SET log_id = :to_log_id, position = :to_position, updated_at = now() WHERE "
    "log_id IS NOT DISTINCT FROM :from_log_id AND generation = :from_generation AND position = :from_position"
)
_OR_UPDATE = (
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS if name != 'key')}"
)
_DROP_FORMER_LIVES = text("DELETE FROM anime_series WHERE key = ANY(CAST(:keys AS varchar[]))")
_DROP_EPISODES = text("DELETE FROM episodes WHERE series_id = ANY(CAST(:ids AS bigint[]))")
_DROP_SEASONS = text("DELETE FROM seasons WHERE series_id = ANY(CAST(:ids AS bigint[]))")


def _insert(table: str, columns: dict[str, str], where: str, conflict: str) -> str:
    """Rows from one array for each column, whose parameter is named for the table, too."""
    arrays = ", ".join(f"CAST(:{table}_{name} AS {kind}[])" for name, kind in columns.items())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {where} {conflict}"  # noqa: S608


def _write(*, guarded: bool, with_episodes: bool) -> TextClause:
    """All rows of a batch in one turn to the server, which is what a small batch takes its time for.

    Guarded, it moves the checkpoint first, and does nothing where that is not the one it is to be moved from.
    """
    where = "WHERE EXISTS (SELECT FROM moved)" if guarded else ""
    steps = [f"moved AS ({_MOVE} RETURNING 1)"] if guarded else []
    steps.append(f"with_series AS ({_insert('anime_series', _COLUMNS, where, _OR_UPDATE)})")
    if with_episodes:
        ignore = "ON CONFLICT DO NOTHING"  # a catalogue may name an episode twice
        steps.append(f"with_seasons AS ({_insert('seasons', _SEASON_COLUMNS, where, ignore)})")
        steps.append(f"with_episodes AS ({_insert('episodes', _EPISODE_COLUMNS, where, ignore)})")
    return text(f"WITH {', '.join(steps)} SELECT {'FROM moved' if guarded else ''}")


_WRITE = {
    (guarded, with_episodes): _write(guarded=guarded, with_episodes=with_episodes)
    for guarded in (False, True)
    for with_episodes in (False, True)
}


def connect_projector(url: str) -> AsyncEngine:
    """The engine of a projector, which finds rows by their keys only.

    Told so, because the server would look through whole tables: a statement keeps the plan that was right while they
    were small until their statistics are taken, a minute later or more.
    """
    return connect_engine(url, name="coldopen-projector", tested=False, settings={"enable_seqscan": "off"})


class ReadModel:
    """The tables behind `engine`, whose role owns them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def checkpoint(self) -> Checkpoint:
        """Where the rows stand."""
        async with self._engine.connect() as connection:
            return await read_checkpoint(connection)

    async def count_unadopted(self) -> int:
        """How many rows predate the log and are not told to it yet."""
        query = text(
            "SELECT (SELECT count(*) FROM anime_series WHERE position = 0) "
            "+ (SELECT count(*) FROM legacy_series WHERE adopted_position IS NULL)"
        )
        async with self._engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def states(self, keys: Iterable[str]) -> dict[str, SeriesState]:
        """The states that the rows of these keys hold."""
        async with self._connect() as connection:
            return await read_states(connection, keys)

    async def commit(self, log_id: str, before: Checkpoint, position: int, folded: Folded) -> Checkpoint:
        """Write what a batch changed and move the checkpoint to `position`. Raises GuardFailed; all or nothing.

        The checkpoint is moved before any row is touched: who else moves it waits, and then finds it elsewhere.
        """
        after = Checkpoint(log_id, before.generation, position)
        move = _prefixed("from", before) | _prefixed("to", after)
        if folded.begun or folded.reloaded:
            async with self._engine.begin() as connection:
                await _check_moved(connection, await connection.execute(text(_MOVE), move), before)
                await write_rows(connection, folded)
        else:
            async with self._connect() as connection:
                statement = _WRITE[True, bool(folded.episodes)]
                await _check_moved(connection, await connection.execute(statement, move | _rows(folded)), before)
        return after

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[AsyncConnection]:
        """For single statements, which need no transaction around them."""
        async with self._engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")


async def read_checkpoint(connection: AsyncConnection, *, lock: bool = False) -> Checkpoint:
    """Where the rows stand; with `lock` they stand there until the transaction ends."""
    query = select(checkpoint.c.log_id, checkpoint.c.generation, checkpoint.c.position)
    row = (await connection.execute(query.with_for_update() if lock else query)).one()
    return Checkpoint(row.log_id, row.generation, row.position)


async def write_rows(connection: AsyncConnection, folded: Folded) -> None:
    """Write what a batch changed into the tables that the connection's search path names."""
    if folded.begun:
        await connection.execute(_DROP_FORMER_LIVES, {"keys": list(folded.begun)})
    if folded.reloaded:
        ids = {"ids": [folded.states[key].added for key in folded.reloaded]}
        await connection.execute(_DROP_EPISODES, ids)
        await connection.execute(_DROP_SEASONS, ids)
    if folded.states:
        await connection.execute(_WRITE[False, bool(folded.episodes)], _rows(folded))


async def read_states(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, SeriesState]:
    """The states that the rows of these keys hold, in the tables that the connection's search path names."""
    query = text("SELECT key, state FROM anime_series WHERE key = ANY(CAST(:keys AS varchar[]))")
    rows = await connection.execute(query, {"keys": list(keys)})
    return {row.key: _STATE.decode(row.state) for row in rows if row.state is not None}


async def _check_moved(connection: AsyncConnection, moved: CursorResult[Any], before: Checkpoint) -> None:
    if moved.rowcount != 1:
        raise GuardFailed(f"expected {before}, found {await read_checkpoint(connection)}")


def _prefixed(prefix: str, one: Checkpoint) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in msgspec.structs.asdict(one).items()}


def _rows(folded: Folded) -> dict[str, list[Any]]:
    """The parameters of `_WRITE`."""
    rows = _columns("anime_series", _COLUMNS, [_row(state) for state in folded.states.values()])
    if folded.episodes:
        by_id = {folded.states[key].added: event for key, event in folded.episodes.items()}
        rows |= _columns("seasons", _SEASON_COLUMNS, _season_rows(by_id))
        rows |= _columns("episodes", _EPISODE_COLUMNS, _episode_rows(by_id))
    return rows


def _season_rows(by_id: dict[int, EpisodesLoaded]) -> list[tuple[Any, ...]]:
    return [
        (added, season.number, _cut(season.title, 1000)) for added, event in by_id.items() for season in event.seasons
    ]


def _episode_rows(by_id: dict[int, EpisodesLoaded]) -> list[tuple[Any, ...]]:
    return [
        (
            added,
            season.number,
            one.number,
            _cut(one.title, 1000),
            _cut(one.air_date, 10),
            one.runtime,
            one.absolute,
            one.on_disk,
        )
        for added, event in by_id.items()
        for season in event.seasons
        for one in season.episodes
    ]


def _columns(table: str, names: Iterable[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return {f"{table}_{name}": column for name, column in zip(names, columns, strict=True)}


def _cut(text: str | None, length: int) -> str | None:
    """What the column has room for, without the character that PostgreSQL has no place for.

    The state beside it holds the whole.
    """
    return text.replace("\0", "")[:length] if text else text


def _row(state: SeriesState) -> tuple[Any, ...]:
    return (
        state.added,
        state.key,
        _cut(state.name, 500),
        _cut(state.site, 100),
        _cut(state.link, 2000),
        _cut(state.client, 200),
        _cut(state.folder, 255),
        state.year,
        state.nfo.good == "loaded",
        state.nfo_created_at,
        state.nfo_updated_at,
        state.ids.tmdb,
        state.ids.tvdb,
        _cut(state.ids.imdb, 20),
        state.ids.tvmaze,
        state.loading_status,
        state.episodes.good == "loaded",
        state.logo.good == "loaded",
        state.images.good == "loaded",
        state.started_at,
        state.completed_at,
        _cut(error_of(state), 1000),
        state.position,
        state.removed,
        msgspec.json.encode(state),
        state.added_at,
        state.updated_at,
    )
