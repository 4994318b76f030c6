"""aniworld.to's pages, made up here in the shape of the real ones: what they say, and what is no page of theirs."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import CatalogueIds
from services.platform.catalogues.aniworld import to_candidate, to_details, to_page
from services.platform.catalogues.aniworld_pages import (
    EpisodeRow,
    SeriesPage,
    address,
    path_of,
    read_season,
    read_series,
)
from services.platform.failures import LoadFailure

SITE = "https://aniworld.to"
HEAD = """
<div class="series-title">
  <h1 itemprop="name"
      data-alternativeTitles="陰のさくら, Kage no Sakura, KnS, &quot;Shadow Blossom&quot;"><span>Dark Cherry</span></h1>
  <small>(<span itemprop="startDate"><a href="/animes/jahr/2021">2021</a></span> -
  <span itemprop="endDate"><a href="/animes/jahr/2023">2023</a></span>)</small>
  <div data-fsk="16" class="fsk fsk16">Ab: <span>16</span></div>
  <a href="https://www.imdb.com/title/tt7654321" data-imdb="tt7654321" class="imdb-link">IMDB</a>
</div>
"""
NAVIGATION = """
<div class="hosterSiteDirectNav" id="stream">
  <ul><li><span>Staffeln:</span></li>
    <li><a href="/anime/stream/dark-cherry/filme" title="Alle Filme">Filme</a></li>
    <li><a href="/anime/stream/dark-cherry/staffel-1" title="Staffel 1">1</a></li>
    <li><a href="https://aniworld.to/anime/stream/dark-cherry/staffel-2/" title="Staffel 2">2</a></li></ul>
  <ul><li><a href="/anime/stream/dark-cherry/staffel-1/episode-1">1</a></li></ul>
</div>
"""
REST = """
<section class="SeriesSection">
  <div class="backdrop" style="background-image: url('/public/img/back.jpg')"></div></section>
<div class="seriesCoverBox"><img src="/loading.gif" data-src="/public/img/cover/dark-cherry_220x330.png"></div>
<p class="seri_des" data-full-description="Es war &amp; ist.  Ende.">Es war …</p>
<div class="genres"><ul data-main-genre="action">
  <li><a itemprop="genre">Action</a></li><li><a itemprop="genre">Ger</a></li><li><a itemprop="genre">GerSub</a></li>
  <li><a itemprop="genre">EngSub</a></li><li><a itemprop="genre">Drama</a></li></ul></div>
