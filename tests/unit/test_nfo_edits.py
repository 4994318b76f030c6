"""In a file that a person or a media server has changed, their words stay; what is missing or moves with time comes."""

import json

import pytest
from lxml import etree
from msgspec.structs import replace

from contracts.events import CatalogueIds, Season
from services.nfo.domain import merge_tvshow, render_tvshow
from services.nfo.tvshow import fallback_plot
from services.platform.catalogues.model import Actor, SeriesDetails
from tests.support.nfo_details import DETAILS

OURS = render_tvshow(DETAILS)
NEWER = replace(
    DETAILS,
    name="New title",
    original_name="New original",
    plot="New plot.",
    premiered="2011-04-18",
    year=2012,
    runtime=61,
    certification="16",
    genres=("New genre",),
    studios=("New studio",),
    countries=("New country",),
)


def parse(data: bytes) -> "etree._Element":
    return etree.fromstring(data)


def all_of(data: bytes, tag: str) -> list[str | None]:
    return [one.text for one in parse(data).findall(tag)]


def edited(old: str, new: str) -> bytes:
    """Our file after somebody changed `old` to `new`."""
    assert old in OURS.decode()
    return OURS.decode().replace(old, new).encode()


@pytest.mark.parametrize(
    "tag",
    ["title", "originaltitle", "plot", "premiered", "year", "runtime", "mpaa", "genre", "studio", "country"],
)
def test_what_somebody_settled_stays(tag: str) -> None:
    """Edited or merely old: who else has a hand in the file decides; ours alone gets the catalogue's."""
    before = all_of(OURS, tag)

    assert all_of(merge_tvshow(OURS, NEWER, theirs=True).data, tag) == before
    assert all_of(merge_tvshow(OURS, NEWER).data, tag) != before


@pytest.mark.parametrize(
    ("there", "emptied"),
    [
        ("<title>Game of Thrones</title>", "<title/>"),
        ("<plot>Seven noble families fight.</plot>", "<plot> </plot>"),
        ("<plot>Seven noble families fight.</plot>", f"<plot>{fallback_plot(DETAILS)}</plot>"),
        ("<year>2011</year>", "<year>0</year>"),
        ("<runtime>60</runtime>", "<runtime>0</runtime>"),
        ("<mpaa>TV-MA</mpaa>", ""),
        ("<studio>HBO</studio>", "<studio></studio>"),
    ],
)
def test_what_is_missing_is_filled_in(there: str, emptied: str) -> None:
    """Absent, empty, the 0 that means nothing, or our own sentence that there is no plot."""
    merged = merge_tvshow(edited(there, emptied), DETAILS, theirs=True)

    assert merged.changed
    assert there in merged.data.decode()


def test_what_time_changes_is_renewed() -> None:
    """Status, end and our rating; another's rating and the default that it is stay."""
    theirs = edited("<ratings>", '<ratings><rating name="imdb" default="true"><value>9.2</value></rating>')
    later = replace(DETAILS, status="Continuing", ended=None, rating=9.5, votes=101)

    root = parse(merge_tvshow(theirs, later, theirs=True).data)

    assert (root.findtext("status"), root.find("enddate")) == ("Continuing", None)
    assert [(one.get("name"), one.get("default"), one.findtext("value")) for one in root.iter("rating")] == [
        ("imdb", "true", "9.2"),
        ("tvmaze", "false", "9.5"),
    ]


def test_new_ids_seasons_and_actors_come_after_what_is_there() -> None:
    """Nothing that the file says of them is changed or taken out."""
    theirs = edited("<role>Tyrion</role>", "<role>The Imp</role>").replace(b"Specials", b"Extras")
    later = replace(
        DETAILS,
        ids=CatalogueIds(tmdb=1399, tvdb=121361, imdb="tt0944947", tvmaze=82),
        seasons=(Season(number=0, title="Specials"), Season(number=8, title="The End")),
        actors=(
            Actor(name="Sean Bean", role="Ned"),
            Actor(name="Peter Dinklage", role="Tyrion"),
            Actor(name="Emilia Clarke", role="Daenerys"),
        ),
    )

    root = parse(merge_tvshow(theirs, later, theirs=True).data)

    assert [(one.get("type"), one.get("default")) for one in root.iter("uniqueid")] == [
        *(("tvdb", "true"), ("imdb", None), ("tvmaze", None), ("tmdb", None)),
    ]
    assert [one.text for one in root.iter("namedseason")] == ["Extras", "The End"]
    assert [(one.findtext("name"), one.findtext("role")) for one in root.iter("actor")] == [
        *(("Peter Dinklage", "The Imp"), ("Emilia Clarke", "Daenerys"), ("Sean Bean", "Ned")),
    ]
    assert json.loads(root.findtext("episodeguide", ""))["tmdb"] == "1399"


