"""What clients see of a series."""

from datetime import date

import msgspec

from contracts.api import EpisodeCounts
from contracts.events import Episode, ImagesLoaded, Part, Season
from contracts.presentation import update_of
from services.gateway import views
from tests.support.builders import KEY, added, failed, identified, picture, state_after


def test_episodes_are_on_disk_missing_or_not_yet_aired() -> None:
    """As of the day on which one looks; the specials are shown and not counted."""
    seasons = [
        Season(number=0, episodes=(Episode(number=1, air_date="2020-01-01"),)),
        Season(
            number=1,
            title="The First",
            episodes=(
                Episode(number=1, air_date="2020-01-01", on_disk=True),
                Episode(number=2, air_date="2020-01-08"),
                Episode(number=3, air_date="2020-01-15"),
                Episode(number=4),
            ),
        ),
    ]

    shown = views.detail(state_after(added()), seasons, date(2020, 1, 8))

    assert [one.state for one in shown.seasons[1].episodes] == ["on_disk", "missing", "unaired", "unaired"]
    assert shown.seasons[0].episodes[0].state == "missing"
    assert shown.episode_counts == EpisodeCounts(on_disk=1, missing=1, unaired=2)
    assert shown.seasons[1].title == "The First"


def test_a_list_tells_of_each_part_but_not_of_its_files() -> None:
    """Where it stands and why; a page of 500 series must stay small."""
    images = ImagesLoaded(key=KEY, cause=2, attempt=1, files=(picture("poster.jpg"),))
    state = state_after(added(parts=(Part.LOGO, Part.IMAGES)), identified(), images, failed(Part.LOGO, 2))

    shown = msgspec.to_builtins(views.summary(state))

    assert list(shown["parts"]) == ["identity", "logo", "images"]
    assert shown["parts"]["images"] == {"status": "loaded", "attempt": 1, "error": None, "retry_at": None}
    assert shown["parts"]["logo"]["error"]["message"]
    assert shown["poster"] == picture("poster.jpg").sha256[:16]


def test_an_update_tells_all_that_a_list_does() -> None:
    """Whoever hears of a series for the first time can show it; but its site and folder no card shows."""
    state = state_after(added(), identified())

    update, summary = msgspec.to_builtins(update_of(state)), msgspec.to_builtins(views.summary(state))

    told = {name: value for name, value in summary.items() if name not in {"site", "folder", "parts"}}
    assert update | told == update
    assert update["db_id"] == 1
    assert {name: part["status"] for name, part in update["parts"].items()} == {
        name: part["status"] for name, part in summary["parts"].items()
    }
