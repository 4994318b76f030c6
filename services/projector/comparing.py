"""The live rows beside those that were folded anew: which differ, and making them the same.

Only what the fold says is compared: not `episodes.id` and the times of the insert, which the database adds by itself.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform import tables

_LIVE, _ANEW = "public", "pg_temp"
_STATE = "state"


class Compared(msgspec.Struct, frozen=True):
    """A table: rows are the same one where `identity` is equal, and equal where `columns` are."""

    name: str
    identity: tuple[str, ...]
    columns: tuple[str, ...]


def _compared(table: Table, identity: tuple[str, ...], besides: tuple[str, ...] = ()) -> Compared:
    return Compared(str(table.name), identity, tuple(str(one.name) for one in table.c if one.name not in besides))


# In the order in which they may be filled.
TABLES = (
    _compared(tables.anime_series, ("id", "key")),
    _compared(tables.seasons, ("series_id", "number")),
    _compared(tables.episodes, ("series_id", "season", "number"), besides=("id", "created_at", "updated_at")),
)


class Difference(msgspec.Struct, frozen=True):
    """What one row says, live and folded anew; `column` is None where one of the two has no such row.

    `row` is the identity but for the series, whose key is `key`. Of the encoded state, `column` names the field.
    """

    table: str
    key: str
    row: tuple[int, ...]
    column: str | None
    live: Any
    anew: Any


async def count_differences(connection: AsyncConnection) -> int:
    """How many rows differ, exist live only, or should exist and don't."""
    total = 0
    for table in TABLES:
        query = text(f"SELECT count(*) FROM {_pairs(table)}")  # noqa: S608 - our own names
        total += (await connection.execute(query)).scalar_one()
    return total


async def differences(connection: AsyncConnection, at_most: int) -> list[Difference]:
    """What the first rows that differ say, column by column."""
    found: list[Difference] = []
    for table in TABLES:
        series = "key" if "key" in table.columns else "series_id"
        key = _key_of_pair() if series == "series_id" else "coalesce(live.key, anew.key)"
        order = ", ".join(f"coalesce(live.{name}, anew.{name})" for name in table.identity)
        query = text(
            f"SELECT {key} AS key, to_jsonb(live) AS live, to_jsonb(anew) AS anew FROM {_pairs(table)} "  # noqa: S608
            f"ORDER BY {order} LIMIT {at_most}"
        )
        for row in await connection.execute(query):
            found += _between(table, row.key, row.live, row.anew)
    return found[:at_most]


async def make_equal(connection: AsyncConnection) -> int:
    """Write what differs, so that the live rows say what the others do; how many rows that took.

    Rows that are equal are not touched, and readers wait for nothing: they see all of it from the commit on. To be
    called in the transaction that is to have changed them.
    """
    # What lost its rows is empty as far as the planner knows, while it is being filled: looking through all of it for
    # each row costs nothing then. It must read each table once, whatever it believes.
    await connection.execute(text("SET LOCAL enable_nestloop = off"))
    changed = 0
    for table in TABLES:
        for statement in (_delete(table), _update(table), _insert(table)):  # what is inserted is equal
            changed += (await connection.execute(text(statement))).rowcount
    return changed


def _row(alias: str, columns: tuple[str, ...]) -> str:
    return f"({', '.join(f'{alias}.{name}' for name in columns)})"


def _same(table: Compared) -> str:
    return " AND ".join(f"live.{name} = anew.{name}" for name in table.identity)


def _differs(table: Compared) -> str:
    return f"{_row('live', table.columns)} IS DISTINCT FROM {_row('anew', table.columns)}"


def _pairs(table: Compared) -> str:
    return f"{_LIVE}.{table.name} live FULL JOIN {_ANEW}.{table.name} anew ON {_same(table)} WHERE {_differs(table)}"


def _key_of_pair() -> str:
    by_id = "SELECT key FROM {}.anime_series WHERE id = coalesce(live.series_id, anew.series_id)"
    return f"coalesce(({by_id.format(_ANEW)}), ({by_id.format(_LIVE)}))"


def _delete(table: Compared) -> str:
    return (
        f"DELETE FROM {_LIVE}.{table.name} live "  # noqa: S608 - our own names, here and below
        f"WHERE NOT EXISTS (SELECT FROM {_ANEW}.{table.name} anew WHERE {_same(table)})"
    )


def _insert(table: Compared) -> str:
    columns = ", ".join(table.columns)
    return (
        f"INSERT INTO {_LIVE}.{table.name} ({columns}) SELECT {columns} FROM {_ANEW}.{table.name} anew "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT FROM {_LIVE}.{table.name} live WHERE {_same(table)})"
    )


def _update(table: Compared) -> str:
    columns = tuple(name for name in table.columns if name not in table.identity)
    return (
        f"UPDATE {_LIVE}.{table.name} live SET ({', '.join(columns)}) = ROW{_row('anew', columns)} "  # noqa: S608
        f"FROM {_ANEW}.{table.name} anew WHERE {_same(table)} AND {_differs(table)}"
    )


def _between(table: Compared, key: str, live: dict[str, Any] | None, anew: dict[str, Any] | None) -> list[Difference]:
    there = live or anew or {}
    row = tuple(there[name] for name in table.identity if name not in ("id", "key", "series_id"))
    if live is None or anew is None:
        return [Difference(table.name, key, row, None, live is not None, anew is not None)]
    return [
        Difference(table.name, key, row, column, was, now)
        for name in table.columns
        for column, was, now in _unequal(name, live[name], anew[name])
    ]


def _unequal(name: str, live: Any, anew: Any) -> Iterator[tuple[str, Any, Any]]:
    if live == anew:
        return
    was, now = (_fields(one) if name == _STATE else None for one in (live, anew))
    if was is None or now is None or was == now:
        yield name, live, anew
        return
    for field in sorted(was.keys() | now.keys()):
        if was.get(field) != now.get(field):
            yield f"{name}.{field}", was.get(field), now.get(field)


def _fields(state: str | None) -> dict[str, Any] | None:
    """What an encoded state, in PostgreSQL's hexadecimal, says; None if it is not readable."""
    try:
        return dict(msgspec.json.decode(bytes.fromhex((state or "").removeprefix("\\x")), type=dict[str, Any]))
    except (ValueError, msgspec.DecodeError):
        return None
