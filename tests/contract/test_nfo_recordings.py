"""Recorded series become NFOs that Kodi and Jellyfin read; recorded NFOs are updated without a loss."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from contracts.events import CatalogueIds
from services.nfo.domain import MergeResult, is_valid_tvshow, merge_tvshow, render_tvshow
from services.nfo.kodi_xml import Element
from services.nfo.tvshow import OWNED
from services.platform.catalogues import tmdb_mapping, tmdb_wire, tvmaze_mapping
from services.platform.catalogues.model import Actor, SeriesDetails
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tvmaze_wire import Show
from tests.support.nfo_readers import problems

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED NFO FILE WAS CHECKED")

_FILES = sorted((Path(_FOLDER) / "nfo").glob("*.nfo")) if _FOLDER else []
_EPISODES = ("v18_episode", "kodi16.episode", "kodi17.episode", "season", "multi-wrong")
_SHELL = "show_empty"  # of a series that has neither title nor id


def _of_tvmaze(answer: bytes) -> SeriesDetails:
    return tvmaze_mapping.to_details(msgspec.json.decode(answer, type=Show))


def _of_tmdb(answer: bytes) -> SeriesDetails:
    show = msgspec.json.decode(answer, type=tmdb_wire.Show)
    return tmdb_mapping.to_details(show, [], ("de", "en"), PictureServer("https://image.tmdb.org/t/p"))


# How the recorded answers of each catalogue become details; an answer of another kind raises msgspec's error. Episodes
# pass for series of which little is known: so much the better.
_CATALOGUES: dict[str, Callable[[bytes], SeriesDetails]] = {"tvmaze": _of_tvmaze, "tmdb": _of_tmdb}


def _series(folder: str, decode: Callable[[bytes], SeriesDetails]) -> Iterator[SeriesDetails]:
    """All series that the recordings of a catalogue hold: one a file, or a list of them."""
    for file in sorted((Path(_FOLDER) / folder).glob("*.json")):
        data = file.read_bytes()
        if ".meta." in file.name or not data:
            continue
        body = msgspec.json.decode(data, type=msgspec.Raw)
        answers = msgspec.json.decode(body, type=list[msgspec.Raw]) if data.lstrip().startswith(b"[") else [body]
        for answer in answers:
            try:
                yield decode(bytes(answer))
            except msgspec.ValidationError:
                continue  # an error, a search hit, pictures


@pytest.mark.parametrize(("folder", "decode"), _CATALOGUES.items(), ids=_CATALOGUES)
def test_each_recorded_series_gives_a_file_that_both_read(
    folder: str, decode: Callable[[bytes], SeriesDetails]
) -> None:
    """Only elements that Kodi or Jellyfin read, in formats that both accept."""
    series = list(_series(folder, decode))

    found = {one.name: wrong for one in series if (wrong := problems(render_tvshow(one)))}

    assert len({one.name for one in series}) > 10
    assert found == {}


def test_there_is_something_to_check() -> None:
    """All files that are known, of both sorts."""
    assert len(_FILES) == 15
    assert Counter(is_valid_tvshow(file.read_bytes()) for file in _FILES) == {True: 8, False: 7}


def _is_series(file: Path) -> bool:
    return not any(word in file.name for word in _EPISODES)


def _elements(data: bytes) -> Element:
    return etree.fromstring(data)


def _details(data: bytes) -> SeriesDetails:
    """The series of the file as a catalogue tells of it, other than the file in all that can differ."""
    ids = {one.get("type"): one.text or "" for one in _elements(data).findall("uniqueid")}
    return SeriesDetails(
        catalogue="tmdb",
        catalogue_id="1",
        url="",
        ids=CatalogueIds(tmdb=int(ids.get("tmdb", "1")), imdb=ids.get("imdb"), tvdb=int(ids.get("tvdb", "2"))),
        name="A new title",
        original_name="A new original title",
        year=1951,
        premiered="1951-01-01",
        ended="1952-02-02",
        status="Ended",
        plot="A new plot.",
        genres=("A new genre",),
        studios=("A new studio",),
        countries=("A new country",),
        certification="A new certification",
        runtime=7,
        rating=8.0,
        actors=(Actor(name="Billy West", role="Fry"), Actor(name="A new actor")),
    )


def _foreign(data: bytes) -> list[str]:
    """What Coldopen does not own, comments too, in order; and what stands around the root."""
    root = _elements(data)
    around = [*root.itersiblings(preceding=True), *root.itersiblings()]
    nodes = [*around, *(one for one in root if one.tag not in OWNED)]
    return [etree.tostring(one, encoding="unicode", with_tail=False) for one in nodes]


@pytest.mark.parametrize("theirs", [False, True], ids=["ours", "theirs"])
@pytest.mark.parametrize("file", [one for one in _FILES if _is_series(one)], ids=lambda file: file.name)
def test_an_update_keeps_every_foreign_element(file: Path, theirs: bool) -> None:
    """Element by element, to the last space; the second update finds nothing to do."""
    data = file.read_bytes()

    merged = merge_tvshow(data, _details(data), theirs=theirs)

    assert merged.changed
    assert not merged.lossy
    assert _foreign(merged.data) == _foreign(data)
    assert _actors(data) <= _actors(merged.data)
    assert len(_elements(merged.data).findall("uniqueid[@default='true']")) == 1
    assert merge_tvshow(merged.data, _details(data), theirs=theirs) == MergeResult(merged.data, changed=False)


def _actors(data: bytes) -> Counter[str]:
    return Counter(one.findtext("name", "") for one in _elements(data).iter("actor"))


@pytest.mark.parametrize("file", [one for one in _FILES if _is_series(one)], ids=lambda file: file.name)
def test_each_owned_element_is_renewed_or_kept(file: Path) -> None:
    """In a file of ours all are the catalogue's; in one that is theirs only those that said nothing."""
    data = file.read_bytes()
    details = _details(data)
    new = {
        "title": "A new title",
        "plot": "A new plot.",
        "premiered": "1951-01-01",
        "year": "1951",
        "runtime": "7",
        "mpaa": "A new certification",
        "genre": "A new genre",
        "studio": "A new studio",
    }

    ours = _elements(merge_tvshow(data, details).data)
    theirs = _elements(merge_tvshow(data, details, theirs=True).data)

    for tag, value in new.items():
        before = [text for one in _elements(data).findall(tag) if (text := (one.text or "").strip()) not in {"", "0"}]
        assert [one.text for one in ours.findall(tag)] == [value]
        assert [(one.text or "").strip() for one in theirs.findall(tag)] == (before or [value])


@pytest.mark.parametrize("file", [one for one in _FILES if not _is_series(one)], ids=lambda file: file.name)
def test_a_file_of_an_episode_or_a_season_is_replaced_and_worth_keeping(file: Path) -> None:
    """Nothing of it is a series': a new file takes its name, and the caller keeps the old bytes."""
    data = file.read_bytes()
    details = SeriesDetails(catalogue="tmdb", catalogue_id="1", url="", ids=CatalogueIds(tmdb=1), name="x")

    assert not is_valid_tvshow(data)
    assert merge_tvshow(data, details) == MergeResult(render_tvshow(details), changed=True, lossy=True)


def test_a_shell_is_filled_in() -> None:
    """A file of no series yet gets one, and its only id, which is none, is the default no more."""
    (file,) = [one for one in _FILES if _SHELL in one.name]
    data = file.read_bytes()

    root = _elements(merge_tvshow(data, _details(data), theirs=True).data)

    assert not is_valid_tvshow(data)
    assert root.findtext("title") == "A new title"
    assert [one.get("type") for one in root.findall("uniqueid[@default]")] == ["tmdb"]
