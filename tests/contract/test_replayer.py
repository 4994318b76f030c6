"""The replayer that contracts/README.md shows is right: whoever copies it gets the status that the fold gives."""

import ast
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.codec import encode
from contracts.events import Part, RecordedEvent
from contracts.loading import fold
from contracts.subjects import subject_of
from tests.support.builders import (
    added,
    at,
    failed,
    identified,
    loaded,
    parked,
    released,
    removed,
    requested,
    retrying,
    started,
    unavailable,
    unparked,
)
from tests.support.loaders import histories
from tests.support.replayer import program, source

STATUS = program().status
NFO_ONLY = [at(1, added(parts=(Part.NFO,))), at(2, identified(1))]
STARTED = [*NFO_ONLY, at(3, started(Part.NFO, 2))]


def replayed(events: list[RecordedEvent]) -> str | None:
    """What the replayer makes of the events, given as the log holds them."""
    status: str | None = STATUS([(one.position, subject_of(one.event), encode(one.event)) for one in events])
    return status


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(histories(), histories(races=True)))
def test_it_agrees_with_the_fold(events: list[RecordedEvent]) -> None:
    """Of any history that the loaders write: retries, releases, deaths, requests, removals, lives, parked events."""
    state = fold(events)

    assert replayed(events) == (state.loading_status if state else None)


def test_it_follows_a_part_step_by_step() -> None:
    """A refresh keeps the good result; what was good for another entry does not count."""
    events = [
        *NFO_ONLY,
        at(3, started(Part.NFO, 2)),
        at(4, loaded(Part.NFO, 2)),
        at(5, requested(Part.NFO)),
        at(6, started(Part.NFO, 5)),
        at(7, failed(Part.NFO, 5)),
        at(8, requested(Part.IDENTITY)),
        at(9, identified(8, reload=True, starts=(Part.NFO,))),
        at(10, retrying(Part.NFO, 9)),
        at(11, failed(Part.NFO, 9, attempt=2)),
        at(12, removed()),
    ]

    assert [replayed(events[: number + 1]) for number in range(len(events))] == [
        "pending",
        "pending",
        "loading_nfo",
        "completed",
        "pending",
        "loading_nfo",
        "completed",
        "pending",
        "pending",
        "loading_nfo",
        "failed",
        "removed",
    ]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([*STARTED, at(4, released(Part.NFO, 2))], "pending"),
        ([*STARTED, at(4, started(Part.NFO, 2, delivery=2)), at(5, released(Part.NFO, 2))], "loading_nfo"),
        ([*STARTED, at(4, failed(Part.NFO, 2)), at(5, unavailable(Part.NFO, 2))], "completed"),
        ([*STARTED, at(4, loaded(Part.NFO, 2)), at(5, failed(Part.NFO, 2))], "completed"),
        ([*STARTED, at(4, failed(Part.NFO, 2)), at(5, started(Part.NFO, 2, delivery=2))], "failed"),
        ([*STARTED, at(4, requested(Part.NFO)), at(5, loaded(Part.NFO, 2))], "pending"),
        (
            [*STARTED, at(4, requested(Part.NFO)), at(5, started(Part.NFO, 4)), at(6, released(Part.NFO, 2))],
            "loading_nfo",
        ),
        ([*STARTED, at(4, requested(Part.LOGO)), at(5, loaded(Part.NFO, 2))], "pending"),
        ([*STARTED, at(4, removed()), at(5, added(parts=(Part.NFO,))), at(6, started(Part.NFO, 2))], "pending"),
        ([*STARTED, at(4, removed()), at(5, loaded(Part.NFO, 2))], "removed"),
        ([*STARTED, at(4, loaded(Part.NFO, 2)), at(5, requested(Part.IDENTITY))], "pending"),
        ([NFO_ONLY[0], at(2, failed(Part.IDENTITY, 1))], "failed"),
        ([at(1, added(parts=())), at(2, failed(Part.IDENTITY, 1))], "failed"),
        ([NFO_ONLY[0], at(2, requested(Part.NFO)), at(3, failed(Part.IDENTITY, 1))], "failed"),
        (
            [
                NFO_ONLY[0],
                at(2, requested(Part.NFO)),
                at(3, identified(1)),  # parked
                at(4, requested(Part.IDENTITY)),
                at(5, identified(4, starts=())),
                at(6, parked(3)),
            ],
            "pending",
        ),
        ([*STARTED, at(4, parked(2))], "loading_nfo"),
        ([*STARTED, at(4, parked(2)), at(5, loaded(Part.NFO, 2)), at(6, unparked(2))], "completed"),
        ([at(1, parked(7))], None),
    ],
    ids=[
        "handed back",
        "the other worker handed it back",
        "there is none after all",
        "a late failure",
        "a worker that comes too late",
        "of an earlier start",
        "handed back by an earlier start's",
        "one more part is wanted",
        "of a former life",
        "removed for good",
        "identified anew",
        "not identified",
        "not identified, and nothing wanted",
        "asked for before it is identified",
        "asked for before an identification that is parked",
        "its start is parked",
        "its start was let go",
        "never added",
    ],
)
def test_each_rule_of_the_fold_is_kept(events: list[RecordedEvent], status: str | None) -> None:
    """Those that chance does not find soon."""
    state = fold(events)

    assert (state.loading_status if state else None) == status
    assert replayed(events) == status


def test_it_skips_what_it_can_not_read() -> None:
    """A parked event may be anything, even no JSON; let go, it counts again."""
    history = [at(1, added()), at(2, removed()), at(3, parked(2))]
    log = [(one.position, subject_of(one.event), encode(one.event)) for one in history]
    log[1] = (2, log[1][1], b"{nonsense")

    assert STATUS(log) == "pending"
    assert replayed([*history, at(4, unparked(2))]) == "removed"


def test_it_needs_nothing_of_coldopens() -> None:
    """The standard library and nats-py."""
    imported = {
        name.name for node in ast.walk(ast.parse(source())) if isinstance(node, ast.Import) for name in node.names
    }

    assert imported - sys.stdlib_module_names == {"nats"}
    assert not [node for node in ast.walk(ast.parse(source())) if isinstance(node, ast.ImportFrom)]
