"""The stand-in's aniworld: pages of series and of seasons, with nothing to stream on them.

GET /anime/stream/{slug}[/staffel-{n}|/filme]   GET /public/img/cover/{slug}_220x330.jpg   …/backdrop/{slug}.jpg
"""

import re
from html import escape

from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.controls import PictureKind
from deploy.standin.pictures import SIZES, Picture
from deploy.standin.series import Episode, Series
from deploy.standin.wire import Request, Response

_FILMS = 0  # the season that films make, which the site calls by name
_COVER = (220, 330)
_GENRES = {
    "Adventure": "Abenteuer",
    "Comedy": "Komödie",
    "Slice of Life": "Alltagsdrama",
}
_LANGUAGES = ("Ger", "GerSub", "EngSub")  # stand among the genres there
_FLAGS = ("german", "japanese-german", "japanese-english")


def asked(request: Request, catalogue: Catalogue) -> Asked | None:
    """What is asked for at aniworld; None for a path that it does not have."""
    match request.path.strip("/").split("/"):
        case ["anime", "stream", slug]:
            series = catalogue.by_slug(slug)
            content = _series(series) if series else _NOT_FOUND
            return Asked(kind="page", title=series.title if series else slug, answer=_page(content), error=error)
        case ["anime", "stream", slug, part] if part == "filme" or re.fullmatch(r"staffel-[0-9]{1,4}", part):
            series = catalogue.by_slug(slug)
            season = _FILMS if part == "filme" else int(part.removeprefix("staffel-"))
            content = _season(series, season) if series and season in _seasons(series) else _NOT_FOUND
            return Asked(kind="season_page", title=series.title if series else slug, answer=_page(content), error=error)
        case ["public", "img", "cover", file] if file.endswith("_220x330.jpg"):
            return _picture("poster", catalogue.by_slug(file.removesuffix("_220x330.jpg")), *_COVER)
        case ["public", "img", "backdrop", file] if file.endswith(".jpg"):
            return _picture("fanart", catalogue.by_slug(file.removesuffix(".jpg")), *SIZES["fanart"])
        case _:
            return None


def error(status: int) -> Response:
    """An HTTP error as a page: what the site itself does not find is no error there."""
    return Response(status=status, body=b"<!doctype html><title>Error</title>", content_type="text/html; charset=utf-8")


def new_layout(right: Response) -> Response:
    """The page as it would be if the site changed its markup, as a sister site of it did."""
    body = _document(
        '<h1 class="h2 mb-1 fw-bold">A New Layout</h1><a href="/jahr/2020">2020</a>'
        '<span class="description-text">Everything is elsewhere.</span>'
        '<table><tr class="episode-row"><th class="episode-number-cell">1</th><td>One</td></tr></table>'
    )
    return Response(status=right.status, body=body, content_type=right.content_type, headers=right.headers)


def _picture(kind: PictureKind, series: Series | None, width: int, height: int) -> Asked:
    if series is None:
        return Asked(kind=kind, title=None, answer=error(404), error=error)
    picture = Picture(title=series.title, words=series.title, kind=kind, width=width, height=height)
    return Asked(kind=kind, title=series.title, answer=picture, error=error)


def _page(content: str) -> Response:
    # The cookie is there to be ignored.
    cookie = ("Set-Cookie", "aniworld_session=standin; path=/; HttpOnly")
    return Response(body=_document(content), content_type="text/html; charset=UTF-8", headers=(cookie,))


def _document(content: str) -> bytes:
    text = f'<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"></head><body>\n{content}\n</body></html>\n'
    return text.encode("utf-8", "replace")


_NOT_FOUND = (
    '<div class="messageAlert danger">Die gewünschte Serie wurde nicht gefunden oder ist im Moment deaktiviert.</div>'
)


def _link(series: Series, season: int | None = None) -> str:
    page = f"/anime/stream/{series.slug}"
    if season is None:
        return page
    return f"{page}/filme" if season == _FILMS else f"{page}/staffel-{season}"


def _seasons(series: Series) -> list[int]:
    """The seasons that have a page; only some series have films."""
    return [*([_FILMS] if series.seed[22] % 2 == 0 else []), *series.seasons]


def _series(series: Series) -> str:
    """The page of a series, which has its first season on it."""
    plot = escape(series.german_overview or series.overview)
    return f"""<section class="SeriesSection">
<div class="backdrop" style="background-image: url(/public/img/backdrop/{series.slug}.jpg)"></div>
{_cover(series)}
{_heading(series)}
<p class="seri_des" itemprop="accessibilitySummary" data-description-type="review"
 data-full-description="{plot}">{plot[:40]}...<span class="showMore">mehr anzeigen</span></p>
{_people(series)}
{_genres(series)}
</section>
{_season(series, 1)}"""


