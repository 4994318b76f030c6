"""Real NFO files that other programs wrote are read and brought up to date without a loss. They lie elsewhere."""

import os
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from contracts.events import CatalogueIds
from services.nfo.domain import is_valid_tvshow, merge_tvshow
from services.nfo.tvshow import OWNED
from services.platform.catalogues.model import Actor, SeriesDetails

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED NFO FILE WAS CHECKED")

_FILES = sorted((Path(_FOLDER) / "nfo").glob("*.nfo")) if _FOLDER else []
# Of no series: files of episodes and seasons, and one whose series has neither title nor id.
_INVALID = ("v18_episode", "kodi16.episode", "kodi17.episode", "season", "multi-wrong", "show_empty")


def _details(data: bytes) -> SeriesDetails:
    """The series of the file, as a catalogue would tell of it."""
    root = etree.fromstring(data)
    ids = {one.get("type"): one.text or "" for one in root.findall("uniqueid")}
    return SeriesDetails(
        catalogue="tmdb",
        catalogue_id="1",
        url="",
        ids=CatalogueIds(tmdb=int(ids.get("tmdb", "1")), imdb=ids.get("imdb"), tvdb=int(ids.get("tvdb", "2"))),
        name="A new title",
        plot="A new plot.",
        genres=("Drama",),
        rating=8.0,
        actors=(Actor(name="Billy West", role="Fry"),),
    )


def _foreign(data: bytes) -> list[bytes]:
    """What Coldopen does not own, comments too, in order."""
    return [
        etree.tostring(one, method="c14n", with_tail=False) for one in etree.fromstring(data) if one.tag not in OWNED
    ]


def _kinds(files: list[Path]) -> Counter[bool]:
    return Counter(is_valid_tvshow(file.read_bytes()) for file in files)


def test_there_is_something_to_check() -> None:
    """The folder holds files of both sorts."""
    assert _kinds(_FILES)[True] >= 8
    assert _kinds(_FILES)[False] >= 5


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_each_file(file: Path) -> None:
    """A series' file is valid and keeps all that isn't ours; the second update finds nothing to do."""
    data = file.read_bytes()

    assert is_valid_tvshow(data) is not any(word in file.name for word in _INVALID)
    if not is_valid_tvshow(data):
        return
    details = _details(data)
    merged = merge_tvshow(data, details)

    root = etree.fromstring(merged.data)
    assert merged.changed
    assert _foreign(merged.data) == _foreign(data)
    assert root.findtext("title") == "A new title"
    assert len(root.findall("uniqueid[@default]")) == 1
    assert {one.findtext("name") for one in etree.fromstring(data).iter("actor")} <= {
        one.findtext("name") for one in root.iter("actor")
    }
    assert not merge_tvshow(merged.data, details).changed