def test_an_id_that_somebody_corrected_stays() -> None:
    """As long as another says that it is the series; the guide's likewise."""
    theirs = edited(">121361<", ">7<").replace(b'"tvdb":"121361"', b'"tvdb":"7"')

    merged = merge_tvshow(theirs, DETAILS, theirs=True)

    assert not merged.changed


def test_a_file_that_somebody_made_another_series_is_left_alone() -> None:
    """Ids are how people tell media servers which series it is: ours must not mix with theirs."""
    theirs = b'<tvshow><title>Other</title><uniqueid type="imdb">tt0000001</uniqueid></tvshow>'
    jellyfins = b"<tvshow><title>Other</title><tvdbid>7</tvdbid></tvshow>"

    assert not merge_tvshow(theirs, DETAILS, theirs=True).changed
    assert not merge_tvshow(jellyfins, DETAILS, theirs=True).changed


def test_one_default_id_even_if_the_file_marks_none_or_two() -> None:
    """The first that it marks, else the best of ours."""
    for ids, default in (
        ('<uniqueid type="anidb">1</uniqueid><uniqueid type="imdb">tt0944947</uniqueid>', "tvdb"),
        ('<uniqueid type="anidb" default="true">1</uniqueid><uniqueid type="x" default="true">2</uniqueid>', "anidb"),
        ('<uniqueid type="mediaelch_fallback" default="true">-1</uniqueid>', "tvdb"),
    ):
        merged = merge_tvshow(f"<tvshow><title>x</title>{ids}</tvshow>".encode(), DETAILS, theirs=True)

        assert [one.get("type") for one in parse(merged.data).findall("uniqueid[@default]")] == [default]


def test_one_actor_may_play_two_roles() -> None:
    """Both stay, whether the catalogue lists one of them or both."""
    two = replace(DETAILS, actors=(Actor(name="Billy West", role="Fry"), Actor(name="Billy West", role="Zoidberg")))
    one = replace(DETAILS, actors=(Actor(name="Billy West", role="Zoidberg"),))

    for details, theirs in ((one, False), (one, True), (two, False), (two, True)):
        root = parse(merge_tvshow(render_tvshow(two), details, theirs=theirs).data)

        assert sorted(actor.findtext("role", "") for actor in root.iter("actor")) == ["Fry", "Zoidberg"]


def test_a_corrected_id_of_the_catalogue_is_no_other_series() -> None:
    """One id differs, another agrees: the owner's additions stay, and the id is put right."""
    corrected: SeriesDetails = replace(DETAILS, ids=CatalogueIds(tvdb=7, imdb="tt0944947", tvmaze=82))
    existing = edited("</tvshow>", "<actor><name>Sean Bean</name></actor></tvshow>")

    root = parse(merge_tvshow(existing, corrected).data)

    assert root.findtext("uniqueid[@type='tvdb']") == "7"
    assert "Sean Bean" in [one.findtext("name") for one in root.iter("actor")]


def test_the_wrong_series_ids_go_wherever_media_servers_read_them() -> None:
    """Jellyfin writes them a second time, and believes the last that it reads."""
    ids = "<tvdbid>7</tvdbid><imdb_id>tt0000001</imdb_id><id>7</id><tmdbid>7</tmdbid><tag>mine</tag></tvshow>"
    wrong = replace(DETAILS, ids=CatalogueIds(tvdb=7, imdb="tt0000001", tvmaze=1))
    existing = render_tvshow(wrong).replace(b"</tvshow>", ids.encode())

    merged = merge_tvshow(existing, DETAILS)

    assert merged.lossy
    root = parse(merged.data)
    assert [tag for tag in ("tvdbid", "imdb_id", "id", "tmdbid") if root.find(tag) is not None] == []
    assert root.findtext("tag") == "mine"
