"""Which files a series' folder is to have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ArtworkCandidate, ArtworkKind, FileRecord
from services.images.wanted import Wanted, optional, season_poster_name, wanted


def offer(kind: ArtworkKind, url: str = "u", season: int | None = None) -> ArtworkCandidate:
    return ArtworkCandidate(kind=kind, url=url, season=season)


def recorded(name: str) -> FileRecord:
    return FileRecord(path=f"Dark (2017)/{name}", sha256="00", bytes=1, state="written")


def test_a_kind_has_its_candidates_in_their_order() -> None:
    """The catalogue sorted them."""
    artwork = [offer("poster", "first"), offer("fanart", "other"), offer("poster", "second")]

    poster = wanted("poster", artwork)

    assert poster.names == ("poster.jpg",)
    assert [one.url for one in poster.candidates] == ["first", "second"]
    assert wanted("logo", artwork) == Wanted("logo", ("clearlogo.png", "logo.png"), ())


def test_optional_are_banner_landscape_and_seasons_in_order() -> None:
    """Each season once, the specials first; a season's poster without its season is nobody's."""
    seasons = [
        offer("poster", "10", season=10),
        offer("poster", "2", season=2),
        offer("poster", "2b", season=2),
        offer("poster", "specials", season=0),
        offer("poster", "lost"),
        offer("poster", "odd", season=-1),
        offer("fanart", "scene", season=1),
    ]
    artwork = [offer("poster", "whole"), offer("landscape", "wide")]

    found = {one.names[0]: [candidate.url for candidate in one.candidates] for one in optional(artwork, seasons, ())}

    assert list(found.items()) == [
        ("banner.jpg", []),
        ("landscape.jpg", ["wide"]),
        ("season-specials-poster.jpg", ["specials"]),
        ("season02-poster.jpg", ["2", "2b"]),
        ("season10-poster.jpg", ["10"]),
    ]


def test_recorded_season_posters_are_looked_after() -> None:
    """Also when the catalogue has none any more; other files are no business of theirs."""
    files = [recorded(name) for name in ("season03-poster.jpg", "season-specials-poster.jpg", "poster.jpg", "x")]

    names = [one.names[0] for one in optional([], [], files)]

    assert names == ["banner.jpg", "landscape.jpg", "season-specials-poster.jpg", "season03-poster.jpg"]


@given(st.sets(st.integers(0, 2000), max_size=20))
def test_each_season_has_a_name_of_its_own(seasons: set[int]) -> None:
    """What is recorded under a season's name is that season's again."""
    names = {season: season_poster_name(season) for season in seasons}

    again = optional([], [], [recorded(name) for name in names.values()])[2:]

    assert [one.names[0] for one in again] == [names[season] for season in sorted(seasons)]


@pytest.mark.parametrize(
    ("season", "name"), [(1, "season01-poster.jpg"), (99, "season99-poster.jpg"), (100, "season100-poster.jpg")]
)
def test_season_names_are_those_of_the_media_servers(season: int, name: str) -> None:
    """Two digits, more where they are needed."""
    assert season_poster_name(season) == name
