"""What clients see of a series."""

from datetime import date

from contracts.api import EpisodeCounts
from contracts.events import Episode, Season
from services.gateway import views
from tests.support.builders import added, state_after


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
