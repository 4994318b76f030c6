"""What the pages of aniworld.to say. Pure.

A series has one page, each of its seasons another, and its films one more, which counts as the specials. What a page
can't be without must be there: an unknown layout is an error, never an empty list.
"""

import re
from urllib.parse import urljoin, urlsplit

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.platform.catalogues.aniworld_html import attribute, line_of, parse, unrecognised
from services.platform.catalogues.cleaning import clean_line, clean_lines, html_to_text, imdb_id
from services.platform.failures import LoadFailure

SERIES = "/anime/stream"
SPECIALS = 0
MAX_SEASONS = 200
MAX_EPISODES = 5_000
MAX_OTHERS = 50  # alternative titles, actors, genres …

_TITLE = "div.series-title h1 > span"
_NAVIGATION = "div.hosterSiteDirectNav#stream > ul:first-of-type"
_TABLE = "table.seasonEpisodesList"
_BODY = f"{_TABLE} tbody[id^=season]"
_ROW = f"{_BODY} tr[itemprop=episode]"

_PAGE_OF = re.compile(rf"{SERIES}/([^/]+)(?:/(.*))?", re.ASCII)
_SEASON = re.compile(r"staffel-([0-9]{1,4})|filme", re.ASCII)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
_STYLE_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)")
# What the site adds to titles: `[Episode 062]`, `[Movie]`, `[OVA 2]`.
_MARK = re.compile(r"\[(?:episode|folge|film|movie|ona|oad|ova|special)\b[^\]]{0,20}\]", re.IGNORECASE)
# Among the genres, but they say in which languages the series can be watched.
_LANGUAGE_TAGS = frozenset({"ger", "gersub", "gerdub", "eng", "engsub", "engdub", "jap", "japsub"})
_FSK = frozenset({"0", "6", "12", "16", "18"})
_RUNNING = "heute"


class SeriesPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a series. `ends` is the year in which it ended; `seasons` are the numbers of those that have a page.

    Addresses of pictures are as the page gives them: mostly paths on the site.
    """

    title: str
    alternatives: tuple[str, ...]
    begins: int | None
    ends: int | None
    is_running: bool
    imdb: str | None
    plot: str
    genres: tuple[str, ...]
    studios: tuple[str, ...]
    countries: tuple[str, ...]
    actors: tuple[str, ...]
    fsk: str | None
    cover: str
    backdrop: str
    seasons: tuple[int, ...]


class EpisodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a season's table; a film's number is its place among the films."""

    number: int
    german: str | None
    original: str | None


def path_of(slug: str, season: int | None = None) -> str:
    """Where the page of a series, or of one of its seasons, lies on the site."""
    if season is None:
        return f"{SERIES}/{slug}"
    return f"{SERIES}/{slug}/filme" if season == SPECIALS else f"{SERIES}/{slug}/staffel-{season}"


def read_series(body: bytes, slug: str) -> SeriesPage:
    """The page of the series `slug`. Raises LoadFailure: not_found, or invalid for an unknown layout."""
    page = parse(body, _TITLE)
    title = line_of(page.css_first(_TITLE))
    if not title:
        raise unrecognised(f"{_TITLE!r} is empty")
    ends = page.css_first("span[itemprop=endDate]")
    fsk = attribute(page.css_first("div.fsk[data-fsk]"), "data-fsk")
    cover = page.css_first("div.seriesCoverBox img")
    backdrop = _STYLE_URL.search(attribute(page.css_first("section.SeriesSection div.backdrop[style]"), "style"))
    return SeriesPage(
        title=title,
        alternatives=_alternatives(attribute(page.css_first("h1[data-alternativetitles]"), "data-alternativetitles")),
        begins=_year(page.css_first("span[itemprop=startDate]")),
        ends=_year(ends),
        is_running=line_of(ends).casefold() == _RUNNING,
        imdb=imdb_id(attribute(page.css_first("a.imdb-link[data-imdb]"), "data-imdb")),
        plot=html_to_text(attribute(page.css_first("p.seri_des[data-full-description]"), "data-full-description")),
        genres=tuple(
            one
            for one in _texts(page, "div.genres li a[itemprop=genre]")
            if one.casefold().replace(" ", "") not in _LANGUAGE_TAGS
        ),
        studios=_texts(page, "li[itemprop=creator] span[itemprop=name]"),
        countries=_texts(page, "li[itemprop=countryOfOrigin] span[itemprop=name]"),
        actors=_texts(page, "li[itemprop=actor] span[itemprop=name]"),
        fsk=fsk if fsk in _FSK else None,
        cover=attribute(cover, "data-src") or attribute(cover, "src"),
        backdrop=backdrop[1].strip() if backdrop else "",
        seasons=_seasons(page, slug),
    )


