"""Real answers of TMDB, recorded over the years, still map. They are not ours to hand on, so they lie elsewhere."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.events import CatalogueIds
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.matching import Match, NoMatch, choose
from services.platform.catalogues.model import Candidate, SeriesDetails
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tmdb_errors import explain
from services.platform.catalogues.tmdb_mapping import to_candidate, to_details
from services.platform.failures import LoadFailure

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED ANSWER OF TMDB WAS CHECKED"
)

PICTURES = PictureServer("https://image.tmdb.org/t/p")
SHOWS = (
    "attack-on-titan.tv-1429.details.2019.json",
    "breaking-bad.tv-1396.details.2019.json",
    "clerks.tv-2.details.json",
    "dallas-1978.tv-40.json",
    "dallas-2012.tv-37759.json",
    "death-note.tv-13916.details.2019.json",
    "demon-slayer.tv-85937.details.2019.json",
    "doctor-who-2005.tv-57243.details.2019.json",
    "fullmetal-alchemist-brotherhood.tv-31911.details.2019.json",
    "game-of-thrones.tv-1399.append-all.json",
    "game-of-thrones.tv-1399.details.2019.json",
    "game-of-thrones.tv-1399.details.json",
    "goblin-slayer.tv-82591.details.2019.json",
    "house-of-cards-us.tv-1425.json",
    "hunter-x-hunter-2011.tv-46298.details.2019.json",
    "naruto.tv-46260.details.2019.json",
    "one-piece.tv-37854.details.2019.json",
    "one-punch-man.tv-63926.details.2019.json",
    "rick-and-morty.tv-60625.append.json",
    "stranger-things.tv-66732.details.2019.json",
    "the-big-bang-theory.tv-1418.external_ids.json",
)
# Put into a series as its parts, as TMDB itself appends them; or read with a series around them.
PARTS = (
    "breaking-bad.tv-1396.append.json",
    "breaking-bad.tv-1396.images.json",
    "breaking-bad.tv-1396.season-2.append.json",
    "game-of-thrones.tv-1399.alternative_titles.json",
    "game-of-thrones.tv-1399.content_ratings.json",
    "game-of-thrones.tv-1399.content_ratings.older.json",
    "game-of-thrones.tv-1399.external_ids.json",
    "game-of-thrones.tv-1399.season-1.json",
    "game-of-thrones.tv-1399.season-1.older.json",
    "game-of-thrones.tv-1399.translations.json",
)
SEARCHES = {
    "search-tv.breaking-bad.json": ("Breaking Bad", 2008, "1396"),
    "search-tv.dallas-year-2012.json": ("Dallas", 2012, "37759"),
    "search-tv.dallas.json": ("Dallas", 1978, "40"),
    "search-tv.game-of-thrones.json": ("Game of Thrones", 2011, "1399"),
    "search-tv.rick-and-morty.json": ("Rick and Morty", 2013, "60625"),
    "search-tv.the-big-bang-theory.json": ("The Big Bang Theory", 2007, "1418"),
}
FINDS = ("breaking-bad.find.tv_results.json", "find.tv_episode_results.json", "find.tv_season_results.json")
ERRORS = {
    "error-400-status-22.json": ("invalid", "refused"),
    "error-401-status-7.json": ("invalid", "bad_token"),
    "error-404-status-34.json": ("not_found", "not_found"),
    "error-422-status-20.json": ("invalid", "refused"),
    "error-429-status-25.2017.json": None,
}
NOT_READ = {
    "configuration.2013.json": "the picture server is a setting, and its sizes have not changed since",
    "configuration.json": "the picture server is a setting, and its sizes have not changed since",
    "episode_group.details.json": "files are named after the catalogue's own numbering",
    "fight-club.movie-550.images.json": "a film",
    "game-of-thrones.s01e01.json": "episodes come with their seasons",
    "game-of-thrones.tv-1399.credits.json": "the newest season's cast; that of all seasons is read",
    "season.images.json": "a season has one poster",
    "the-big-bang-theory.s07e05.json": "episodes come with their seasons",
}


def recorded(name: str) -> bytes:
    return (Path(_FOLDER) / "tmdb" / name).read_bytes()


def read(name: str, languages: tuple[str, ...] = ("en",), **parts: Any) -> SeriesDetails:
    """A recorded series, with other recordings put in as its parts; `season_2` is the part season/2."""
    body = json.loads(recorded(name))
    for part, value in parts.items():
        body[part.replace("season_", "season/")] = json.loads(recorded(value)) if isinstance(value, str) else value
    show = msgspec.json.decode(json.dumps(body), type=wire.with_seasons(wire.Show, tuple(range(14))))
    return to_details(show, [wire.appended_seasons(show)], languages, PICTURES)


def test_every_recording_is_read_or_left_for_a_reason() -> None:
    """A new one must be taken up by one of the tests here."""
    there = {one.name for one in (Path(_FOLDER) / "tmdb").glob("*.json") if not one.name.endswith(".meta.json")}
    read_here = {*SHOWS, *PARTS, *SEARCHES, "search-tv.no-hits.json", *FINDS, *ERRORS}

    assert there == read_here | NOT_READ.keys()
    assert not read_here & NOT_READ.keys()


@pytest.mark.parametrize("name", SHOWS)
def test_every_recorded_series_maps(name: str) -> None:
    """All of its seasons are there, in order, with a year, a status, a plot, a poster and who shows it."""
    raw = json.loads(recorded(name))

    found = read(name)

    assert found.name == raw["name"]
    assert found.ids.tmdb == raw["id"]
    assert found.premiered == raw["first_air_date"]
    assert found.status in {"Continuing", "Ended"}
    assert found.plot
    assert found.studios
    assert [one.number for one in found.seasons] == sorted(one["season_number"] for one in raw["seasons"])
    assert {"poster", "fanart"} <= {one.kind for one in found.artwork if one.season is None}
    assert any(one.kind == "poster" for one in found.artwork if one.season is not None)
    assert all(one.url.startswith("https://image.tmdb.org/t/p/original/") for one in found.artwork)


def test_a_whole_series() -> None:
    """Game of Thrones with every part in a recording of its own, field by field, for a German."""
    found = read(
        "game-of-thrones.tv-1399.details.json",
        ("de",),
        alternative_titles="game-of-thrones.tv-1399.alternative_titles.json",
        content_ratings="game-of-thrones.tv-1399.content_ratings.json",
        external_ids="game-of-thrones.tv-1399.external_ids.json",
        translations="game-of-thrones.tv-1399.translations.json",
        season_1="game-of-thrones.tv-1399.season-1.json",
    )

    assert (found.name, found.original_name, found.year) == ("Game of Thrones", "Game of Thrones", 2011)
    assert (found.premiered, found.ended, found.status) == ("2011-04-17", "2019-05-19", "Ended")
    assert found.ids == CatalogueIds(tmdb=1399, tvdb=121361, imdb="tt0944947")
    assert {"Game of Thrones: Das Lied von Eis und Feuer", "Le Throne de fer", "GoT"} <= set(found.aliases)
    assert found.genres == ("Sci-Fi & Fantasy", "Drama", "Action & Adventure")
    assert (found.studios, found.countries) == (("HBO",), ("United States of America",))
    assert (found.certification, found.runtime) == ("FSK-16", 60)
    assert (found.rating, found.votes) == (8.438, 21390)
    assert [one.title for one in found.seasons] == [None] * 9
    assert [one.number for one in found.seasons] == list(range(9))
    first, *_, last = found.seasons[1].episodes
    assert (first.number, first.title, first.air_date, first.runtime) == (1, "Winter Is Coming", "2011-04-17", 62)
    assert (last.number, last.absolute, last.air_date) == (10, 10, "2011-06-19")


@pytest.mark.parametrize(
    ("languages", "name", "rating"),
    [
        (("de",), "Game of Thrones", "FSK-16"),
        (("fr",), "Game of Thrones", "FR-16"),
        (("fr-CA",), "Le trône de fer", "CA-18+"),
        (("it",), "Il Trono di Spade", "TV-MA"),
        (("pt-BR",), "Game of Thrones", "BR-16"),
        (("pt",), "A Guerra dos Tronos", "PT-18"),
        (("es",), "Juego de tronos", "ES-18"),
        (("ja",), "ゲーム・オブ・スローンズ", "TV-MA"),
        (("en",), "Game of Thrones", "TV-MA"),
    ],
)
def test_a_series_in_many_languages(languages: tuple[str, ...], name: str, rating: str) -> None:
    """The title and the age rating that people in that country know."""
    found = read(
        "game-of-thrones.tv-1399.details.json",
        languages,
        content_ratings="game-of-thrones.tv-1399.content_ratings.json",
        translations="game-of-thrones.tv-1399.translations.json",
    )

    assert (found.name, found.certification) == (name, rating)


def test_a_plot_that_is_missing_comes_from_the_translations() -> None:
    """In the first language that has one."""
    told = json.loads(recorded("game-of-thrones.tv-1399.translations.json"))
    french = next(one for one in told["translations"] if one["iso_3166_1"] == "FR")

    found = read("game-of-thrones.tv-1399.details.json", ("nb", "fr"), overview=None, translations=told)

    assert found.plot == french["data"]["overview"].strip()


def test_an_anime_by_its_japanese_and_its_english_name() -> None:
    """Seasons and specials are told apart, and it has not ended."""
    found = read("attack-on-titan.tv-1429.details.2019.json", ("de", "en"))

    assert (found.name, found.original_name, found.aliases) == ("Attack on Titan", "進撃の巨人", ())
    assert (found.year, found.status, found.ended, found.runtime) == (2013, "Continuing", None, 24)
    assert [one.number for one in found.seasons] == [0, 1, 2, 3, 4]
    assert (found.countries, found.studios[0], len(found.studios)) == (("JP",), "HTB", 6)


def test_seasons_that_are_arcs_keep_their_names() -> None:
    """One Piece's 20 seasons are story arcs; `Season 14` says nothing."""
    seasons = read("one-piece.tv-37854.details.2019.json").seasons

    assert len(seasons) == 21
    assert (seasons[0].title, seasons[1].title) == (None, "East Blue Saga")
    assert not any((one.title or "").startswith(("Season", "Specials")) for one in seasons)


