"""What the fold makes of a series' events, and how that reads."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.api import LoadingProgress
from contracts.events import CatalogueIds, ErrorKind, Event, LoadError, Part
from contracts.loading import evolve, fold, parts_to_start
from contracts.presentation import error_of, message_of, progress_of
from tests.support.builders import (
    BEGIN,
    NETWORK,
    NFO,
    NOT_FOUND,
    POSTER,
    added,
    all_loaded,
    at,
    deleted,
    failed,
    identified,
    loaded,
    log,
    parked,
    released,
    removed,
    requested,
    retrying,
    started,
    state_after,
    unavailable,
    unchanged,
    unparked,
)

EPISODES, IDENTITY, IMAGES, LOGO, NFO_PART = Part.EPISODES, Part.IDENTITY, Part.IMAGES, Part.LOGO, Part.NFO
DONE = LoadingProgress(episodes=True, nfo=True, logo=True, images=True)
NONE = LoadingProgress()
# A series at rest: 1 added, 2 identified, 3 to 6 its parts loaded.
AT_REST: tuple[Event, ...] = (added(), identified(), *all_loaded(2))


def test_the_happy_way() -> None:
    """Each event of an undisturbed add moves the status, the progress and the message as people see them."""
    steps: list[tuple[Event, str, LoadingProgress, str]] = [
        (added(), "pending", NONE, "Queued for loading"),
        (started(IDENTITY, 1), "pending", NONE, "Identifying series…"),
        (identified(1), "pending", NONE, "Queued for loading"),
        (started(IMAGES, 3), "loading_images", NONE, "Loading images…"),
        (started(LOGO, 3), "loading_logo", NONE, "Loading logo…"),
        (started(NFO_PART, 3), "loading_nfo", NONE, "Generating NFO file…"),
        (started(EPISODES, 3), "loading_episodes", NONE, "Loading episodes…"),
        (loaded(LOGO, 3), "loading_episodes", LoadingProgress(logo=True), "Loading episodes…"),
        (loaded(EPISODES, 3), "loading_nfo", LoadingProgress(episodes=True, logo=True), "Generating NFO file…"),
        (
            loaded(NFO_PART, 3),
            "loading_images",
            LoadingProgress(episodes=True, nfo=True, logo=True),
            "Loading images…",
        ),
        (loaded(IMAGES, 3), "completed", DONE, "All data loaded successfully"),
    ]

    state = None
    for recorded, (_, status, progress, message) in zip(log(*(step[0] for step in steps)), steps, strict=True):
        state = evolve(state, recorded)

        assert state is not None
        assert (state.loading_status, progress_of(state), message_of(state)) == (status, progress, message)
        assert (state.position, state.updated_at) == (recorded.position, recorded.time)
    assert state is not None
    assert state.completed_at == BEGIN + timedelta(seconds=len(steps))
    assert error_of(state) is None


def test_what_was_found_replaces_what_was_wished() -> None:
    """SeriesIdentified fixes the folder and the entry; a year it does not know stays as it was given."""
    state = state_after(added(year=2005), identified(year=None, titles=("BLEACH",)))

    assert (state.added, state.identified, state.folder) == (1, 2, "Bleach (2004)")
    assert (state.catalogue, state.catalogue_id, state.ids) == ("tvmaze", "83", CatalogueIds(tvmaze=83))
    assert (state.year, state.titles) == (2005, ("BLEACH",))


def test_results_are_kept() -> None:
    """The files, the episodes' event and the NFO's times are what the read model shows."""
    state = state_after(*AT_REST, requested(NFO_PART), loaded(NFO_PART, 7))

    assert (state.images.files, state.nfo.files) == ((POSTER,), (NFO,))
    assert state.episodes_at == 3
    assert (state.nfo_created_at, state.nfo_updated_at) == (at(4, added()).time, at(8, added()).time)


def test_no_logo_is_no_failure() -> None:
    """A part that upstream does not have counts as done, and the message says so."""
    state = state_after(
        added(), identified(), loaded(EPISODES, 2), loaded(NFO_PART, 2), unavailable(LOGO, 2), loaded(IMAGES, 2)
    )

    assert state.loading_status == "completed"
    assert progress_of(state) == DONE
    assert message_of(state) == "Loaded; no logo exists"


def test_several_missing_parts_are_named() -> None:
    """The message names all that does not exist."""
    state = state_after(
        added(), identified(), loaded(EPISODES, 2), loaded(NFO_PART, 2), unavailable(LOGO, 2), unavailable(IMAGES, 2)
    )

    assert message_of(state) == "Loaded; no logo and no images exist"


def test_a_running_refresh_shows_and_takes_nothing_away() -> None:
    """While it runs the status says so; the progress and the files stay."""
    state = state_after(*AT_REST, requested(IMAGES, overwrite=True), started(IMAGES, 7))

    assert (state.loading_status, message_of(state)) == ("loading_images", "Loading images…")
    assert (state.images.status, state.images.overwrite, state.images.files) == ("loading", True, (POSTER,))
    assert progress_of(state) == DONE
    assert state.completed_at is None
    assert state.started_at == BEGIN + timedelta(seconds=7)


def test_a_failed_refresh_keeps_the_last_good_result_and_shows_the_error() -> None:
    """The part stays loaded, with its files; the message and the error say what went wrong."""
    state = state_after(*AT_REST, requested(IMAGES), started(IMAGES, 7), failed(IMAGES, 7))

    assert state.loading_status == "completed"
    assert (state.images.status, state.images.outcome, state.images.files) == ("loaded", "failed", (POSTER,))
    assert error_of(state) == "images: no catalogue knows it"
    assert message_of(state) == "Loaded; the last try to load again failed: images: no catalogue knows it"


@pytest.mark.parametrize("outcome", [unchanged(IMAGES, 9), unavailable(IMAGES, 9), loaded(IMAGES, 9)])
def test_a_refresh_that_ends_well_is_completed_without_an_error(outcome: Event) -> None:
    """Nothing new, nothing there any more, or loaded anew: what is in the library stays, the old error goes."""
    state = state_after(*AT_REST, requested(IMAGES), failed(IMAGES, 7), requested(IMAGES), outcome)

    assert (state.loading_status, error_of(state)) == ("completed", None)
    assert (state.images.status, state.images.files) == ("loaded", (POSTER,))


def test_a_failed_part_keeps_the_files_that_are_there() -> None:
    """Those that it tells of and those of before, each as it was told last; a good result stays one."""
    fanart = replace(POSTER, path="Bleach (2004)/fanart.jpg")
    newer = replace(POSTER, sha256="ff" * 32)

    first = fold(log(added(), identified(), failed(Part.IMAGES, 2, files=(fanart,))))
    refreshed = log(
        added(),
        identified(),
        loaded(Part.IMAGES, 2),
        requested(Part.IMAGES),
        failed(Part.IMAGES, 4, files=(fanart, newer)),
    )
    again = fold([*refreshed, at(6, requested(Part.IMAGES)), at(7, failed(Part.IMAGES, 6))])

    assert first is not None
    assert (first.images.status, first.images.good, first.images.files) == ("failed", None, (fanart,))
    assert again is not None
    assert (again.images.status, again.images.good, again.images.files) == ("loaded", "loaded", (newer, fanart))


def test_a_counted_retry_says_when_and_which() -> None:
    """The wait, the count of three and the reason are in the message; the attempt is the next one."""
    state = state_after(
        added(), identified(), started(NFO_PART, 2), retrying(NFO_PART, 2, attempt=1, retries=2, delay=4.4)
    )

    assert state.loading_status == "loading_nfo"
    assert message_of(state) == f"Retrying generating NFO file in 4 s (2 of 3): {NETWORK.message}"
    assert (state.nfo.status, state.nfo.attempt, state.nfo.retries) == ("retrying", 2, 2)
    assert state.nfo.retry_at == BEGIN + timedelta(minutes=1)


def test_an_uncounted_wait_shows_no_count() -> None:
    """A busy upstream uses no retry up; how long it made us wait is kept."""
    state = state_after(
        added(), identified(), started(LOGO, 2), retrying(LOGO, 2, counted=False, retries=0, waited=30.0, delay=30.0)
    )

    assert message_of(state) == f"Retrying loading logo in 30 s: {NETWORK.message}"
    assert (state.logo.retries, state.logo.waited) == (0, 30.0)


def test_a_retried_part_loads_and_forgets_its_error() -> None:
    """The next attempt takes over what was counted; success clears the error."""
    taken_up = state_after(added(), identified(), started(LOGO, 2), retrying(LOGO, 2), started(LOGO, 2, 2, attempt=2))
    done = evolve(taken_up, at(6, loaded(LOGO, 2, attempt=2)))

    assert (taken_up.logo.status, taken_up.logo.attempt, taken_up.logo.retries) == ("loading", 2, 1)
    assert error_of(taken_up) == f"logo: {NETWORK.message}"
    assert done is not None
    assert (done.logo.status, error_of(done), done.logo.retry_at) == ("loaded", None, None)


def test_a_released_part_is_queued_again() -> None:
    """An orderly stop hands the part back: no attempt and no death."""
    state = state_after(added(), identified(), started(LOGO, 2), released(LOGO, 2))

    assert (state.logo.status, state.logo.attempt, state.logo.deaths, state.logo.delivery) == ("queued", 1, 0, 1)
    assert state.logo.is_open
    assert message_of(state) == "Queued for loading"


def test_a_late_release_does_not_take_the_part_from_its_next_worker() -> None:
    """Only the worker that has the part can hand it back."""
    state = state_after(added(), identified(), started(LOGO, 2), started(LOGO, 2, 2, deaths=1))

    assert evolve(state, at(5, released(LOGO, 2, 1))) is state


def test_deaths_are_carried_along() -> None:
    """Each start says how many workers died with this attempt; a retry or an outcome ends the count."""
    dying = state_after(added(), identified(), started(LOGO, 2), started(LOGO, 2, 2, deaths=1))
    retried = evolve(dying, at(5, retrying(LOGO, 2)))
    settled = evolve(dying, at(5, loaded(LOGO, 2)))

    assert (dying.logo.deaths, dying.logo.delivery) == (1, 2)
    assert retried is not None
    assert settled is not None
    assert (retried.logo.deaths, settled.logo.deaths) == (0, 0)


def test_only_what_is_wanted_counts() -> None:
    """Parts that nobody wants are done from the start and never open."""
    state = state_after(added(parts=(EPISODES,)), identified(), loaded(EPISODES, 2))

    assert (state.wanted, state.loading_status, progress_of(state)) == ((EPISODES,), "completed", DONE)
    assert not state.nfo.is_open


def test_identity_and_repeats_among_the_wanted_parts_mean_nothing() -> None:
    """Identity is always wanted: naming it must not start it once more when it is done."""
    state = state_after(added(parts=(NFO_PART, IDENTITY, EPISODES, NFO_PART)), identified())

    assert state.wanted == (EPISODES, NFO_PART)
    assert state.identity.outcome == "loaded"


def test_asking_for_an_unwanted_part_makes_it_wanted() -> None:
    """Who asks for a part wants it."""
    state = state_after(added(parts=(EPISODES,)), identified(), requested(LOGO))

    assert (state.logo.cause, state.logo.status) == (3, "queued")
    assert not progress_of(state).logo


@pytest.mark.parametrize("parts", [(EPISODES,), (EPISODES, LOGO)])
def test_a_part_asked_for_too_early_starts_with_the_identification(parts: tuple[Part, ...]) -> None:
    """Before SeriesIdentified only identity can be started; the rest starts by itself, wanted before or not."""
    early = state_after(added(parts=parts), requested(LOGO))
    late = evolve(early, at(3, identified()))

    assert (early.logo.status, early.logo.is_open) == ("waiting", False)
    assert late is not None
    assert late.logo.cause == 3


def test_a_failed_identity_fails_the_series() -> None:
    """Nothing else can load; the message says why. Asking for identity again opens it again."""
    state = state_after(added(), started(IDENTITY, 1), failed(IDENTITY, 1))
    again = evolve(state, at(4, requested(IDENTITY, reason="retry", ids=CatalogueIds(tvmaze=83))))

    assert (state.loading_status, message_of(state)) == ("failed", f"Failed: identity: {NOT_FOUND.message}")
    assert state.episodes.status == "waiting"
    assert again is not None
    assert (again.loading_status, again.identity.requested_ids) == ("pending", CatalogueIds(tvmaze=83))


def test_one_failed_part_fails_the_series_when_nothing_is_open() -> None:
    """The others' success stays; the series is failed only once nothing runs any more."""
    events = (added(), identified(), loaded(EPISODES, 2), failed(NFO_PART, 2), loaded(LOGO, 2))
    running = state_after(*events)
    over = evolve(running, at(6, loaded(IMAGES, 2)))

    assert running.loading_status == "pending"
    assert over is not None
    assert (over.loading_status, over.completed_at) == ("failed", None)
    assert progress_of(over) == LoadingProgress(episodes=True, logo=True, images=True)


