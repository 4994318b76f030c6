"""What holds of the fold for every history, whichever way it went."""

from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.events import CONTENT_PARTS, Event, Part, PartRequested, RecordedEvent, SeriesAdded, SeriesIdentified
from contracts.loading import evolve
from contracts.presentation import encode_update, progress_of, status_body
from contracts.state import LoadingStatus, PartState, SeriesState
from tests.support.arbitrary import any_history
from tests.support.builders import (
    added,
    at,
    failed,
    fold,
    identified,
    loaded,
    log,
    released,
    removed,
    requested,
    retrying,
    started,
    unavailable,
    unchanged,
)
from tests.support.loaders import histories, last_of_each

# Histories are long: how many examples, not how long one takes, bounds the run on a slow machine.
unhurried = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY = st.one_of(histories(), histories(races=True), any_history())


def caused(part: Part, cause: int) -> list[Event]:
    """One event of each kind that `part` can have after `cause`."""
    return [
        started(part, cause, delivery=99, attempt=99),
        released(part, cause),
        retrying(part, cause, attempt=99),
        unchanged(part, cause),
        unavailable(part, cause),
        failed(part, cause),
        identified(cause) if part is Part.IDENTITY else loaded(part, cause),
    ]


def what_loaders_decide_from(part: PartState) -> tuple[object, ...]:
    delivery = part.delivery if part.status == "loading" else None
    return part.cause, part.outcome, part.attempt, part.deaths, part.retries, part.waited, delivery, part.is_open


@unhurried
@given(st.one_of(histories(), histories(races=True)), st.data())
def test_a_repeat_changes_nothing(events: list[RecordedEvent], data: st.DataObject) -> None:
    """An event that was folded before is recognised at any later point: the very same state comes back."""
    for count in range(1, len(events) + 1):
        state = fold(events[:count])
        repeated = data.draw(st.sampled_from(events[:count]))

        assert evolve(state, repeated) is state


@unhurried
@given(any_history())
def test_any_event_can_be_folded_and_shown(events: list[RecordedEvent]) -> None:
    """Whatever is in a log, neither the fold nor what people see of it breaks."""
    state = None
    for recorded in events:
        state = evolve(state, recorded)

        if state is not None:
            assert state.loading_status in get_args(LoadingStatus)
            assert msgspec.json.decode(encode_update(state))["key"] == state.key
            assert msgspec.json.decode(msgspec.json.encode(status_body(state)))["position"] == state.position


@unhurried
@given(st.one_of(histories(), histories(races=True)))
def test_every_prefix_folds_and_positions_never_go_back(events: list[RecordedEvent]) -> None:
    """The state after each event carries the position of the last one that changed it."""
    state, before = None, 0
    for recorded in events:
        after = evolve(state, recorded)

        assert after is not None
        assert after.position == (before if after is state else recorded.position)
        state, before = after, after.position


@unhurried
@given(histories(races=True))
def test_what_a_superseded_start_says_changes_nothing(events: list[RecordedEvent]) -> None:
    """Nor what a former life says. (Only SeriesIdentified counts by its position: it says what the series is.)"""
    state = fold(events)
    if state is None:
        return
    position = events[-1].position + 1

    for part in Part:
        for event in caused(part, state.added - 1):
            assert evolve(state, at(position, event)) is state
        for event in caused(part, state.part(part).cause - 1):
            if event.__class__ is not identified().__class__:
                assert evolve(state, at(position, event)) is state


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [requested(Part.IDENTITY), requested(Part.IDENTITY), identified(3), failed(Part.IDENTITY, 4)],
            id="identified by a superseded worker",
        ),
        pytest.param(
            [
                loaded(Part.NFO, 2),
                requested(Part.IDENTITY),
                identified(4, reload=True, starts=CONTENT_PARTS),
                failed(Part.NFO, 5),
                requested(Part.IDENTITY),
                identified(7, starts=CONTENT_PARTS),
            ],
            id="identified thrice, in between as another entry",
        ),
        pytest.param(
            [
                loaded(Part.NFO, 2),
                requested(Part.NFO),
                requested(Part.IDENTITY),
                identified(5, starts=(Part.EPISODES, Part.LOGO, Part.IMAGES)),
                loaded(Part.NFO, 4),
            ],
            id="refreshed while it was identified anew",
        ),
    ],
)
def test_what_hid_starts_from_loaders_once(events: list[Event]) -> None:
    """Later events of a subject hide earlier ones: these histories need what SeriesIdentified says of the parts."""
    history = log(added(), identified(), *events, requested(Part.LOGO))

    whole, short = fold(history), fold(last_of_each(history))

    assert whole is not None
    assert short is not None
    for part in Part:
        assert what_loaders_decide_from(short.part(part)) == what_loaders_decide_from(whole.part(part)), part
    assert (short.identified, short.folder) == (whole.identified, whole.folder)