def test_a_series_of_long_ago() -> None:
    """Dallas of 1978: ids, an end, and 14 seasons with posters."""
    found = read("dallas-1978.tv-40.json")

    assert (found.year, found.ended, found.status, found.runtime) == (1978, "1991-05-03", "Ended", 45)
    assert found.ids == CatalogueIds(tmdb=40, tvdb=77092, imdb="tt0077000")
    assert [one.season for one in found.artwork if one.season is not None] == list(range(15))


def test_the_cast_of_all_seasons() -> None:
    """Who is in most episodes comes first, with the part most played."""
    actors = read("rick-and-morty.tv-60625.append.json").actors

    assert len(actors) == 50
    assert [one.name for one in actors[:3]] == ["Justin Roiland", "Spencer Grammer", "Chris Parnell"]
    assert actors[0].role == "Rick Sanchez / Morty Smith (voice)"
    assert (actors[0].thumb_url or "").startswith("https://image.tmdb.org/t/p/h632/")


def test_older_episodes_without_a_runtime() -> None:
    """And pictures whose sizes are floats; the votes as texts beside them are of a shape that is gone."""
    found = read(
        "breaking-bad.tv-1396.append.json",
        ("de",),
        images="breaking-bad.tv-1396.images.json",
        season_2="breaking-bad.tv-1396.season-2.append.json",
    )

    assert (found.certification, found.ids.imdb) == ("FSK-16", "tt0903747")
    season = next(one for one in found.seasons if one.number == 2)
    assert (len(season.episodes), season.episodes[0].title, season.episodes[0].runtime) == (
        13,
        "Seven Thirty-Seven",
        None,
    )
    fanart = [one for one in found.artwork if one.kind == "fanart"]
    assert len(fanart) > 5
    assert {(type(one.width), one.language) for one in fanart if one.width} >= {(int, None)}