def read_season(body: bytes, slug: str, season: int) -> tuple[EpisodeRow, ...]:
    """The episodes of a season in order, each number once. Raises LoadFailure as `read_series` does."""
    page = parse(body, _BODY)
    rows = page.css(_ROW)
    if not rows and page.css_first(f"{_BODY} tr") is not None:
        raise unrecognised(f"{_TABLE!r} has rows, but none is a {_ROW!r}")
    if len(rows) > MAX_EPISODES:
        raise unrecognised(f"the season has {len(rows):,} episodes")
    found: dict[int, EpisodeRow] = {}
    for row in rows:
        _check_link(row, path_of(slug, season))
        one = _episode(row)
        found.setdefault(one.number, one)
    return tuple(found[number] for number in sorted(found))


def address(base: str, picture: str) -> str | None:
    """The full address of a picture of the site at `base`; None for one that lies elsewhere, or is none."""
    if not picture:
        return None
    try:
        url = urljoin(f"{base}/", picture)
        there, here = urlsplit(url), urlsplit(base)
    except ValueError:
        return None
    return url if there.scheme in {"http", "https"} and there.netloc == here.netloc else None


def _seasons(page: LexborHTMLParser, slug: str) -> tuple[int, ...]:
    """The seasons that the navigation links to; none if it is not there, which matters only to who wants them."""
    numbers: set[int] = set()
    for link in page.css(f"{_NAVIGATION} li a[href]"):
        found = _page_of(attribute(link, "href"))
        if found is None:
            continue
        of, rest = found
        if of.casefold() != slug:
            raise _other_series(of, slug)
        season = _SEASON.fullmatch(rest)
        if season is None:
            raise unrecognised(f"among the seasons there is a link to {rest[:100]!r}")
        numbers.add(int(season[1] or SPECIALS))
    if len(numbers) > MAX_SEASONS:
        raise unrecognised(f"the series has {len(numbers):,} seasons")
    return tuple(sorted(numbers))


def _page_of(href: str) -> tuple[str, str] | None:
    """Which series the link belongs to, and where below its page it leads."""
    try:
        found = _PAGE_OF.fullmatch(urlsplit(href).path.rstrip("/"))
    except ValueError:
        return None
    return (found[1], found[2] or "") if found else None


def _check_link(row: LexborNode, path: str) -> None:
    """A season that is asked for and not there must not come out as another one: the rows tell whose they are."""
    href = attribute(row.css_first("td[class$=EpisodeID] a[href]"), "href")
    found = _page_of(href)
    if found is not None and not f"{SERIES}/{found[0].casefold()}/{found[1]}/".startswith(f"{path}/"):
        raise LoadFailure(
            "invalid", "another_page", f"aniworld.to sent the episodes of {href[:200]!r} when it was asked for {path!r}"
        )


def _other_series(found: str, asked: str) -> LoadFailure:
    return LoadFailure(
        "invalid", "another_page", f"aniworld.to sent the page of {found[:200]!r} when it was asked for {asked!r}"
    )


def _episode(row: LexborNode) -> EpisodeRow:
    number = attribute(row.css_first("meta[itemprop=episodeNumber]"), "content") or attribute(
        row, "data-episode-season-id"
    )
    if not _NUMBER.fullmatch(number):
        raise unrecognised(f"an episode has no number (but {number[:20]!r})")
    return EpisodeRow(
        number=int(number),
        german=_unmarked(row.css_first("td.seasonEpisodeTitle strong")),
        original=_unmarked(row.css_first("td.seasonEpisodeTitle span")),
    )


def _unmarked(node: LexborNode | None) -> str | None:
    return clean_line(_MARK.sub(" ", line_of(node))) or None


def _alternatives(text: str) -> tuple[str, ...]:
    """The titles of a list with commas, which may also stand within a title.

    What they cut off must not pass for a title of its own: short pieces in ASCII are dropped, and with them by-names
    such as `OPM`, which identify nothing.
    """
    lines = clean_lines(piece.strip(" \t\n\"'") for piece in text.split(","))
    return tuple(one for one in lines if len(one) > 3 or not one.isascii())[:MAX_OTHERS]


def _year(node: LexborNode | None) -> int | None:
    """The year that the text tells, or the link below it (`/animes/jahr/2018`)."""
    if node is None:
        return None
    linked = attribute(node.css_first("a[href]"), "href").rstrip("/").rpartition("/")[2]
    return next((int(text) for text in (line_of(node), linked) if _YEAR.fullmatch(text)), None)


def _texts(page: LexborHTMLParser, selector: str) -> tuple[str, ...]:
    return clean_lines(map(line_of, page.css(selector)))[:MAX_OTHERS]
