"""Where events are recorded, what can be a key, and what starts a part."""

from typing import get_args

import pytest

from contracts.codec import tag_of
from contracts.events import Event, FinalEvent, Part
from contracts.subjects import (
    RESERVED_KEYS,
    added_subject,
    events_of,
    is_key,
    lives_and_starts_of,
    outcomes_of,
    starts_of,
    subject_of,
)
from tests.support.builders import EXAMPLES, added, identified, removed, requested, started

SUBJECTS = {
    "series-added.v1": "series.bleach.added",
    "series-identified.v1": "series.bleach.identified",
    "part-requested.v1": "series.bleach.nfo.requested",
    "part-started.v1": "series.bleach.nfo.started",
    "part-released.v1": "series.bleach.nfo.released",
    "part-retrying.v1": "series.bleach.nfo.retrying",
    "episodes-loaded.v1": "series.bleach.episodes.loaded",
    "nfo-loaded.v1": "series.bleach.nfo.loaded",
    "logo-loaded.v1": "series.bleach.logo.loaded",
    "images-loaded.v1": "series.bleach.images.loaded",
    "part-unchanged.v1": "series.bleach.nfo.unchanged",
    "part-unavailable.v1": "series.bleach.logo.unavailable",
    "part-failed.v1": "series.bleach.images.failed",
    "series-removed.v1": "series.bleach.removed",
    "files-deleted.v1": "series.bleach.deleted",
    "event-parked.v1": "series.bleach.parked",
    "event-unparked.v1": "series.bleach.unparked",
}


@pytest.mark.parametrize("event", EXAMPLES, ids=tag_of)
def test_the_subject_of_every_event(event: Event) -> None:
    """Subjects are part of the contract: subscribers filter on them."""
    assert subject_of(event) == SUBJECTS[tag_of(event)]


def test_identitys_events_are_recorded_as_a_parts() -> None:
    """Identity is a part like the others; only its outcome is the series' own event."""
    assert subject_of(requested(Part.IDENTITY)) == "series.bleach.identity.requested"
    assert subject_of(started(Part.IDENTITY, 1)) == "series.bleach.identity.started"
    assert subject_of(identified()) == "series.bleach.identified"


@pytest.mark.parametrize("key", ["a", "0", "bleach", "86-eighty-six", "a" * 100, "a-", "added"])
def test_a_key_is_one_lower_case_token(key: str) -> None:
    """Letters, digits and hyphens, at most 100, not beginning with a hyphen."""
    assert is_key(key)


@pytest.mark.parametrize(
    "key", ["", "-a", "Bleach", "a.b", "a b", "*", ">", "a/b", "..", "a_b", "é", "a\n", "a" * 101, "٣", *RESERVED_KEYS]
)
def test_what_is_no_key_is_recorded_nowhere(key: str) -> None:
    """It could be a wildcard, a path, another subject or a route: no event can be published under it."""
    assert not is_key(key)
    with pytest.raises(ValueError, match="is not a series key"):
        subject_of(removed().__class__(key=key))


def test_the_guard_and_the_history_of_a_series() -> None:
    """Guards look where its lives begin; its history is everything below its key."""
    assert added_subject("bleach") == subject_of(added())
    assert events_of("bleach") == "series.bleach.>"


@pytest.mark.parametrize(
    ("part", "subjects"),
    [
        (Part.IDENTITY, ("series.*.added", "series.*.identity.requested")),
        (Part.NFO, ("series.*.identified", "series.*.nfo.requested")),
    ],
)
def test_what_starts_a_part(part: Part, subjects: tuple[str, ...]) -> None:
    """An add starts identity, an identification the rest, a request its own part."""
    assert starts_of(part) == subjects


def test_lives_and_starts_are_told_by_few_subjects() -> None:
    """What a running load looks at again: the series' life, and what could have started the part anew."""
    assert lives_and_starts_of("bleach", Part.NFO) == (
        "series.bleach.added",
        "series.bleach.removed",
        "series.bleach.identified",
        "series.bleach.nfo.requested",
    )
    assert "series.bleach.identified" not in lives_and_starts_of("bleach", Part.IDENTITY)


def test_outcomes_are_found_where_they_are_recorded() -> None:
    """Every final event of a part, and of no other one."""
    finals = [event for event in EXAMPLES if isinstance(event, FinalEvent)]
    assert {type(event) for event in finals} == set(get_args(FinalEvent))

    for event in finals:
        assert [part for part in Part if subject_of(event) in outcomes_of("bleach", part)] == [event.part]
