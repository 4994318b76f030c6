"""The stand-in's aniworld has the real one's markup, and its way of saying that there is nothing."""

import io

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from deploy.standin import aniworld
from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.pictures import Picture, draw
from deploy.standin.wire import Request, Response


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def ask(catalogue: Catalogue, path: str) -> Asked:
    found = aniworld.asked(Request("GET", path, path, [], {}, b""), catalogue)
    assert found is not None
    return found


def page(catalogue: Catalogue, path: str) -> LexborHTMLParser:
    found = ask(catalogue, path).answer
    assert isinstance(found, Response)
    assert (found.status, found.content_type) == (200, "text/html; charset=UTF-8")
    assert dict(found.headers).keys() == {"Set-Cookie"}
    return LexborHTMLParser(found.body)


def texts(html: LexborHTMLParser, selector: str) -> list[str]:
    return [one.text(strip=True) for one in html.css(selector)]


def attributes(html: LexborHTMLParser, selector: str, name: str) -> list[str | None]:
    return [one.attributes.get(name) for one in html.css(selector)]


def test_a_slug_leads_to_the_series_that_the_other_catalogues_have(catalogue: Catalogue) -> None:
    """The page says its names, years, ids, age, genres and seasons."""
    series = catalogue.add("Salt & Starlight", 2020)

    html = page(catalogue, "/anime/stream/salt-and-starlight")

    assert texts(html, "div.series-title h1 > span") == ["Salt & Starlight"]
    assert attributes(html, "h1[data-alternativetitles]", "data-alternativetitles") == [", ".join(series.names[1:])]
    assert texts(html, "span[itemprop=startDate] a") == ["2020"]
    assert attributes(html, "a.imdb-link", "data-imdb") == [series.imdb]
    assert attributes(html, "div.fsk", "data-fsk") == [str(series.age)]
    assert {"Ger", "GerSub", "EngSub"} < set(texts(html, "div.genres li a[itemprop=genre]"))
    links = attributes(html, "div.hosterSiteDirectNav#stream > ul:first-of-type li a[href]", "href")
    assert links[-1] == f"/anime/stream/salt-and-starlight/staffel-{len(series.seasons)}"


def test_plots_are_told_whole_in_an_attribute(catalogue: Catalogue) -> None:
    html = page(catalogue, "/anime/stream/attack-on-titan")

    (whole,) = attributes(html, "p.seri_des", "data-full-description")
    assert whole == catalogue.add("Attack on Titan").german_overview
    assert whole not in texts(html, "p.seri_des")


@pytest.mark.parametrize(("has_ended", "end"), [(True, "2015"), (False, "Heute")])
def test_a_series_that_goes_on_ends_today(catalogue: Catalogue, has_ended: bool, end: str) -> None:
    title = next(
        title
        for title in map("Tale {}".format, range(100))
        if bool((one := catalogue.add(title, 2013)).ended) == has_ended and len(one.seasons) == 3
    )

    html = page(catalogue, f"/anime/stream/{catalogue.add(title).slug}")

    assert texts(html, "span[itemprop=endDate] a") == [end]


def test_a_season_page_has_its_own_episodes(catalogue: Catalogue) -> None:
    """German and original titles, of which the German one may be missing, and the languages."""
    html = page(catalogue, "/anime/stream/attack-on-titan/staffel-1")

    row = "table.seasonEpisodesList tbody[id^=season] tr[itemprop=episode]"
    numbers = attributes(html, f"{row} meta[itemprop=episodeNumber]", "content")
    german = texts(html, f"{row} td.seasonEpisodeTitle strong")
    assert numbers == [str(number) for number in range(1, 13)]
    assert attributes(html, f"{row} td[class$=EpisodeID] a", "href")[2] == (
        "/anime/stream/attack-on-titan/staffel-1/episode-3"
    )
    assert [number for number, title in zip(numbers, german, strict=True) if not title] == ["5", "10"]
    assert "" not in texts(html, f"{row} td.seasonEpisodeTitle span")
    assert len(html.css(f"{row} td.editFunctions img.flag[src]")) == 36


def test_films_are_numbered_by_their_row_alone(catalogue: Catalogue) -> None:
    title = next(title for title in map("Tale {}".format, range(100)) if catalogue.add(title).seed[22] % 2 == 0)

    html = page(catalogue, f"/anime/stream/{catalogue.add(title).slug}/filme")

    assert attributes(html, "tr[itemprop=episode]", "data-episode-season-id") == ["1"]
    assert html.css("meta[itemprop=episodeNumber]") == []
    assert texts(html, "td.seasonEpisodeTitle span") == ["The Film [Movie]"]


@pytest.mark.parametrize("path", ["station-unknown", "attack-on-titan/staffel-99", "station-unknown/filme", "-"])
def test_what_is_not_there_is_a_page_that_says_so(catalogue: Catalogue, path: str) -> None:
    html = page(catalogue, f"/anime/stream/{path}")

    assert len(html.css("div.messageAlert.danger")) == 1
    assert html.css("div.series-title") == []


def test_a_series_comes_into_being_when_its_page_is_asked_for(catalogue: Catalogue) -> None:
    html = page(catalogue, "/anime/stream/the-paper-moon")

    found = catalogue.search("the paper moon")
    assert texts(html, "div.series-title h1 > span") == ["The Paper Moon"]
    assert found is not None
    assert attributes(html, "a.imdb-link", "data-imdb") == [found.imdb]


def test_cover_and_backdrop_have_their_sizes(catalogue: Catalogue) -> None:
    html = page(catalogue, "/anime/stream/one-piece")
    (cover,) = attributes(html, "div.seriesCoverBox > img", "data-src")
    (style,) = attributes(html, "section.SeriesSection div.backdrop", "style")
    assert cover is not None
    assert style is not None

    asked = [ask(catalogue, path) for path in (cover, style.partition("(")[2].rstrip(")"))]

    assert [one.kind for one in asked] == ["poster", "fanart"]
    sizes = [Image.open(io.BytesIO(draw(one.answer))).size for one in asked if isinstance(one.answer, Picture)]
    assert sizes == [(220, 330), (1280, 720)]


def test_a_new_layout_has_nothing_of_the_old_one(catalogue: Catalogue) -> None:
    right = ask(catalogue, "/anime/stream/one-piece").answer
    assert isinstance(right, Response)

    html = LexborHTMLParser(aniworld.new_layout(right).body)

    assert html.css("div.series-title, table.seasonEpisodesList, div.messageAlert") == []
    assert len(html.css("tr.episode-row")) == 1
