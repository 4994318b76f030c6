"""TVmaze's traps, one small made-up answer each."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.catalogues.artwork import MAX_PER_KIND
from services.platform.catalogues.cleaning import clean_line, html_to_text, imdb_id, iso_date
from services.platform.catalogues.model import SeriesDetails
from services.platform.catalogues.tvmaze_mapping import picture_url, to_candidate, to_details
from services.platform.catalogues.tvmaze_wire import Show


def show(**fields: Any) -> Show:
    return msgspec.json.decode(msgspec.json.encode({"id": 7, "name": "Made Up"} | fields), type=Show)


def details(**fields: Any) -> SeriesDetails:
    return to_details(show(**fields))


def titles(languages: str, *akas: tuple[str, str | None], language: str = "Japanese") -> tuple[str, str | None, Any]:
    """Name, original name and aliases of a show called Attack on Titan, with these further names by country."""
    listed = [{"name": name, "country": {"code": code} if code else None} for name, code in akas]
    made = show(name="Attack on Titan", language=language, _embedded={"akas": listed})
    found = to_details(made, languages.split(","))
    return found.name, found.original_name, found.aliases


def picture(kind: str | None, number: int, *, main: bool = False, size: tuple[int, int] = (10, 10)) -> dict[str, Any]:
    original = {"url": f"https://static.tvmaze.com/{number}.jpg", "width": size[0], "height": size[1]}
    return {"type": kind, "main": main, "resolutions": {"original": original}}


def test_specials_become_season_0_by_air_date() -> None:
    """They carry a season but no number there; undated ones come last."""
    episodes = [
        {"id": 1, "season": 1, "number": 2, "name": "Two"},
        {"id": 2, "season": 1, "number": None, "name": "Late", "airdate": "2020-05-01"},
        {"id": 3, "season": 2, "number": None, "name": "Undated", "airdate": ""},
        {"id": 4, "season": 1, "number": 1, "name": "One"},
        {"id": 5, "season": 2, "number": None, "name": "Early", "airdate": "2019-01-01"},
        {"id": 6, "season": 2, "number": 1, "name": "Three"},
    ]

    seasons = details(_embedded={"episodeswithspecials": episodes}).seasons

    assert [
        (season.number, [(one.number, one.title, one.absolute) for one in season.episodes]) for season in seasons
    ] == [
        (0, [(1, "Early", None), (2, "Late", None), (3, "Undated", None)]),
        (1, [(1, "One", 1), (2, "Two", 2)]),
        (2, [(1, "Three", 3)]),
    ]


def test_a_number_given_twice_is_kept_once() -> None:
    """A file can be named after a number once only."""
    twice = [
        {"id": 1, "season": 1, "number": 1, "name": "First"},
        {"id": 2, "season": 1, "number": 1, "name": "Again"},
        {"id": 3, "season": 1, "number": 2, "name": "Second"},
    ]

    (season,) = details(_embedded={"episodeswithspecials": twice}).seasons

    assert [(one.title, one.absolute) for one in season.episodes] == [("First", 1), ("Second", 2)]


def test_seasons_have_names_and_may_be_empty() -> None:
    """An announced season has no episodes yet; an empty name is none."""
    seasons = details(_embedded={"seasons": [{"number": 1, "name": ""}, {"number": 2, "name": "Final"}]}).seasons

    assert [(one.number, one.title, one.episodes) for one in seasons] == [(1, None, ()), (2, "Final", ())]


def test_nothing_but_an_id_is_enough() -> None:
    """Every other field may be missing or null."""
    bare = to_details(msgspec.json.decode(b'{"id": 7, "_embedded": {"images": null}}', type=Show))

    assert bare.name == "TVmaze 7"
    assert (bare.year, bare.plot, bare.seasons, bare.artwork, bare.status) == (None, "", (), (), None)


def test_the_average_stands_in_for_a_missing_runtime() -> None:
    """`runtime` may be null where `averageRuntime` is not."""
    assert details(runtime=None, averageRuntime=24).runtime == 24
    assert details(runtime=30, averageRuntime=24).runtime == 30


@pytest.mark.parametrize(
    ("languages", "name"),
    [
        ("de,en", "Angriff der Titanen"),
        ("de-AT", "Kampf der Titanen"),
        ("de-CH", "Angriff der Titanen"),
        ("en,de", "Attack on Titan"),
        ("en-GB,de", "Attack on Titan"),
        ("ko,de", "Angriff der Titanen"),
        ("fr", "Attack on Titan"),
        ("pt-BR,en", "Ataque dos Titãs"),
        ("", "Attack on Titan"),
    ],
)
def test_the_name_is_the_one_of_a_country_where_the_language_is_spoken(languages: str, name: str) -> None:
    """TVmaze's own name is English; another is taken if that country has exactly one."""
    akas = [
        ("Angriff der Titanen", "DE"),
        ("Kampf der Titanen", "AT"),
        ("L'Attaque des Titans", "FR"),
        ("SNK", "FR"),
        ("Shingeki no Kyojin", None),
        ("Ataque dos Titãs", "BR"),
        ("Titan Strike", "CH"),
    ]

    found, original, aliases = titles(languages, *akas)

    assert found == name
    assert original == "Shingeki no Kyojin"
    assert set(aliases) == {"Attack on Titan", *(aka for aka, _ in akas)} - {found, original}


