"""TMDB's traps, one small made-up answer each."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ArtworkCandidate, CatalogueIds
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.model import Candidate, SeriesDetails
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tmdb_errors import explain
from services.platform.catalogues.tmdb_languages import asked_as, country, is_episode_number, is_season_number
from services.platform.catalogues.tmdb_mapping import MAX_ACTORS, to_candidate, to_details, to_full_candidate
from services.platform.catalogues.tmdb_seasons import untitled_seasons
from services.platform.catalogues.tmdb_titles import is_translated
from services.platform.catalogues.tmdb_token import authorization
from services.platform.failures import LoadFailure
from tests.support.arbitrary import structs

PICTURES = PictureServer("https://pictures.example/t/p/")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJtYWRlLXVwIn0.c2lnbmF0dXJl"


def show(**fields: Any) -> wire.Show:
    return msgspec.convert({"id": 7, "name": "Made Up"} | fields, wire.Show)


def seasons(**by_number: list[dict[str, Any]]) -> wire.Seasons:
    """`s1=[...]`: season 1 with these episodes, numbered from 1 unless they say otherwise."""
    return {
        int(name[1:]): msgspec.convert(
            {"episodes": [{"episode_number": number} | one for number, one in enumerate(episodes, start=1)]},
            wire.Season,
        )
        for name, episodes in by_number.items()
    }


def details(*languages: str, answers: tuple[wire.Seasons, ...] = ({},), **fields: Any) -> SeriesDetails:
    return to_details(show(**fields), answers, languages or ("en",), PICTURES)


def translations(**by_tag: tuple[str, str]) -> dict[str, Any]:
    """`de_DE=(name, overview)`."""
    return {
        "translations": [
            {"iso_639_1": tag[:2], "iso_3166_1": tag[3:], "data": {"name": name, "overview": overview}}
            for tag, (name, overview) in by_tag.items()
        ]
    }


def picture(path: str | None, language: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"file_path": path, "iso_639_1": language, "width": 2000, "height": 1000} | fields


def of_kind(found: SeriesDetails, kind: str) -> list[ArtworkCandidate]:
    return [one for one in found.artwork if one.kind == kind]


def test_nothing_but_an_id_is_enough() -> None:
    """Every other field may be missing or null."""
    bare = to_details(wire.Show(id=7), [], (), PICTURES)

    assert (bare.name, bare.original_name, bare.aliases, bare.plot) == ("TMDB 7", None, (), "")
    assert (bare.year, bare.status, bare.certification, bare.runtime, bare.rating, bare.votes) == (None,) * 6
    assert (bare.seasons, bare.artwork, bare.actors, bare.ids) == ((), (), (), CatalogueIds(tmdb=7))
    assert bare.url == "https://www.themoviedb.org/tv/7"


@given(structs(wire.Show), structs(wire.Season), st.sampled_from([("de", "pt-BR"), ("en",), ()]))
@settings(max_examples=200)
def test_whatever_its_shape_allows_maps(one: wire.Show, season: wire.Season, languages: tuple[str, ...]) -> None:
    """Nulls, empty texts, numbers below nothing: all of it makes an entry with a name, in an event that can be sent."""
    found = to_details(one, [{1: season}, {}, {0: season, 1: season}], languages, PICTURES)

    assert found.name
    assert msgspec.json.decode(msgspec.json.encode(found), type=SeriesDetails) == found
    assert to_full_candidate(one, languages, PICTURES).titles
    assert to_candidate(one, PICTURES).ids.tmdb == one.id
    assert set(untitled_seasons(one, [{1: season}])) <= {1}


def test_the_title_is_in_the_best_language_that_has_one() -> None:
    """TMDB answers with the original title where there is none in the language asked for."""
    anime: dict[str, Any] = {"name": "原題", "original_name": "原題", "original_language": "ja"}
    told = translations(de_DE=("", "Handlung"), fr_FR=("Le titre", ""), en_US=("The Title", "Plot"))

    assert details("de", translations=told, **anime).name == "The Title"
    assert details("de", "fr", translations=told, **anime).name == "Le titre"
    assert details("de", "ja", translations=told, **anime).name == "原題"
    assert details("de", **anime | {"name": "Der Titel"}).name == "Der Titel"
    assert details("de", **anime).name == "原題"


def test_another_countrys_title_does_not_stand_in_for_an_empty_one() -> None:
    """The French keep the English title, Canadians don't; who asks for a country that has no entry gets another's."""
    english: dict[str, Any] = {"name": "The Game", "original_name": "The Game", "original_language": "en"}
    told = translations(fr_CA=("Le jeu", "Au Canada"), fr_FR=("", ""), de_DE=("Das Spiel", "Text"))

    assert details("fr", translations=told, **english).name == "The Game"
    assert details("fr-CA", translations=told, **english).name == "Le jeu"
    assert details("de-AT", translations=told, **english).name == "Das Spiel"
    assert details("fr", translations=told, **english).plot == "Au Canada"


def test_the_plot_is_in_the_best_language_that_has_one() -> None:
    """The answer's own is in the first; then come the others wished for, English, and the series' own."""
    told = translations(fr_FR=("", "Histoire"), en_US=("", "Plot"), ja_JP=("", "あらすじ"))
    own = translations(ja_JP=("", "あらすじ"))

    assert details("de", overview=" Zeile 1\r\n\r\nZeile\u00002 ", translations=told).plot == "Zeile 1\n\nZeile2"
    assert details("de", "fr", overview="", translations=told).plot == "Histoire"
    assert details("de", overview=None, translations=told).plot == "Plot"
    assert details("de", overview="", translations=own, original_language="ja").plot == "あらすじ"


def test_aliases_are_all_other_names() -> None:
    """Those in the languages looked at and the alternative ones, each once; name and original have their own place."""
    found = details(
        "de",
        name="Der Titel",
        original_name="原題",
        translations=translations(de_DE=("Der Titel", ""), en_US=("The Title", ""), it_IT=("Il titolo", "")),
        alternative_titles={"results": [{"title": "Gendai"}, {"title": "Der Titel"}, {"title": " "}, {"title": None}]},
    )

    assert (found.name, found.original_name) == ("Der Titel", "原題")
    assert found.aliases == ("The Title", "Gendai")


@pytest.mark.parametrize(
    ("theirs", "last_aired", "ours"),
    [
        ("Returning Series", "2020-01-01", "Continuing"),
        ("Ended", "2020-01-01", "Ended"),
        ("Canceled", "2020-01-01", "Ended"),
        ("Planned", None, "Unreleased"),
        ("In Production", "", "Unreleased"),
        ("In Production", "2020-01-01", "Continuing"),
        ("Pilot", "2020-01-01", "Continuing"),
        ("Something new", None, None),
        (None, None, None),
    ],
)
def test_status_is_said_in_jellyfins_words(theirs: str | None, last_aired: str | None, ours: str | None) -> None:
    """A word that is new to us is not passed on; only what has ended has an end."""
    found = details(status=theirs, last_air_date=last_aired)

    assert found.status == ours
    assert found.ended == (last_aired if ours == "Ended" else None)


@pytest.mark.parametrize(
    ("languages", "rating"),
    [
        (("de", "en"), "FSK-16"),
        (("de-AT",), "FSK-16"),
        (("fr",), "FR-12"),
        (("pt-BR",), "BR-14"),
        (("en",), "TV-MA"),
        (("en-GB",), "TV-MA"),
        (("ja",), "TV-MA"),
    ],
)
def test_the_age_rating_is_that_of_the_readers_country(languages: tuple[str, ...], rating: str) -> None:
    """America's where the country has none; the first of several, written as Jellyfin's tables have it."""
    results = [("FR", "12"), ("DE", ""), ("DE", "16"), ("DE", "18"), ("US", "TV-MA"), ("BR", "14"), (None, "1")]
    ratings = {"results": [{"iso_3166_1": place, "rating": text} for place, text in results]}

    assert details(*languages, content_ratings=ratings).certification == rating


def test_any_age_rating_is_better_than_none() -> None:
    """With its country, since a bare number could be anybody's."""
    ratings = {"results": [{"iso_3166_1": "KR", "rating": "15"}]}

    assert details("de", content_ratings=ratings).certification == "KR-15"