def test_a_part_wanted_later_is_known_to_loaders_after_a_new_identification() -> None:
    """Its request comes before the only SeriesIdentified that they see, and still makes it wanted."""
    history = log(
        added(parts=(Part.EPISODES,)),
        identified(),
        requested(Part.NFO),
        requested(Part.IDENTITY),
        identified(4, starts=(Part.EPISODES, Part.NFO)),
    )

    short = fold(last_of_each(history))

    assert short is not None
    assert (short.nfo.cause, short.nfo.is_open) == (5, True)


def test_a_part_asked_for_while_identity_was_asked_again_is_known_to_loaders() -> None:
    """The late SeriesIdentified does not name the part, and hides the one that came before its request."""
    history = log(
        added(parts=(Part.EPISODES,)),
        identified(),
        requested(Part.IDENTITY),
        requested(Part.NFO),
        requested(Part.IDENTITY),
        identified(3, starts=()),
    )

    whole, short = fold(history), fold(last_of_each(history))

    assert whole is not None
    assert short is not None
    assert (whole.nfo.cause, short.nfo.cause, short.nfo.is_open) == (4, 4, True)


@unhurried
@given(histories())
def test_the_last_event_of_each_subject_tells_loaders_enough(events: list[RecordedEvent]) -> None:
    """A loader that reads only these decides as if it had read everything."""
    whole, short = fold(events), fold(last_of_each(events))

    assert whole is not None
    assert short is not None
    assert (short.added, short.removed) == (whole.added, whole.removed)
    if not whole.removed:
        assert (short.identified, short.folder) == (whole.identified, whole.folder)
        for part in Part:
            assert what_loaders_decide_from(short.part(part)) == what_loaders_decide_from(whole.part(part)), part


def identifications_at_once(events: list[RecordedEvent]) -> int:
    """SeriesIdentified that came after identity had been asked for anew; one more for the same request counts twice."""
    newest, found = 0, 0
    settled: set[int] = set()
    for one in events:
        event = one.event
        if isinstance(event, SeriesAdded) or (isinstance(event, PartRequested) and event.part is Part.IDENTITY):
            newest = one.position
        if isinstance(event, SeriesIdentified):
            found += 2 * (event.cause in settled) or event.cause < newest
            settled.add(event.cause)
    return found


@unhurried
@given(histories(races=True))
def test_open_work_never_looks_settled_to_loaders(events: list[RecordedEvent]) -> None:
    """Two workers of one start may hide each other's events, but never that there is something left to do.

    Where two of them identify the series at once they can: the caretaker, which folds everything, then asks again.
    """
    assume(identifications_at_once(events) < 2)
    whole, short = fold(events), fold(last_of_each(events))

    assert whole is not None
    assert short is not None
    assert (short.added, short.removed) == (whole.added, whole.removed)
    if not whole.removed:
        for part in Part:
            assert short.part(part).is_open or not whole.part(part).is_open, part


@unhurried
@given(ANY)
def test_completed_means_that_every_wanted_part_is_done(events: list[RecordedEvent]) -> None:
    """Neither earlier nor later; and then every part's progress is true."""
    state = fold(events)
    if state is None or state.removed:
        return
    done = all(state.part(part).status in ("loaded", "unavailable") for part in state.wanted)
    known = not state.identity.is_open and (bool(state.wanted) or state.identified > 0)

    assert (state.loading_status == "completed") == (done and known)
    assert (state.completed_at is not None) == (state.loading_status == "completed")
    if state.loading_status == "completed":
        assert all(getattr(progress_of(state), part.value) for part in CONTENT_PARTS)


@unhurried
@given(ANY)
def test_a_series_added_again_is_a_new_series(events: list[RecordedEvent]) -> None:
    """Removed and added again, nothing of the former life is left."""
    position = max((one.position for one in events), default=0) + 1
    again = at(position + 1, added(folder="Elsewhere"))

    state = fold([*events, at(position, removed()), again])

    assert state == fold([again])


@unhurried
@given(histories())
def test_the_folder_of_a_life_is_fixed_by_its_first_identification(events: list[RecordedEvent]) -> None:
    """Whatever is identified later in the same life, files stay where they are."""
    state: SeriesState | None = None
    for recorded in events:
        before, state = state, evolve(state, recorded)

        if before and state and before.identified and not isinstance(recorded.event, SeriesAdded):
            assert state.folder == before.folder


@unhurried
@given(histories())
def test_simulated_times_do_not_matter(events: list[RecordedEvent]) -> None:
    """Order is position: clocks that go back change no decision."""
    backwards = [replace(one, time=at(1000 - one.position, one.event).time) for one in events]

    forth, back = fold(events), fold(backwards)

    assert forth is not None
    assert back is not None
    for part in Part:
        assert what_loaders_decide_from(forth.part(part)) == what_loaders_decide_from(back.part(part))
    assert forth.loading_status == back.loading_status