def test_a_name_without_a_country_is_the_original_one() -> None:
    """Unless there are several, of which nobody says which it is, or the show is English, whose title is its name."""
    assert titles("en", ("SnK", None), ("Shingeki no Kyojin", None))[1] is None
    assert titles("en", ("The Titans", None), language="English")[1] is None
    assert titles("de", ("Titanen", "DE"), ("The Titans", None), language="English") == (
        "Titanen",
        "Attack on Titan",
        ("The Titans",),
    )
    assert titles("en", ("Attack on Titan", None)) == ("Attack on Titan", None, ())


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Running", "Continuing"),
        ("To Be Determined", "Continuing"),
        ("Ended", "Ended"),
        ("In Development", "Unreleased"),
        ("Something new", None),
    ],
)
def test_status_is_said_in_jellyfins_words(theirs: str, ours: str | None) -> None:
    """A word that is new to us is not passed on."""
    assert details(status=theirs).status == ours


def test_artwork_is_sorted_and_typed() -> None:
    """The chosen one first, then the largest; a picture without a known type is none of ours."""
    images = [
        picture("poster", 1, size=(680, 1000)),
        picture("poster", 2, size=(2000, 3000)),
        picture("poster", 3, main=True),
        picture("background", 4),
        picture("typography", 5),
        picture("banner", 6),
        picture(None, 7, size=(9000, 9000)),
    ]

    artwork = details(_embedded={"images": images}).artwork

    assert [(one.kind, one.url[-5:-4]) for one in artwork] == [
        ("poster", "2"),
        ("poster", "1"),
        ("poster", "3"),
        ("fanart", "4"),
        ("logo", "5"),
        ("banner", "6"),
    ]


def test_at_most_fifty_of_a_kind() -> None:
    """An event must stay small."""
    images = [picture("poster", number) for number in range(MAX_PER_KIND + 5)]

    assert len(details(_embedded={"images": images}).artwork) == MAX_PER_KIND


def test_the_shows_own_picture_is_a_poster_of_last_resort() -> None:
    """Only when the list holds none."""
    image = {"original": "http://static.tvmaze.com/own.jpg"}

    alone = details(image=image).artwork
    beside = details(image=image, _embedded={"images": [picture("poster", 1)]}).artwork

    assert [one.url for one in alone] == ["https://static.tvmaze.com/own.jpg"]
    assert [one.url for one in beside] == ["https://static.tvmaze.com/1.jpg"]