def test_studios_are_who_shows_it() -> None:
    """As Kodi and Jellyfin have it; the companies stand in where nobody shows it yet."""
    networks, companies = [{"name": "NHK"}, {"name": "NHK"}, {"name": None}], [{"name": "MAPPA"}]

    assert details(networks=networks, production_companies=companies).studios == ("NHK",)
    assert details(networks=[], production_companies=companies).studios == ("MAPPA",)


def test_countries_have_names() -> None:
    """Where it is from, not who took part; its code where TMDB does not tell the name."""
    both = [{"iso_3166_1": "GB", "name": "United Kingdom"}, {"iso_3166_1": "JP", "name": "Japan"}]

    assert details(origin_country=["JP"], production_countries=both).countries == ("Japan",)
    assert details(origin_country=["KR"], production_countries=both).countries == ("KR",)
    assert details(origin_country=[], production_countries=both).countries == ("United Kingdom", "Japan")


def test_nobodys_votes_are_no_rating() -> None:
    """TMDB says 0 of 0 votes."""
    voted = details(vote_average=8.4, vote_count=3)

    assert (voted.rating, voted.votes) == (8.4, 3)
    assert (details(vote_average=0.0, vote_count=0).rating, details(vote_average=8.4).votes) == (None, None)


def test_ids_of_other_catalogues() -> None:
    """0 and the empty text are none, nor is what does not look like an id."""
    known = details(external_ids={"imdb_id": "tt0903747", "tvdb_id": 81189}).ids

    assert known == CatalogueIds(tmdb=7, imdb="tt0903747", tvdb=81189)
    assert details(external_ids={"imdb_id": "", "tvdb_id": 0}).ids == CatalogueIds(tmdb=7)
    assert details(external_ids={"imdb_id": "nm0000001"}).ids == CatalogueIds(tmdb=7)


