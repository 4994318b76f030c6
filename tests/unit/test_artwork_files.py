"""Which file is which picture, and the version of the poster."""

import pytest

from contracts.artwork import file_of, kind_of, media_type_of, poster_of
from contracts.events import Event, FileRecord, ImagesLoaded, LogoLoaded
from contracts.state import SeriesState
from tests.support.builders import KEY, added, identified, picture, removed, state_after


def having(*names: str, then: tuple[Event, ...] = ()) -> SeriesState:
    """A series with these files."""
    files = tuple(picture(name) for name in names)
    logo = LogoLoaded(key=KEY, cause=2, attempt=1, files=files)
    return state_after(added(), identified(), logo, ImagesLoaded(key=KEY, cause=2, attempt=1, files=files), *then)


@pytest.mark.parametrize(
    ("kind", "names", "shown"),
    [
        ("poster", ["season01-poster.jpg", "fanart.jpg", "poster.jpg"], "poster.jpg"),
        ("poster", ["my.poster.jpg", "poster2.jpg", "poster.jpg.bak", "poster", "poster.PNG"], "poster.PNG"),
        ("poster", ["poster.svg", "fanart.jpg"], None),
        ("logo", ["logo.png", "clearlogo.png"], "clearlogo.png"),
        ("logo", ["logo.png"], "logo.png"),
        ("season-0", ["season00-poster.jpg", "season-specials-poster.jpg"], "season-specials-poster.jpg"),
        ("season-7", ["season07-poster.webp", "season70-poster.jpg"], "season07-poster.webp"),
        ("season-123", ["season12-poster.jpg", "season123-poster.jpg"], "season123-poster.jpg"),
    ],
)
def test_a_kind_is_shown_by_the_best_file_of_its_name(kind: str, names: list[str], shown: str | None) -> None:
    """Whatever its ending, if that is a picture's."""
    wanted = kind_of(kind)
    assert wanted is not None

    file = file_of(having(*names), wanted)

    assert file == (picture(shown) if shown else None)


@pytest.mark.parametrize("name", ["disc", "season", "season-", "season-01", "season--1", "season-1 ", "poster.jpg"])
def test_other_names_are_no_kind(name: str) -> None:
    assert kind_of(name) is None


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("poster.jpg", "image/jpeg"), ("a.JPEG", "image/jpeg"), ("a.png", "image/png"), ("a.webp", "image/webp")],
)
def test_the_ending_says_the_media_type(name: str, media_type: str) -> None:
    assert media_type_of(picture(name)) == media_type
    assert media_type_of(FileRecord(path="x.jpg/tvshow.nfo", sha256="", bytes=1, state="written")) == ""


def test_the_posters_version_is_the_beginning_of_its_hash() -> None:
    """There is none where …/artwork/poster would be 404."""
    assert poster_of(having("fanart.jpg", "poster.jpg")) == picture("poster.jpg").sha256[:16]
    assert poster_of(having("fanart.jpg")) is None
    assert poster_of(having("poster.jpg", then=(removed(),))) is None
