"""Any event in any order: what no program writes, and what a reader must nevertheless survive."""

from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from contracts.events import EVENT_TYPES, Event, RecordedEvent
from tests.support.builders import KEY, at

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(exclude_categories=["Cs"])),
    datetime: st.datetimes(timezones=st.just(UTC)),
}
_SMALL: dict[str, st.SearchStrategy[Any]] = {
    "key": st.just(KEY),
    "cause": st.integers(0, 9),
    "attempt": st.integers(0, 3),
    "delivery": st.integers(0, 3),
    "parked_position": st.integers(0, 9),
}


def structs(kind: type[Any], given: dict[str, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Any]:
    """Any value of a contract's struct, every field drawn; `given` settles the fields of these names."""
    hints = get_type_hints(kind)
    drawn = {field.name: _values(hints[field.name]) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **drawn | {name: one for name, one in (given or {}).items() if name in drawn})


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of([_values(one) for one in arguments])
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=2).map(tuple)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return structs(hint) if issubclass(hint, msgspec.Struct) else _SIMPLE[hint]


def any_event() -> st.SearchStrategy[Event]:
    """Any event that the types allow."""
    return st.one_of([structs(kind) for kind in EVENT_TYPES])


def any_history() -> st.SearchStrategy[list[RecordedEvent]]:
    """Any events of one series in any order, with positions and causes so small that they meet."""
    event = st.one_of([structs(kind, _SMALL) for kind in EVENT_TYPES])
    return st.lists(st.builds(at, st.integers(1, 9), event), max_size=25)