@pytest.mark.parametrize(("kind", "passes"), [("network", True), ("busy", True), ("invalid", False)])
def test_a_failure_that_may_pass_says_what_happens_next(kind: ErrorKind, passes: bool) -> None:
    """The caretaker asks again for what was down; of anything else a person has to change something."""
    error = LoadError(kind=kind, code="some", message="x" * 990)
    state = state_after(added(parts=(LOGO,)), identified(), failed(LOGO, 2, error=error))

    assert message_of(state).startswith(f"Failed: logo: {'x' * 900}")
    assert message_of(state).endswith("tried again by itself later; a retry does it now") == passes
    assert len(message_of(state)) <= 1000


def test_a_re_identification_starts_what_is_not_good_yet() -> None:
    """What loaded stays; what failed is tried again with what is known now."""
    state = state_after(
        added(), identified(), loaded(EPISODES, 2), failed(NFO_PART, 2), requested(IDENTITY), identified(5)
    )

    assert (state.identified, state.episodes.cause, state.nfo.cause) == (6, 2, 6)
    assert (state.nfo.status, state.nfo.error) == ("queued", None)


def test_a_re_identification_as_another_entry_starts_everything() -> None:
    """What was good for the former entry is not good for this one, and is replaced."""
    state = state_after(*AT_REST, requested(IDENTITY), identified(7, catalogue_id="84", reload=True))

    assert {state.part(part).cause for part in state.wanted} == {8}
    assert (state.nfo.reload, state.nfo.overwrite, progress_of(state)) == (True, False, NONE)


