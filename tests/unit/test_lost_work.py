"""Which work the caretaker asks for again."""

from msgspec.structs import replace

from contracts.events import CatalogueIds, Part, PartRequested
from contracts.state import PartState, SeriesState
from services.caretaker.domain import lost_work
from tests.support.builders import series_state

FLOORS = dict.fromkeys(Part, 100)
SERIES = series_state()


def requests(state: SeriesState) -> list[PartRequested]:
    return lost_work(state, FLOORS)


def test_an_acknowledged_start_without_an_outcome_is_lost() -> None:
    """It is asked for again just as it was asked for the first time."""
    ids = CatalogueIds(tvmaze=1)
    state = replace(SERIES, identity=PartState(status="loading", cause=50, overwrite=True, requested_ids=ids))

    assert requests(state) == [
        PartRequested(key="bleach", part=Part.IDENTITY, reason="startup", overwrite=True, ids=ids, client="caretaker")
    ]


def test_what_is_above_the_floor_is_left_alone() -> None:
    """Queued, running and scheduled work is not acknowledged yet: the broker still has it."""
    for status in ("queued", "loading", "retrying"):
        assert requests(replace(SERIES, nfo=PartState(status=status, cause=101))) == []


def test_settled_removed_and_adopted_work_is_not_lost() -> None:
    """Nothing is asked for that has its outcome, that nobody wants, or that `adopt` brings."""
    settled = replace(SERIES, nfo=PartState(status="loaded", cause=50, outcome="loaded", good="loaded"))
    open_part = PartState(status="queued", cause=50)

    assert requests(settled) == []
    assert requests(replace(SERIES, nfo=open_part, removed=True)) == []
    assert requests(replace(SERIES, nfo=open_part, parked={60: "bad body"})) == []
    assert requests(replace(SERIES, origin="import", identity=PartState(status="queued", cause=10))) == []