def test_the_runtime_is_the_middle_one() -> None:
    """What TMDB says of the series, else what its regular episodes take."""
    taken = seasons(s0=[{"runtime": 5}], s1=[{"runtime": 24}, {"runtime": 0}, {"runtime": 23}, {"runtime": 60}])

    assert details(episode_run_time=[47, 45], answers=(taken,)).runtime == 45
    assert details(episode_run_time=[0], answers=(taken,)).runtime == 24
    assert details(episode_run_time=[]).runtime is None


def test_actors_by_the_number_of_their_episodes() -> None:
    """With the part that they play most; TMDB's own order is that of a season."""
    cast = [
        {"name": "Guest", "total_episode_count": 1, "order": 0, "roles": []},
        {"name": "", "total_episode_count": 99},
        {
            "name": "Lead",
            "total_episode_count": 12,
            "profile_path": "/lead.jpg",
            "roles": [{"character": "Twin", "episode_count": 1}, {"character": "Hero", "episode_count": 11}],
        },
    ]

    found = details(aggregate_credits={"cast": cast}).actors

    assert [(one.name, one.role, one.thumb_url) for one in found] == [
        ("Lead", "Hero", "https://pictures.example/t/p/h632/lead.jpg"),
        ("Guest", None, None),
    ]
    assert len(details(aggregate_credits={"cast": [{"name": str(n)} for n in range(99)]}).actors) == MAX_ACTORS


def test_seasons_in_order_and_episodes_counted_through() -> None:
    """Specials and an episode 0 have no absolute number, and a number given twice is kept once."""
    told = seasons(
        s2=[{"name": "Four", "air_date": "2021-02-30", "runtime": -1}],
        s0=[{"name": "Extra"}],
        s1=[
            {"name": "Two", "episode_number": 2},
            {"name": "Prologue", "episode_number": 0},
            {"name": "One", "episode_number": 1, "air_date": "2020-01-01", "runtime": 24},
            {"name": "Again", "episode_number": 1},
            {"name": "Nowhere", "episode_number": None},
        ],
    )

    found = details(
        answers=(told,), seasons=[{"season_number": 3, "episode_count": 0}, {"season_number": None}]
    ).seasons

    assert [(one.number, [(ep.number, ep.title, ep.absolute) for ep in one.episodes]) for one in found] == [
        (0, [(1, "Extra", None)]),
        (1, [(0, "Prologue", None), (1, "One", 1), (2, "Two", 2)]),
        (2, [(1, "Four", 3)]),
        (3, []),
    ]
    first = found[1].episodes[1]
    assert (first.air_date, first.runtime) == ("2020-01-01", 24)
    assert (found[2].episodes[0].air_date, found[2].episodes[0].runtime) == (None, None)


def test_a_title_that_is_missing_comes_from_the_next_language() -> None:
    """A placeholder is none, and where no language has more the title stays away."""
    german = seasons(s1=[{"name": "Anfang"}, {"name": "Folge 2"}, {"name": ""}, {"name": "Episode 4"}])
    english = seasons(s1=[{"name": "Start"}, {"name": "Middle"}, {"name": "End"}, {"name": "Episode 4"}])

    (season,) = details("de", answers=(german, english)).seasons

    assert [one.title for one in season.episodes] == ["Anfang", "Middle", "End", None]