def test_who_asks_again_before_another_entry_is_loaded_replaces_the_former_ones_files() -> None:
    """Until a load succeeds, what is on disk is still the other entry's."""
    reloading = [*AT_REST, requested(IDENTITY), identified(7, catalogue_id="84", reload=True)]

    again = state_after(*reloading, failed(NFO_PART, 8), requested(NFO_PART))
    done = state_after(*reloading, loaded(NFO_PART, 8), requested(NFO_PART))

    assert (again.nfo.reload, done.nfo.reload) == (True, False)


def test_a_re_identification_can_name_what_it_starts() -> None:
    """`starts` settles it, whatever is good or not."""
    state = state_after(*AT_REST, requested(IDENTITY), identified(7, starts=(LOGO,)))

    assert (state.logo.cause, state.nfo.cause) == (8, 2)


def test_what_an_identification_names() -> None:
    """The first one leaves it to the fold; later ones name what has no good result, or all for another entry."""
    first = state_after(added())
    later = state_after(added(), identified(), loaded(EPISODES, 2), failed(NFO_PART, 2), unavailable(LOGO, 2))

    assert parts_to_start(first, reload=False) is None
    assert parts_to_start(later, reload=False) == (NFO_PART, IMAGES)
    assert parts_to_start(later, reload=True) == later.wanted


