"""The stand-in's TMDB has the real one's shapes, key, errors and validators."""

import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from PIL import Image

from deploy.standin import TMDB_TOKEN, tmdb
from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.pictures import Picture, draw
from deploy.standin.wire import Request, Response


class _Error(msgspec.Struct, forbid_unknown_fields=True):
    status_code: int
    status_message: str
    success: bool


class _Hit(msgspec.Struct):
    id: int
    name: str
    original_name: str
    first_air_date: str
    overview: str


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    page: int
    results: list[_Hit]
    total_pages: int
    total_results: int


class _Found(msgspec.Struct, forbid_unknown_fields=True):
    movie_results: list[Any]
    person_results: list[Any]
    tv_results: list[_Hit]
    tv_episode_results: list[Any]
    tv_season_results: list[Any]


class _ExternalIds(msgspec.Struct):
    imdb_id: str
    tvdb_id: int


class _Image(msgspec.Struct):
    file_path: str
    iso_639_1: str | None
    width: int
    height: int
    vote_average: float
    vote_count: int


class _Images(msgspec.Struct, forbid_unknown_fields=True):
    backdrops: list[_Image]
    logos: list[_Image]
    posters: list[_Image]


class _Episode(msgspec.Struct):
    season_number: int
    episode_number: int
    name: str
    air_date: str | None
    runtime: int | None


class _Season(msgspec.Struct):
    season_number: int
    name: str
    poster_path: str | None
    episodes: list[_Episode] = []