def test_season_titles_say_more_than_a_number() -> None:
    """The specials have none: each media server has its own word for them."""
    listed = [
        {"season_number": 0, "name": "Extras"},
        {"season_number": 1, "name": "Staffel 1"},
        {"season_number": 2, "name": "Das Finale"},
        {"season_number": 3, "name": "Season 4"},
    ]

    found = details("de", seasons=listed, answers=({}, {1: wire.Season(name="The Beginning")})).seasons

    assert [one.title for one in found] == [None, "The Beginning", "Das Finale", "Season 4"]


@pytest.mark.parametrize(
    "title",
    [
        "Episode 5",
        "Folge 5",
        "Episodio 5",
        "Épisode 5",
        "5. Bölüm",
        "第5話",
        "第 5 集",
        "エピソード5",
        "Επεισόδιο 5",
    ],
)
def test_placeholders_in_many_languages(title: str) -> None:
    """Only with the episode's own number: another one says something."""
    assert is_episode_number(title, 5)
    assert not is_episode_number(title, 6)


@pytest.mark.parametrize("title", ["Chapter 5", "5", "Five", "Episode 5: The Return", "Episode 55", "", "9" * 5000])
def test_titles_that_are_no_placeholders(title: str) -> None:
    """Whatever says more than that this is the fifth."""
    assert not is_episode_number(title, 5)


def test_generic_seasons() -> None:
    """`Book 2` and `Volume 2` are names."""
    assert is_season_number("Staffel 2", 2)
    assert is_season_number("Series 2", 2)
    assert is_season_number("第 2 季", 2)
    assert not is_season_number("Volume 2", 2)


def test_another_language_is_worth_a_call_for_what_has_aired() -> None:
    """Episodes to come, and those without a date, have no titles anywhere."""
    aired, later = {"air_date": "2020-01-01"}, {"air_date": "2020-01-08"}
    german = seasons(s0=[aired], s1=[aired | {"name": "Anfang"}], s2=[aired | {"name": "Folge 1"}], s3=[later, {}])
    english = seasons(s0=[aired | {"name": "Extra"}])
    on_air = show(last_air_date="2020-01-01")

    assert untitled_seasons(on_air, [german]) == (0, 2)
    assert untitled_seasons(on_air, [german, english]) == (2,)
    assert untitled_seasons(show(last_air_date=None), [german]) == ()


def test_which_languages_tmdb_has() -> None:
    """Those that the entry is translated to, its own, and English always."""
    one = show(original_language="ja", translations=translations(de_DE=("", "")))

    assert [language for language in ("de", "de-AT", "ja", "en-GB", "fr") if is_translated(one, language)] == [
        "de",
        "de-AT",
        "ja",
        "en-GB",
    ]


def test_languages_and_countries() -> None:
    """TMDB keeps nothing for Switzerland."""
    assert [asked_as(one) for one in ("de", "de-CH", "de-AT", "pt-BR")] == ["de", "de", "de-AT", "pt-BR"]
    assert [country(one) for one in ("de", "en", "ja", "pt-BR", "pt")] == ["DE", "US", "JP", "BR", "PT"]


def test_backgrounds_have_no_words_and_landscapes_have() -> None:
    """A backdrop with words is a background only when there is no better one; `xx` says that there are none."""
    backdrops = [picture("/words.jpg", "de"), picture("/none.jpg"), picture("/xx.jpg", "xx", vote_count=9)]

    found = details("de", images={"backdrops": backdrops}, backdrop_path="/none.jpg")

    assert [(one.url[-9:], one.language) for one in of_kind(found, "fanart")] == [
        ("/none.jpg", None),
        ("al/xx.jpg", None),
        ("words.jpg", "de"),
    ]
    assert [one.language for one in of_kind(found, "landscape")] == ["de"]


def test_posters_by_language_choice_and_votes() -> None:
    """A lone vote of 10 does not beat twenty of 8."""
    posters = [
        picture("/en.jpg", "en", vote_average=9.9, vote_count=99),
        picture("/lone.jpg", "de", vote_average=10.0, vote_count=1),
        picture("/many.jpg", "de", vote_average=8.0, vote_count=20),
        picture("/chosen.jpg", "de"),
        picture(None, "de"),
        picture("/../secret", "de"),
    ]

    found = of_kind(details("de", images={"posters": posters}, poster_path="/chosen.jpg"), "poster")

    assert [one.url.rpartition("/")[2] for one in found] == ["chosen.jpg", "many.jpg", "lone.jpg", "en.jpg"]
    assert found[0].url == "https://pictures.example/t/p/original/chosen.jpg"
    assert (found[0].width, found[0].height) == (2000, 1000)