def test_a_seasons_own_picture_is_its_poster() -> None:
    """The specials can have one too; a season without is not mentioned."""
    seasons = [
        {"number": 0, "image": {"original": "https://static.tvmaze.com/s0.jpg"}},
        {"number": 1, "image": {"medium": "https://static.tvmaze.com/small.jpg"}},
        {"number": 2, "image": {"original": "http://static.tvmaze.com/s2.jpg"}},
        {"number": 3, "image": None},
    ]

    artwork = details(_embedded={"seasons": seasons}).artwork

    assert [(one.kind, one.season, one.url) for one in artwork] == [
        ("poster", 0, "https://static.tvmaze.com/s0.jpg"),
        ("poster", 2, "https://static.tvmaze.com/s2.jpg"),
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("http://static.tvmaze.com/a.jpg", "https://static.tvmaze.com/a.jpg"),
        ("http://127.0.0.1:8080/a.jpg", "http://127.0.0.1:8080/a.jpg"),
        ("http://nottvmaze.com/a.jpg", "http://nottvmaze.com/a.jpg"),
        ("ftp://static.tvmaze.com/a.jpg", None),
        ("/a.jpg", None),
        ("http://[", None),
        ("", None),
        (None, None),
    ],
)
def test_pictures_come_over_https_from_tvmaze_itself(theirs: str | None, ours: str | None) -> None:
    """Older answers say http; a stand-in's addresses stay as they are; what is no address is dropped."""
    assert picture_url(theirs) == ours


def test_people_channels_and_ids() -> None:
    """Nested things are flattened, and empty ids are none."""
    found = details(
        network={"name": "NHK", "country": {"name": "Japan"}},
        webChannel={"name": "Crunchyroll", "country": None},
        externals={"thetvdb": 267440, "imdb": ""},
        rating={"average": 8.6},
        _embedded={
            "cast": [
                {"person": {"name": "Yuki Kaji", "image": None}, "character": {"name": "Eren"}},
                {"person": {"name": ""}},
            ],
            "akas": [{"name": "Shingeki no Kyojin"}, {"name": "Shingeki no Kyojin"}, {"name": None}],
        },
    )

    assert found.studios == ("NHK", "Crunchyroll")
    assert found.countries == ("Japan",)
    assert (found.ids.tvmaze, found.ids.tvdb, found.ids.imdb) == (7, 267440, None)
    assert found.rating == 8.6
    assert [(actor.name, actor.role) for actor in found.actors] == [("Yuki Kaji", "Eren")]
    assert found.aliases == ("Shingeki no Kyojin",)


def test_a_candidate_holds_what_matching_needs() -> None:
    """Name, year and ids; a name with control characters is cleaned."""
    found = to_candidate(show(name="Made\u0000 \u001fUp\n", premiered="2013-04-07"))

    assert (found.titles, found.year, found.catalogue_id) == (("Made Up",), 2013, "7")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>A <b>bold</b>&amp; tale.</p><p>It<br>goes on.</p>", "A bold& tale.\n\nIt\ngoes on."),
        ("<p>One\n   line.</p>", "One line."),
        ("Before <p>within</p> after", "Before\n\nwithin\n\nafter"),
        ("<ul><li><p>once</p></li><li>twice</li></ul>", "once\n\ntwice"),
        ("<p>Shown.</p><script>alert(1)</script><style>p{}</style>", "Shown."),
        ("plain", "plain"),
        ("<p></p>", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_html_becomes_text(html: str | None, text: str) -> None:
    """Paragraphs are kept apart, white space means nothing, entities are read, scripts dropped, and nothing else."""
    assert html_to_text(html) == text


def test_deeply_nested_html_takes_no_time() -> None:
    """The parser's time grows with the square of the depth: what no plot needs is not parsed."""
    assert html_to_text("<div>" * 1_000_000 + "deep") == ""


@given(st.text())
def test_any_text_can_be_cleaned(text: str) -> None:
    """No control character survives, and cleaning twice changes nothing."""
    line = clean_line(text)

    assert line.isprintable() or all(ord(char) > 0x9F for char in line if not char.isprintable())
    assert clean_line(line) == line
    assert isinstance(html_to_text(text), str)


@pytest.mark.parametrize("text", ["", None, "0000-00-00", "2013-02-30", "2013", "13-01-01", "2013-04-07T00:00"])
def test_what_is_no_day_is_none(text: str | None) -> None:
    """Catalogues send all of these."""
    assert iso_date(text) is None
    assert iso_date("2013-04-07") == "2013-04-07"


def test_an_imdb_id_is_one_of_a_title() -> None:
    """People have ids too, and a catalogue may hold anything there."""
    assert imdb_id("tt0388629") == "tt0388629"
    assert not any(
        map(imdb_id, ("nm0000001", "tt12", "TT0388629", "tt0388629/", "tt\u0663\u0663\u0663\u0663\u0663", "", None))
    )
