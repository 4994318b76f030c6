"""What TMDB is asked, and how often: its limit bounds a real library, and every call of a refresh counts."""

from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import msgspec
import pytest

from contracts.events import CatalogueIds
from services.platform.catalogues.model import Catalogue
from services.platform.catalogues.tmdb import TMDB
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Params, Upstream

T = TypeVar("T")
PARTS = "external_ids,content_ratings,aggregate_credits,images,alternative_titles,translations"
FIRST = [PARTS, *(f"season/{number}" for number in range(14))]
NOT_FOUND = LoadFailure("not_found", "not_found", "made up")


class FakeTMDB:
    """Answers by path and language, with the seasons that were asked for; keeps the questions."""

    def __init__(self, answers: dict[str, Any], seasons: dict[str, dict[int, Any]] | None = None) -> None:
        self._answers = answers
        self._seasons = seasons or {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get_json(self, path: str, shape: type[T], params: Params = ()) -> T:
        asked = dict(params)
        assert len(asked) == len(params)
        self.asked.append((path, asked))
        answer = self._answers[path]
        if isinstance(answer, LoadFailure):
            raise answer
        names = asked.get("append_to_response", "").split(",")
        assert len(names) <= 20
        told = self._seasons.get(asked["language"], {})
        appended = {f"season/{number}": one for number, one in told.items() if f"season/{number}" in names}
        return msgspec.json.decode(msgspec.json.encode(answer | appended), type=shape)

    def appended(self) -> list[tuple[str, list[str]]]:
        """The language and the appended names of each call, the series' own parts as one."""
        calls = [(asked["language"], asked["append_to_response"]) for _, asked in self.asked]
        return [
            (language, names.replace(PARTS, "PARTS").replace("season/", "").split(",")) for language, names in calls
        ]


def tmdb(fake: FakeTMDB, *languages: str) -> TMDB:
    return TMDB(cast("Upstream", fake), languages=languages or ("en",), image_url="https://pictures.example/t/p")


def season(name: str = "", air_date: str = "2020-01-01") -> dict[str, Any]:
    return {"episodes": [{"episode_number": 1, "name": name, "air_date": air_date}]}


def listed(*numbers: int) -> dict[str, Any]:
    """A series with these seasons, on air since 2020."""
    seasons = [{"season_number": number, "episode_count": 1} for number in numbers]
    return {"id": 7, "name": "Made Up", "last_air_date": "2020-01-01", "seasons": seasons}


def batch(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


def test_it_is_a_catalogue() -> None:
    """As the type checker sees it."""
    one: Catalogue = tmdb(FakeTMDB({}))

    assert one.name == "tmdb"


async def test_a_search_is_one_call() -> None:
    """In the best language; what is for adults only is found by id."""
    fake = FakeTMDB({"/search/tv": {"results": [{"id": 7, "name": "Der Titel"}, {"id": 8}]}})

    found = await tmdb(fake, "de-CH", "en").search("Titel & Söhne")

    assert [one.catalogue_id for one in found] == ["7", "8"]
    assert fake.asked == [("/search/tv", {"query": "Titel & Söhne", "include_adult": "false", "language": "de"})]


async def test_a_series_of_few_seasons_is_one_call() -> None:
    """Seasons that may not exist are asked for at once: TMDB leaves those out."""
    fake = FakeTMDB({"/tv/7": listed(0, 1, 13)}, {"en": {number: season("Title") for number in (0, 1, 13)}})

    found = await tmdb(fake).details("7")

    assert [one.number for one in found.seasons] == [0, 1, 13]
    assert [(language, names) for language, names in fake.appended()] == [("en", ["PARTS", *batch(*range(14))])]


@pytest.mark.parametrize(
    ("languages", "asked"), [(("en",), "en,null"), (("de", "pt-BR", "fr", "it"), "de,pt,fr,en,null")]
)
async def test_pictures_in_five_languages_at_most(languages: tuple[str, ...], asked: str) -> None:
    """Without the parameter TMDB gives those of the asked language only, and takes no more than five."""
    fake = FakeTMDB({"/tv/7": listed()})

    await tmdb(fake, *languages).details("7")

    assert fake.asked[0][1]["include_image_language"] == asked


async def test_a_series_of_twenty_seasons_is_two_calls() -> None:
    """Three with its search; the second holds seasons only."""
    fake = FakeTMDB({"/tv/7": listed(*range(21))}, {"en": {number: season("Title") for number in range(21)}})

    found = await tmdb(fake).details("7")

    assert sum(len(one.episodes) for one in found.seasons) == 21
    assert found.seasons[-1].episodes[0].absolute == 20
    assert fake.appended()[1:] == [("en", batch(*range(14, 21)))]
    assert "include_image_language" not in fake.asked[1][1]


async def test_seasons_named_by_years_come_in_batches_of_twenty() -> None:
    """An announced season without episodes is not worth a call."""
    years = [*range(2000, 2021)]
    answer = listed(*years)
    answer["seasons"].append({"season_number": 2021, "episode_count": 0})
    fake = FakeTMDB({"/tv/7": answer}, {"en": {year: season("Title") for year in years}})

    found = await tmdb(fake).details("7")

    assert fake.appended()[1:] == [("en", batch(*range(2000, 2020))), ("en", batch(2020))]
    assert [(one.number, len(one.episodes)) for one in found.seasons][-2:] == [(2020, 1), (2021, 0)]


async def test_untitled_seasons_are_asked_for_in_the_next_language() -> None:
    """Only those, only in languages that TMDB has, and only until all have their titles."""
    answer = listed(1, 2, 3) | {"translations": {"translations": [{"iso_639_1": "es"}, {"iso_639_1": "it"}]}}
    german = {1: season("Anfang"), 2: season("Folge 1"), 3: season("Folge 1", "2020-01-02")}
    fake = FakeTMDB({"/tv/7": answer}, {"de": german, "es": {2: season("Medio")}})

    found = await tmdb(fake, "de", "fr", "es", "it").details("7")

    assert fake.appended()[1:] == [("es", batch(2))]
    assert [one.episodes[0].title for one in found.seasons] == ["Anfang", "Medio", None]


async def test_english_is_the_last_resort() -> None:
    """It is asked for although nobody wished for it, twenty seasons a call, and once."""
    numbers = range(1, 24)
    fake = FakeTMDB(
        {"/tv/7": listed(*numbers)}, {"de": {n: season("Folge 1") for n in numbers}, "en": {23: season("Last")}}
    )

    found = await tmdb(fake, "de").details("7")

    assert fake.appended()[1:] == [
        ("de", batch(*range(14, 24))),
        ("en", batch(*range(1, 21))),
        ("en", batch(21, 22, 23)),
    ]
    assert found.seasons[-1].episodes[0].title == "Last"


async def test_finding_by_its_own_id_asks_what_details_ask() -> None:
    """Letter by letter, so that the second answer comes from the cache."""
    fake = FakeTMDB({"/tv/7": listed(1) | {"external_ids": {"imdb_id": "tt0903747", "tvdb_id": 5}}})
    one = tmdb(fake, "de", "en")

    found = await one.find(CatalogueIds(tmdb=7, tvdb=99))
    await one.details("7")

    assert found is not None
    assert found.ids == CatalogueIds(tmdb=7, imdb="tt0903747", tvdb=5)
    first, second = [(path, urlencode(params)) for path, params in fake.asked]
    assert first == second


async def test_finding_by_the_ids_of_others() -> None:
    """In turn, until one leads to a series; the id that did is known of it then."""
    fake = FakeTMDB(
        {
            "/tv/7": NOT_FOUND,
            "/find/tt0903747": {"tv_results": [], "tv_episode_results": [{"id": 1}]},
            "/find/81189": {"tv_results": [{"id": 8, "name": "Made Up"}]},
        }
    )

    found = await tmdb(fake).find(CatalogueIds(tmdb=7, imdb="tt0903747", tvdb=81189, tvmaze=3))

    assert found is not None
    assert found.ids == CatalogueIds(tmdb=8, tvdb=81189)
    assert [(path, asked.get("external_source")) for path, asked in fake.asked] == [
        ("/tv/7", None),
        ("/find/tt0903747", "imdb_id"),
        ("/find/81189", "tvdb_id"),
    ]


async def test_what_can_be_no_id_is_not_asked_for() -> None:
    """An id of IMDb becomes part of the address."""
    fake = FakeTMDB({})

    assert await tmdb(fake).find(CatalogueIds(imdb="tt1/../../account", tvmaze=3)) is None
    assert fake.asked == []


async def test_two_series_under_one_id_are_none() -> None:
    """A wrong accept is worse than none."""
    fake = FakeTMDB({"/find/5": {"tv_results": [{"id": 1}, {"id": 2}]}})

    assert await tmdb(fake).find(CatalogueIds(tvdb=5)) is None


async def test_trouble_is_not_taken_for_none() -> None:
    """Only "not found" is."""
    trouble = LoadFailure("network", "timeout", "made up")

    with pytest.raises(LoadFailure) as raised:
        await tmdb(FakeTMDB({"/tv/7": trouble})).find(CatalogueIds(tmdb=7))

    assert raised.value is trouble


@pytest.mark.parametrize("bad", ["", "7/../8", "seven", "\uff17"])
async def test_an_id_is_a_number(bad: str) -> None:
    """It becomes part of the address."""
    with pytest.raises(LoadFailure, match="no id of TMDB"):
        await tmdb(FakeTMDB({})).details(bad)