def test_the_chosen_picture_counts_even_when_the_list_lacks_it() -> None:
    """The list holds the languages asked for only."""
    found = details(poster_path="/own.jpg", backdrop_path="/back.jpg", images={"posters": None})

    assert [(one.kind, one.url.rpartition("/")[2]) for one in found.artwork] == [
        ("poster", "own.jpg"),
        ("fanart", "back.jpg"),
    ]


def test_logos_may_be_drawings() -> None:
    """What becomes of an `.svg` is decided where pictures are taken in."""
    found = of_kind(details(images={"logos": [picture("/logo.svg", "en", width=None, height=0.0)]}), "logo")

    assert [(one.url, one.width, one.height) for one in found] == [
        ("https://pictures.example/t/p/original/logo.svg", None, None)
    ]


def test_each_season_has_a_poster() -> None:
    """That of the list and that of the answer, which may be another language's."""
    listed = [{"season_number": 0, "poster_path": "/s0.jpg"}, {"season_number": 1, "poster_path": None}]

    found = of_kind(details(seasons=listed, answers=({1: wire.Season(poster_path="/s1.jpg")},)), "poster")

    assert [(one.season, one.url.rpartition("/")[2]) for one in found] == [(0, "s0.jpg"), (1, "s1.jpg")]


def test_a_candidate_holds_what_matching_needs() -> None:
    """Names, year, and the id that it was found by."""
    hit = wire.Summary(id=7, name="Der Titel", original_name="原題", first_air_date="2013-04-07", poster_path="/p.jpg")

    assert to_candidate(hit, PICTURES, CatalogueIds(tvdb=5)) == Candidate(
        catalogue="tmdb",
        catalogue_id="7",
        url="https://www.themoviedb.org/tv/7",
        titles=("Der Titel", "原題"),
        year=2013,
        ids=CatalogueIds(tmdb=7, tvdb=5),
        poster_url="https://pictures.example/t/p/w342/p.jpg",
    )
    assert to_candidate(wire.Summary(id=7, first_air_date=""), PICTURES).titles == ("TMDB 7",)


def test_seasons_are_read_by_the_names_that_were_asked_for() -> None:
    """Those that do not exist are left out of the answer, or null."""
    shape = wire.with_seasons(wire.Read, (0, 2019, 2020))

    answer = msgspec.json.decode(b'{"id":7,"season/2019":{"name":"A"},"season/2020":null,"season/3":{}}', type=shape)

    assert wire.appended_seasons(answer) == {2019: wire.Season(name="A")}


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (401, 7, "invalid", "bad_token"),
        (401, 3, "invalid", "bad_token"),
        (401, 99, "invalid", "bad_token"),
        (403, 10, "invalid", "bad_token"),
        (404, 34, "not_found", "not_found"),
        (404, 6, "not_found", "not_found"),
        (400, 22, "invalid", "refused"),
        (422, 20, "invalid", "refused"),
    ],
)
def test_what_tmdbs_errors_mean(status: int, code: int, kind: str, ours: str) -> None:
    """Its own words are passed on."""
    body = msgspec.json.encode({"status_code": code, "status_message": "Made\nup.", "success": False})

    failure = explain(status, body)

    assert isinstance(failure, LoadFailure)
    assert (failure.error.kind, failure.error.code) == (kind, ours)
    assert "(Made up)" in failure.error.message
    assert ("COLDOPEN_TMDB_TOKEN" in failure.error.message) is (ours == "bad_token")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b'{"status_code":25,"status_message":"Too many."}'),
        (503, b'{"status_code":9,"status_message":"Offline."}'),
        (401, b"<html>"),
        (404, b""),
        (404, b'{"status_code":"34"}'),
        (404, b"[" * 100_000),
    ],
)
def test_the_status_says_more_than_some_bodies(status: int, body: bytes) -> None:
    """What passes is tried again, and a proxy's page is not TMDB's word."""
    assert explain(status, body) is None


def test_the_token_goes_into_the_header() -> None:
    """The short key does not: it would stand in every address."""
    assert authorization(TOKEN) == {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("token", ["0123456789abcdef0123456789ABCDEF", f"Bearer {TOKEN}", "täglich", "a\nb", ""])
def test_what_can_be_no_token_is_refused_without_showing_it(token: str) -> None:
    """With the page on which the right one is found."""
    with pytest.raises(ValueError, match=r"COLDOPEN_TMDB_TOKEN .*https://www\.themoviedb\.org/settings/api") as refused:
        authorization(token)

    assert not token or token not in str(refused.value)