class _Details(_Hit):
    seasons: list[_Season]
    external_ids: _ExternalIds | None = None
    images: _Images | None = None
    season_0: _Season | None = msgspec.field(default=None, name="season/0")
    season_1: _Season | None = msgspec.field(default=None, name="season/1")
    season_9: _Season | None = msgspec.field(default=None, name="season/9")


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def ask(catalogue: Catalogue, target: str, **headers: str) -> Asked:
    url = urlsplit(target)
    given = {"authorization": f"Bearer {TMDB_TOKEN}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    found = tmdb.asked(Request("GET", target, url.path, parse_qsl(url.query), given, b""), catalogue)
    assert found is not None
    return found


def answer(catalogue: Catalogue, target: str, **headers: str) -> Response:
    found = ask(catalogue, target, **headers).answer
    assert isinstance(found, Response)
    return found


def details(catalogue: Catalogue, title: str, query: str) -> _Details:
    found = answer(catalogue, f"/3/tv/{catalogue.add(title).tmdb}?{query}")
    assert found.status == 200
    return msgspec.json.decode(found.body, type=_Details)


def test_a_search_finds_a_series_by_any_of_its_names(catalogue: Catalogue) -> None:
    series = catalogue.add("Attack on Titan")

    pages = [
        msgspec.json.decode(answer(catalogue, f"/3/search/tv?query={name}").body, type=_Page)
        for name in ("attack on titan", series.home_title, "unknown")
    ]

    assert [[one.id for one in page.results] for page in pages] == [[1429], [1429], []]
    assert [page.total_results for page in pages] == [1, 1, 0]
    assert pages[0].results[0].first_air_date == "2013-04-05"


@pytest.mark.parametrize(
    "query",
    ["/3/find/tt00000919?external_source=imdb_id", "/3/find/919?external_source=tvdb_id"],
)
def test_ids_of_other_catalogues_lead_to_the_same_series(catalogue: Catalogue, query: str) -> None:
    found = msgspec.json.decode(answer(catalogue, query).body, type=_Found)

    assert [one.id for one in found.tv_results] == [1429]


def test_nobody_is_found_by_an_id_that_nobody_has(catalogue: Catalogue) -> None:
    missing = answer(catalogue, "/3/find/tt99999999?external_source=imdb_id")
    senseless = answer(catalogue, "/3/find/tt00000919")

    assert msgspec.json.decode(missing.body, type=_Found).tv_results == []
    assert senseless.status == 422


def test_details_hold_what_exists_of_what_was_to_be_appended(catalogue: Catalogue) -> None:
    """Seasons that the series does not have are left out, and so are parts that nobody asked for."""
    found = details(catalogue, "Glass Whale", "append_to_response=external_ids,season/0,season/1,season/9")

    assert found.external_ids is not None
    assert found.external_ids.imdb_id == catalogue.add("Glass Whale").imdb
    assert found.season_0 is not None
    assert [(one.episode_number, one.air_date is None) for one in found.season_0.episodes] == [(1, False), (2, True)]
    assert found.season_1 is not None
    assert [one.episode_number for one in found.season_1.episodes] == list(range(1, 13))
    assert found.season_9 is None
    assert found.images is None


def test_texts_are_in_the_language_asked_for(catalogue: Catalogue) -> None:
    """Some German titles are placeholders; without a translation the title is the one at home and the plot empty."""
    query = "language=de-DE&append_to_response=season/1"
    german, none = details(catalogue, "Attack on Titan", query), details(catalogue, "An Untranslated Tale", query)
    english = details(catalogue, "Attack on Titan", query.replace("de-DE", "en-US"))

    assert german.season_1 is not None
    assert english.season_1 is not None
    assert none.season_1 is not None
    assert german.overview.endswith("Vorführung.")
    assert german.season_1.name == "Staffel 1"
    assert [one.name for one in german.season_1.episodes if one.name.startswith("Folge ")] == ["Folge 5", "Folge 10"]
    assert not {one.name for one in german.season_1.episodes} & {one.name for one in english.season_1.episodes}
    assert (none.name, none.overview) == (none.original_name, "")
    assert [one.name for one in none.season_1.episodes] == [f"Episode {number}" for number in range(1, 13)]


def test_pictures_are_those_of_the_languages_asked_for(catalogue: Catalogue) -> None:
    """A language of the texts alone filters the pictures as well."""
    every = details(catalogue, "Attack on Titan", "append_to_response=images").images
    few = details(catalogue, "Attack on Titan", "append_to_response=images&language=de").images
    chosen = "append_to_response=images&language=de&include_image_language=de,null"
    some = details(catalogue, "Attack on Titan", chosen).images

    assert every is not None
    assert few is not None
    assert some is not None
    assert {one.iso_639_1 for one in every.backdrops} == {None, "en", "de"}
    assert {one.iso_639_1 for one in few.backdrops} == {"de"}
    assert {one.iso_639_1 for one in some.backdrops} == {None, "de"}


def test_every_picture_has_the_size_that_it_claims(catalogue: Catalogue) -> None:
    """As the original; and the width that was asked for is what comes."""
    found = details(catalogue, "The Vector Logo", "append_to_response=images")
    assert found.images is not None
    listed = [*found.images.backdrops, *found.images.logos, *found.images.posters]

    drawn = {}
    for one in listed:
        picture = ask(catalogue, f"/t/p/original{one.file_path}").answer
        assert isinstance(picture, Picture)
        assert (picture.width, picture.height) == (one.width, one.height)
        drawn[one.file_path] = draw(picture)
    small = ask(catalogue, f"/t/p/w342{found.images.posters[0].file_path}").answer

    for one in listed:
        data = drawn[one.file_path]
        if one.file_path.endswith(".svg"):
            assert f'width="{one.width}" height="{one.height}"'.encode() in data
        else:
            assert Image.open(io.BytesIO(data)).size == (one.width, one.height)
    assert isinstance(small, Picture)
    assert Image.open(io.BytesIO(draw(small))).size == (342, 503)


def test_a_vector_logo_has_no_sizes_but_as_png(catalogue: Catalogue) -> None:
    found = details(catalogue, "The Vector Logo", "append_to_response=images")
    assert found.images is not None
    path = found.images.logos[0].file_path

    png = ask(catalogue, f"/t/p/w500{path.removesuffix('.svg')}.png").answer

    assert path.endswith(".svg")
    assert isinstance(png, Picture)
    assert (png.content_type, png.width) == ("image/png", 500)
    assert answer(catalogue, f"/t/p/w500{path}").status == 404
    assert answer(catalogue, f"/t/p/w501{found.images.posters[0].file_path}").status == 404


def test_a_series_without_a_logo_lists_none(catalogue: Catalogue) -> None:
    found = details(catalogue, "A Tale of No Logo", "append_to_response=images")

    assert found.images is not None
    assert found.images.logos == []
    assert found.images.posters


def test_every_season_has_a_poster(catalogue: Catalogue) -> None:
    found = details(catalogue, "Glass Whale", "")

    pictures = [ask(catalogue, f"/t/p/original{one.poster_path}") for one in found.seasons]

    assert [one.season_number for one in found.seasons] == [0, *catalogue.add("Glass Whale").seasons]
    assert {one.kind for one in pictures} == {"season_poster"}
    assert all(isinstance(one.answer, Picture) for one in pictures)


def test_a_long_series_takes_more_than_one_call(catalogue: Catalogue) -> None:
    """At most twenty things are appended; calls for seasons alone are counted as such."""
    number = catalogue.add("The Everlasting Voyage").tmdb
    twenty, more = (",".join(f"season/{season}" for season in range(last)) for last in (20, 21))

    right = ask(catalogue, f"/3/tv/{number}?append_to_response={twenty}")
    refused = answer(catalogue, f"/3/tv/{number}?append_to_response={more}")

    assert right.kind == "tmdb_seasons"
    assert isinstance(right.answer, Response)
    assert sum(name.startswith("season/") for name in msgspec.json.decode(right.answer.body)) == 20
    assert refused.status == 400
    assert msgspec.json.decode(refused.body, type=_Error).status_code == 27


@pytest.mark.parametrize("authorization", ["", "Bearer other", TMDB_TOKEN])
def test_nobody_gets_in_without_the_token(catalogue: Catalogue, authorization: str) -> None:
    for target in ("/3/authentication", "/3/search/tv?query=Bleach", "/3/tv/1429"):
        refused = answer(catalogue, target, authorization=authorization)

        assert refused.status == 401
        assert msgspec.json.decode(refused.body, type=_Error).status_code == 7


def test_what_is_known_already_is_not_sent_again(catalogue: Catalogue) -> None:
    """A weak validator, which differs by language."""
    first = answer(catalogue, "/3/tv/1429")
    tag = dict(first.headers)["ETag"]

    again = answer(catalogue, "/3/tv/1429", if_none_match=tag)
    other = answer(catalogue, "/3/tv/1429?language=de", if_none_match=tag)

    assert tag.startswith('W/"')
    assert dict(first.headers)["Cache-Control"].startswith("public, max-age=")
    assert (again.status, again.body) == (304, b"")
    assert other.status == 200


@pytest.mark.parametrize(("status", "code"), [(404, 34), (429, 25), (503, 9), (418, 418)])
def test_errors_are_in_its_words(status: int, code: int) -> None:
    failed = tmdb.error(status)

    assert failed.status == status
    assert msgspec.json.decode(failed.body, type=_Error).status_code == code


def test_an_id_of_nothing_is_not_found(catalogue: Catalogue) -> None:
    assert answer(catalogue, "/3/tv/1").status == 404
    assert answer(catalogue, "/3/tv/x").status == 404
    assert answer(catalogue, "/3/tv/919").status == 404  # TVmaze's id of a series is not TMDB's