def test_a_superseded_identification_still_says_what_the_series_is() -> None:
    """Its folder and entry count by position; identity stays open for the newer request."""
    state = state_after(*AT_REST, requested(IDENTITY), requested(IDENTITY), identified(7, catalogue_id="84"))

    assert (state.identified, state.catalogue_id) == (9, "84")
    assert (state.identity.cause, state.identity.is_open) == (8, True)


def test_a_removed_series_hears_nothing_more() -> None:
    """Late events of its loaders change nothing; the wish to delete files is kept."""
    state = state_after(added(), identified(), started(LOGO, 2), removed(delete_files=True))

    assert (state.loading_status, message_of(state), state.delete_files) == ("removed", "Removed", True)
    assert evolve(state, at(5, loaded(LOGO, 2))) is state
    assert evolve(state, at(5, requested(LOGO))) is state
    assert evolve(state, at(5, removed())) is state


def test_files_are_deleted_once() -> None:
    """Only where that was asked for; the next life knows nothing of it."""
    asked = state_after(added(), removed(delete_files=True))
    done = evolve(asked, at(3, deleted()))

    assert done is not None
    assert (asked.files_deleted, done.files_deleted) == (False, True)
    assert evolve(done, at(4, deleted())) is done
    kept = state_after(added(), removed())
    assert evolve(kept, at(3, deleted())) is kept
    assert state_after(added(), removed(delete_files=True), deleted(), added()).files_deleted is False