def _heading(series: Series) -> str:
    title, others = escape(series.title), escape(", ".join(series.names[1:]))
    ended = series.ended[:4] if series.ended else "Heute"
    return f"""<div class="series-title">
<h1 itemprop="name" title="Animes Stream: {others}" data-alternativetitles="{others}"><span>{title}</span></h1>
<small> (<span itemprop="startDate"><a href="/animes/jahr/{series.year}">{series.year}</a></span>
 - <span itemprop="endDate"><a href="/animes/jahr/{ended}">{ended}</a></span>)</small>
<div title="Empfohlene Altersfreigabe: {series.age} Jahre" data-fsk="{series.age}" class="fsk fsk{series.age}">
Ab: <span>{series.age}</span></div>
<a href="https://www.imdb.com/title/{series.imdb}" title="IMDB ID: " data-imdb="{series.imdb}"
 class="imdb-link" target="_blank" rel="noopener">IMDB</a>
</div>"""


def _cover(series: Series) -> str:
    """Loaded late: the picture's address is in `data-src`."""
    cover = f"/public/img/cover/{series.slug}_220x330.jpg"
    return (
        f'<div class="seriesCoverBox"><img src="data:," data-src="{cover}" alt="{escape(series.title)}, Cover"'
        f' itemprop="image"><noscript><img src="{cover}"></noscript></div>'
    )


def _people(series: Series) -> str:
    def listed(role: str, kind: str, names: list[str]) -> str:
        return "".join(
            f'<li itemprop="{role}" itemscope itemtype="http://schema.org/{kind}">'
            f'<a href="/animes" itemprop="url"><span itemprop="name">{escape(name)}</span></a></li>'
            for name in names
        )

    return (
        f"<ul>{listed('creator', 'Organization', ['Pier Nine'])}</ul>\n"
        f"<ul>{listed('actor', 'Person', [role.person for role in series.cast])}</ul>\n"
        f"<ul>{listed('countryOfOrigin', 'Country', ['Japan'])}</ul>"
    )


def _genres(series: Series) -> str:
    names = sorted([*(_GENRES.get(name, name) for name in series.genres), *_LANGUAGES])
    items = "".join(
        f'<li><a href="/genre/{name.lower()}" class="genreButton clearbutton" itemprop="genre">{name}</a></li>'
        for name in names
    )
    return f'<div class="genres"><ul data-main-genre="{names[0].lower()}">{items}</ul></div>'


def _season(series: Series, season: int) -> str:
    """What the pages of all seasons have: links to all, and the episodes of one."""
    links = "".join(
        f'<li><a href="{_link(series, one)}" title="{"Alle Filme" if one == _FILMS else f"Staffel {one}"}">'
        f"{'Filme' if one == _FILMS else one}</a></li>"
        for one in _seasons(series)
    )
    rows = _film(series) if season == _FILMS else "\n".join(_row(series, one) for one in _of(series, season))
    return f"""<div class="hosterSiteDirectNav" id="stream">
<meta itemprop="numberOfSeasons" content="{len(_seasons(series))}">
<ul><li><span><strong>Staffeln:</strong></span></li>{links}</ul>
</div>
<table class="seasonEpisodesList">
<tbody id="season{season}">
{rows}
</tbody>
</table>"""


def _of(series: Series, season: int) -> list[Episode]:
    return [one for one in series.episodes if one.season == season]


def _row(series: Series, one: Episode) -> str:
    link = f"{_link(series, one.season)}/episode-{one.number}"
    number = f'<meta itemprop="episodeNumber" content="{one.number}">'
    return _line(f"season{one.season}", one.number, link, number, f"Folge {one.number}", one.german_name, one.name)


def _film(series: Series) -> str:
    """The one film; films have no `episodeNumber`, and no title of their own in German."""
    link = f"{_link(series, _FILMS)}/film-1"
    return _line("season0", 1, link, "", "Film 1", series.title, "The Film [Movie]")


def _line(season: str, number: int, link: str, meta: str, label: str, german: str, original: str) -> str:
    flags = " ".join(f'<img class="flag" src="/public/img/{one}.svg" alt="Flagge">' for one in _FLAGS)
    titles = f"<strong>{escape(german)}</strong> - <span>{escape(original)}</span>"
    return f"""<tr class="" data-episode-id="{number}" data-episode-season-id="{number}" itemprop="episode"
 itemscope itemtype="http://schema.org/Episode">
<td class="{season}EpisodeID">{meta}<a itemprop="url" href="{link}"> {label} </a></td>
<td class="seasonEpisodeTitle"><a href="{link}"> {titles} </a></td>
<td class="editFunctions"><a href="{link}"> {flags} </a></td>
</tr>"""
