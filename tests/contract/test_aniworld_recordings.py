"""Real pieces of aniworld.to's pages are still understood. They are not ours to hand on, so they lie elsewhere."""

import os
from pathlib import Path

import pytest

from services.platform.catalogues.aniworld import to_details, to_page
from services.platform.catalogues.aniworld_pages import EpisodeRow, read_season, read_series
from services.platform.failures import LoadFailure

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED PAGE OF ANIWORLD.TO WAS CHECKED"
)

_SERIES = "goblin-slayer.series.fragments.html"
_SEASON = "goblin-slayer.staffel-1.tbody.html"
# The list of what is new on the site: neither a series nor a season, so it must be refused as both.
_REFUSED = "neue-episoden.excerpt.html"


def recorded(name: str) -> bytes:
    return (Path(_FOLDER) / "aniworld" / name).read_bytes()


def test_every_recording_is_used() -> None:
    """A new one has to be taken up here."""
    assert {file.name for file in (Path(_FOLDER) / "aniworld").iterdir()} == {_SERIES, _SEASON, _REFUSED}


def test_a_recorded_series() -> None:
    """Field by field; the seasons' navigation is not among the recorded pieces."""
    page = read_series(recorded(_SERIES), "goblin-slayer")

    found = to_details(page, {}, "goblin-slayer", "https://aniworld.to", german=True)

    assert page.seasons == ()
    assert to_page(page).titles == ("Goblin Slayer", "哥布林猎人", "Goburin Sureiyā", "고블린슬레이어", "Goblin Katili")
    assert (found.name, found.year, found.status, found.ids.imdb) == ("Goblin Slayer", 2018, "Ended", "tt8690728")
    assert found.plot.startswith("Goblins - die schwächsten aller Monster.")
    assert found.plot.endswith("die Mädchen zu retten!")
    assert found.genres == ("Action", "Abenteuer", "Drama", "Fantasy", "Horror", "Psychodrama")
    assert found.studios == ("White Fox", "LIDENFILMS")
    assert (found.countries, found.certification, len(found.actors)) == (("Japan",), "FSK-16", 10)
    assert [one.kind for one in found.artwork] == ["poster"]
    assert found.artwork[0].url.startswith("https://aniworld.to/public/img/cover/")


def test_a_recorded_season() -> None:
    """Three episodes with a German and an original title each."""
    episodes = read_season(recorded(_SEASON), "goblin-slayer", 1)

    assert episodes[0] == EpisodeRow(
        number=1, german="Das Schicksal der Abenteurer", original="The Fate of Particular Adventurers"
    )
    assert [one.number for one in episodes] == [1, 2, 3]


def test_a_recorded_page_of_another_kind_is_refused() -> None:
    """As one whose layout is unknown, never as a series without anything."""
    for read in (lambda body: read_series(body, "one-piece"), lambda body: read_season(body, "one-piece", 23)):
        with pytest.raises(LoadFailure) as raised:
            read(recorded(_REFUSED))

        assert (raised.value.error.kind, raised.value.error.code) == ("invalid", "layout_not_recognised")


def test_a_recorded_season_is_not_taken_for_another() -> None:
    """Its rows tell which series and season they belong to."""
    for slug, season in (("goblin-slayer", 2), ("goblin-slayer", 0), ("one-piece", 1)):
        with pytest.raises(LoadFailure, match="when it was asked for"):
            read_season(recorded(_SEASON), slug, season)