@pytest.mark.parametrize("year", ["", ".older"])
def test_a_season_recorded_twice(year: str) -> None:
    """Both times the same titles and dates."""
    found = read(
        "game-of-thrones.tv-1399.details.2019.json",
        content_ratings=f"game-of-thrones.tv-1399.content_ratings{year}.json",
        season_1=f"game-of-thrones.tv-1399.season-1{year}.json",
    )

    episodes = found.seasons[1].episodes
    assert [one.absolute for one in episodes] == list(range(1, 11))
    assert (episodes[8].title, episodes[8].air_date) == ("Baelor", "2011-06-12")
    assert found.certification == "TV-MA"


@pytest.mark.parametrize(("name", "wanted"), SEARCHES.items())
def test_a_search_finds_the_series(name: str, wanted: tuple[str, int, str]) -> None:
    """Among several of the same name it is the one of that year."""
    title, year, tmdb_id = wanted

    choice = choose(candidates(name), [title], year)

    assert isinstance(choice, Match)
    assert choice.candidate.catalogue_id == tmdb_id


def test_a_search_finds_nothing() -> None:
    """Which is no error; and two of one name are not told apart without a year."""
    assert candidates("search-tv.no-hits.json") == []
    several = choose(candidates("search-tv.dallas.json"), ["Dallas"], None)
    assert isinstance(several, NoMatch)
    assert several.is_ambiguous


def test_only_a_series_is_found_by_its_id() -> None:
    """An id of IMDb can be that of an episode or a season."""
    found = [msgspec.json.decode(recorded(name), type=wire.FoundById).tv_results for name in FINDS]

    assert found[1:] == [(), ()]
    (series,) = found[0] or ()
    assert to_candidate(series, PICTURES, CatalogueIds(imdb="tt0903747")).ids == CatalogueIds(
        tmdb=1396, imdb="tt0903747"
    )


@pytest.mark.parametrize(("name", "meaning"), ERRORS.items())
def test_errors_are_understood(name: str, meaning: tuple[str, str] | None) -> None:
    """By TMDB's own code; what passes by itself is left to the status."""
    failure = explain(int(name.split("-")[1]), recorded(name))

    assert isinstance(failure, LoadFailure) or meaning is None
    assert (failure and (failure.error.kind, failure.error.code)) == meaning


def candidates(name: str) -> list[Candidate]:
    found = msgspec.json.decode(recorded(name), type=wire.Found)
    return [to_candidate(one, PICTURES) for one in found.results or ()]