<li itemprop="creator"><span itemprop="name">Studio A</span></li>
<li itemprop="actor"><a><span itemprop="name">Yui O.</span></a></li>
<li itemprop="countryOfOrigin"><span itemprop="name">Japan</span></li>
"""
WHOLE = HEAD + NAVIGATION + REST


def series(html: str = WHOLE) -> SeriesPage:
    return read_series(html.encode(), "dark-cherry")


def season(html: str, number: int = 1) -> tuple[EpisodeRow, ...]:
    return read_season(html.encode(), "dark-cherry", number)


def table(*rows: str, body: str = "season1") -> str:
    return f'<table class="seasonEpisodesList"><tbody id="{body}">{"".join(rows)}</tbody></table>'


def row(number: int | str, german: str = "", original: str = "", *, below: str = "staffel-1/episode-") -> str:
    link = f"/anime/stream/dark-cherry/{below}{number}"
    return (
        f'<tr itemprop="episode" data-episode-season-id="{number}"><td class="season1EpisodeID">'
        f'<meta itemprop="episodeNumber" content="{number}"><a href="{link}">Folge</a></td>'
        f'<td class="seasonEpisodeTitle"><a><strong>{german}</strong> - <span>{original}</span></a></td></tr>'
    )


def failure_of(read: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(LoadFailure) as raised:
        read()
    error = raised.value.error
    return error.kind, error.code, error.message


def test_all_that_a_series_page_says() -> None:
    """Entities are read, language tags are no genres, and by-names in ASCII that identify nothing are dropped."""
    assert series() == SeriesPage(
        title="Dark Cherry",
        alternatives=("陰のさくら", "Kage no Sakura", "Shadow Blossom"),
        begins=2021,
        ends=2023,
        is_running=False,
        imdb="tt7654321",
        plot="Es war & ist. Ende.",
        genres=("Action", "Drama"),
        studios=("Studio A",),
        countries=("Japan",),
        actors=("Yui O.",),
        fsk="16",
        cover="/public/img/cover/dark-cherry_220x330.png",
        backdrop="/public/img/back.jpg",
        seasons=(0, 1, 2),
    )


def test_a_title_is_enough() -> None:
    """All else may be missing; who wants seasons has to ask whether there are any."""
    bare = series('<div class="series-title"><h1><span>Dark Cherry</span></h1></div>')

    assert (bare.title, bare.begins, bare.imdb, bare.seasons) == ("Dark Cherry", None, None, ())
    assert to_page(bare).titles == ("Dark Cherry",)


def test_a_year_may_stand_in_the_link_only() -> None:
    """And `Heute` for the end means that it runs."""
    found = series(HEAD.replace(">2021<", "> <").replace('<a href="/animes/jahr/2023">2023</a>', "Heute"))

    assert (found.begins, found.ends, found.is_running) == (2021, None, True)
    assert to_details(found, {}, "dark-cherry", SITE, german=True).status == "Continuing"


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        ("", "div.series-title"),
        ("<html><h1 class='h2'>Dark Cherry</h1></html>", "div.series-title"),
        ('<div class="series-title"><h1><span> </span></h1></div>', "is empty"),
        (HEAD + NAVIGATION.replace("staffel-2/", "specials"), "'specials'"),
        (HEAD + NAVIGATION.replace("staffel-2", "staffel-99999"), "'staffel-99999'"),
        (HEAD + "<br>" * 30_000, "20,000 elements"),
    ],
)
def test_an_unknown_layout_is_an_error_that_says_what_is_missing(html: str, missing: str) -> None:
    """It is never taken for a series without anything."""
    kind, code, message = failure_of(lambda: series(html))

    assert (kind, code) == ("invalid", "layout_not_recognised")
    assert missing in message


@pytest.mark.parametrize("read", [series, season])
def test_a_page_that_says_that_there_is_none(read: Callable[[str], object]) -> None:
    """The site says so with status 200."""
    alert = '<div class="messageAlert danger">Die gewünschte Seite wurde nicht gefunden.</div>'

    assert failure_of(lambda: read(alert))[0] == "not_found"


def test_a_warning_beside_what_is_there_hides_nothing() -> None:
    """Sites put notices on their pages."""
    alert = '<div class="messageAlert danger">Wartungsarbeiten am Sonntag</div>'

    assert series(alert + WHOLE) == series()


def test_the_page_of_another_series_is_refused() -> None:
    """Its season links tell whose it is; upper case makes no other series."""
    assert failure_of(lambda: read_series(WHOLE.encode(), "light-cherry"))[:2] == ("invalid", "another_page")
    assert series(WHOLE.replace("stream/dark-cherry", "stream/Dark-Cherry")).seasons == (0, 1, 2)


def test_episodes_with_their_titles() -> None:
    """Marks are cut off, empty titles are none, a number given twice counts once, and the order is by number."""
    found = season(
        table(
            row(2, "Zwei [Episode 062]", "Two [OVA 2]"), row(1, "", "One"), row(2, "Wieder", ""), row(3, "[Movie]", "")
        )
    )

    assert found == (
        EpisodeRow(number=1, german=None, original="One"),
        EpisodeRow(number=2, german="Zwei", original="Two"),
        EpisodeRow(number=3, german=None, original=None),
    )


def test_films_have_their_number_in_the_row_only() -> None:
    """Brackets that are part of a title stay."""
    film = row(1, "Der Film [Movie]", "[Rebirth] The Film", below="filme/film-").replace("episodeNumber", "other")

    assert season(table(film, body="season0"), 0) == (
        EpisodeRow(number=1, german="Der Film", original="[Rebirth] The Film"),
    )


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        ("<p>Nothing here</p>", "table.seasonEpisodesList"),
        ('<table class="episodes"><tr class="episode-row"></tr></table>', "table.seasonEpisodesList"),
        ('<table class="seasonEpisodesList"></table>', "tbody"),
        (table('<tr class="episode-row"><td>1</td></tr>'), "tr[itemprop=episode]"),
        (table(row("")), "no number"),
        (table(row("eins")), "'eins'"),
    ],
)
def test_a_season_of_an_unknown_layout_is_an_error(html: str, missing: str) -> None:
    """It is never taken for a season without episodes."""
    kind, code, message = failure_of(lambda: season(html))

    assert (kind, code) == ("invalid", "layout_not_recognised")
    assert missing in message


def test_a_season_without_rows_has_no_episodes_yet() -> None:
    """The table is there, and nothing in it."""
    assert season(table()) == ()


def test_the_rows_of_another_season_are_refused() -> None:
    """A site may answer with its first season when asked for one that it does not have."""
    assert season(table(row(1)), 1)
    assert failure_of(lambda: season(table(row(1)), 2))[:2] == ("invalid", "another_page")
    assert failure_of(lambda: season(table(row(1)), 0))[:2] == ("invalid", "another_page")
    assert failure_of(lambda: season(table(row(1, below="staffel-10/episode-")), 1))[1] == "another_page"


@pytest.mark.parametrize(("german", "title"), [(True, "Eins"), (False, "One")])
def test_details_are_in_german_if_that_is_wished_for(german: bool, title: str) -> None:
    """Each title stands in for the other; films are the specials and not counted."""
    seasons = {
        2: (EpisodeRow(number=1, german=None, original="Three"),),
        0: (EpisodeRow(number=1, german="Film", original=None),),
        1: (EpisodeRow(number=1, german="Eins", original="One"), EpisodeRow(number=2, german="Zwei", original=None)),
    }

    found = to_details(series(), seasons, "dark-cherry", SITE, german=german)

    assert [(one.number, [(each.title, each.absolute) for each in one.episodes]) for one in found.seasons] == [
        (0, [("Film", None)]),
        (1, [(title, 1), ("Zwei", 2)]),
        (2, [("Three", 3)]),
    ]


def test_details_and_candidate_of_a_page() -> None:
    """The name is the site's, other titles are aliases, pictures have full addresses; no date is made up."""
    found = to_details(series(), {}, "dark-cherry", SITE, german=True)
    entry = to_candidate(series(), "dark-cherry", SITE)

    assert (found.catalogue, found.catalogue_id, found.url) == (
        "aniworld",
        "dark-cherry",
        f"{SITE}/anime/stream/dark-cherry",
    )
    assert (found.name, found.aliases[0], found.year) == ("Dark Cherry", "陰のさくら", 2021)
    assert (found.status, found.premiered, found.ended, found.certification) == ("Ended", None, None, "FSK-16")
    assert [(one.kind, one.url) for one in found.artwork] == [
        ("poster", f"{SITE}/public/img/cover/dark-cherry_220x330.png"),
        ("fanart", f"{SITE}/public/img/back.jpg"),
    ]
    assert entry.titles == (found.name, *found.aliases)
    assert (entry.catalogue_id, entry.url, entry.year, entry.ids) == (
        found.catalogue_id, found.url, 2021, CatalogueIds(imdb="tt7654321")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "full"),
    [
        ("/img/a.jpg", "https://aniworld.to/img/a.jpg"),
        ("img/a.jpg", "https://aniworld.to/img/a.jpg"),
        ("https://aniworld.to/img/a.jpg", "https://aniworld.to/img/a.jpg"),
        ("//elsewhere.to/a.jpg", None),
        ("https://elsewhere.to/a.jpg", None),
        ("data:image/png;base64,AAAA", None),
        ("javascript:alert(1)", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_pictures_lie_on_the_site_itself(picture: str, full: str | None) -> None:
    """Whatever else the page names is not offered."""
    assert address(SITE, picture) == full


def test_where_the_pages_lie() -> None:
    """Season 0 is what the site calls its films."""
    assert [path_of("a-b"), path_of("a-b", 0), path_of("a-b", 12)] == [
        "/anime/stream/a-b",
        "/anime/stream/a-b/filme",
        "/anime/stream/a-b/staffel-12",
    ]


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from([HEAD, NAVIGATION, REST, table(row(1)), "<"])).map(lambda parts: "".join(parts).encode())
)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """There is no other error than LoadFailure."""
    for read in (lambda: read_series(body, "dark-cherry"), lambda: read_season(body, "dark-cherry", 1)):
        with suppress(LoadFailure):
            read()