def test_a_series_added_again_begins_anew() -> None:
    """Nothing of the former life is left, and its late events don't count."""
    state = fold(log(*AT_REST, removed(), added(folder="Elsewhere")))

    assert state is not None
    assert (state.added, state.folder, state.loading_status) == (8, "Elsewhere", "pending")
    assert state == fold([at(8, added(folder="Elsewhere"))])
    assert evolve(state, at(9, loaded(NFO_PART, 2))) is state
    assert evolve(state, at(9, identified(1))) is state
    assert evolve(state, at(9, parked(4))) is state


def test_a_parked_event_shows_until_it_is_let_go() -> None:
    """The series says which event could not be read and why."""
    state = state_after(added(), identified(), parked(2))
    after = evolve(state, at(4, unparked(2)))

    assert error_of(state) == "event 2: its body has a wrong shape"
    assert after is not None
    assert error_of(after) is None
    assert evolve(after, at(3, parked(2))) is after


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (loaded(LOGO, 2), unavailable(LOGO, 2), "loaded"),
        (loaded(LOGO, 2), failed(LOGO, 2), "loaded"),
        (unavailable(LOGO, 2), loaded(LOGO, 2), "loaded"),
        (unavailable(LOGO, 2), failed(LOGO, 2), "unavailable"),
        (failed(LOGO, 2), unavailable(LOGO, 2), "unavailable"),
        (failed(LOGO, 2), loaded(LOGO, 2), "loaded"),
    ],
)
def test_within_a_cause_the_better_outcome_counts(first: Event, second: Event, outcome: str) -> None:
    """loaded > unavailable > failed, in whichever order two workers say so."""
    state = state_after(added(), identified(), first, second)

    assert state.logo.outcome == outcome


@pytest.mark.parametrize("event", [identified(), requested(LOGO), loaded(LOGO, 1), removed(), parked(1)])
def test_nothing_comes_before_the_add(event: Event) -> None:
    """Events of a series that was never added add up to no series."""
    assert evolve(None, at(5, event)) is None


def test_a_long_error_is_cut() -> None:
    """The read model's column holds 1,000 characters."""
    error = LoadError(kind="invalid", code="c", message="x" * 5000)
    state = state_after(added(), failed(IDENTITY, 1, error=error))

    assert len(error_of(state) or "") == 1000


def test_a_loaded_series_with_a_parked_event_says_that_it_is_skipped() -> None:
    """Nothing failed to load."""
    state = state_after(added(), identified(), *all_loaded(2), parked(6))

    assert message_of(state) == "Loaded; skipped is event 6: its body has a wrong shape"


def test_a_parked_event_does_not_count_wherever_it_stands() -> None:
    """The event that parks comes after the one that is parked: the fold of both leaves that one out."""
    events = [*log(added(), identified(1)), at(3, loaded(Part.EPISODES, 2)), at(4, parked(3))]

    skipped, counted = fold(events), fold([*events, at(5, unparked(3))])

    assert skipped is not None
    assert counted is not None
    assert (skipped.episodes.status, list(skipped.parked)) == ("queued", [3])
    assert (counted.episodes.status, counted.parked) == ("loaded", {})


def test_a_series_that_is_identified_anew_is_not_complete_meanwhile() -> None:
    """What is there may turn out to be another entry's; once identity has settled it is complete again."""
    asked = (*AT_REST, requested(IDENTITY, ids=CatalogueIds(tmdb=7)))
    refused = (*asked, failed(IDENTITY, 7, error=NOT_FOUND))

    statuses = [state_after(*events).loading_status for events in (AT_REST, asked, refused)]

    assert statuses == ["completed", "pending", "completed"]
    assert message_of(state_after(*asked, started(IDENTITY, 7))) == "Identifying series…"


def test_what_was_another_entrys_is_gone_when_the_right_one_has_none() -> None:
    """The former entry's files were taken away: nobody is told of them any more."""
    history = (*AT_REST, requested(IDENTITY), identified(7, reload=True, starts=(LOGO,)), unavailable(LOGO, 8))

    assert state_after(*history).logo.files == ()
