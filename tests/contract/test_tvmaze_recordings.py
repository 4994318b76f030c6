"""Real answers of TVmaze, recorded over the years, still map. They are not ours to hand on, so they lie elsewhere."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from services.platform.catalogues.matching import Match, choose
from services.platform.catalogues.tvmaze_mapping import to_candidate, to_details
from services.platform.catalogues.tvmaze_wire import Hit, Show

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED ANSWER OF TVMAZE WAS CHECKED"
)


def recorded(name: str) -> bytes:
    return (Path(_FOLDER) / "tvmaze" / name).read_bytes()


def recorded_show(name: str, **embedded: str) -> Show:
    """A recorded show, with recorded lists put in as its embeds."""
    body = json.loads(recorded(name))
    body.setdefault("_embedded", {}).update({part: json.loads(recorded(file)) for part, file in embedded.items()})
    return msgspec.json.decode(json.dumps(body), type=Show)


def test_every_recorded_show_maps() -> None:
    """From 2016 to 2026: each gives a name, a year, a plot without markup and a poster over https."""
    shows = [msgspec.json.decode(file.read_bytes(), type=Show) for file in _show_files()]
    shows += msgspec.json.decode(recorded("shows-index.301.json"), type=list[Show])
    shows += msgspec.json.decode(recorded("shows.american.2025.json"), type=list[Show])

    found = [to_details(show) for show in shows]

    assert len(found) > 200
    assert all(one.name and "<p>" not in one.plot and one.ids.tvmaze for one in found)
    assert all(art.url.startswith("https://static.tvmaze.com/") for one in found for art in one.artwork)


def test_a_show_of_2026() -> None:
    """The whole of it, field by field."""
    found = to_details(recorded_show("breaking-bad.shows-169.2026.json"))

    assert (found.name, found.year, found.status, found.ended) == ("Breaking Bad", 2008, "Ended", "2019-10-11")
    assert (found.ids.tvdb, found.ids.imdb) == (81189, "tt0903747")
    assert found.studios == ("AMC",)
    assert found.countries == ("United States",)


def test_all_episodes_of_a_show() -> None:
    """Eight seasons with titles and dates."""
    show = recorded_show("game-of-thrones.shows-82.json", episodeswithspecials="game-of-thrones.shows-82.episodes.json")

    seasons = [season for season in to_details(show).seasons if season.number]

    assert [len(season.episodes) for season in seasons] == [10, 10, 10, 10, 10, 10, 7, 6]
    assert seasons[0].episodes[0].title == "Winter is Coming"
    assert seasons[-1].episodes[-1].absolute == 73


def test_a_special_and_an_undated_episode() -> None:
    """`number: null` is season 0; `airdate: ""` is no date."""
    special = to_details(
        recorded_show("under-the-dome.shows-1.json", episodeswithspecials="true-detective.s01.special.json")
    )
    undated = msgspec.json.decode(
        b'{"id":1,"_embedded":{"episodeswithspecials":[' + recorded("firefly.s01e13.no-airdate.json") + b"]}}",
        type=Show,
    )

    assert [(one.number, one.episodes[0].title) for one in special.seasons] == [
        (0, "Making True Detective"),
        (1, "Form and Void"),
    ]
    assert to_details(undated).seasons[0].episodes[0].air_date is None


@pytest.mark.parametrize("images", ["under-the-dome.shows-1.images.json", "shows-images.null-types.json"])
def test_pictures_with_and_without_a_type(images: str) -> None:
    """The main poster comes first, and pictures of no type are left out."""
    artwork = to_details(recorded_show("under-the-dome.shows-1.json", images=images)).artwork
    raw = json.loads(recorded(images))

    assert artwork[0].url == next(one["resolutions"]["original"]["url"] for one in raw if one["main"])
    assert len(artwork) == sum(one["type"] is not None for one in raw)


def test_a_search_finds_or_finds_nothing() -> None:
    """Four hits, of which exactly one has the title; and an empty list."""
    hits = msgspec.json.decode(recorded("search-shows.agents-of-shield.json"), type=list[Hit])

    choice = choose([to_candidate(hit.show) for hit in hits], ["Marvel'sAgents of SHIELD"], 2013)

    assert isinstance(choice, Match)
    assert choice.candidate.catalogue_id == "31"
    assert msgspec.json.decode(recorded("search-shows.no-hits.json"), type=list[Hit]) == []


def _show_files() -> list[Path]:
    """The files that hold one show each."""
    files = sorted((Path(_FOLDER) / "tvmaze").glob("*.json"))
    return [
        one
        for one in files
        if ".meta." not in one.name
        and (".shows-" in one.name or "singlesearch" in one.name)
        and not one.name.startswith("error")
        and not one.name.endswith((".images.json", ".episodes.json"))
    ]
