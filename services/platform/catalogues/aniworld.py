"""aniworld.to: what the page behind a link says of its series, and the catalogue of last resort.

Only the public pages of series and seasons are read, one at a time: a series with n seasons costs n + 1 of them. They
say which episodes exist and their German titles, but neither dates nor runtimes. Hosters and videos are left alone.
"""

import re
from collections.abc import Mapping, Sequence

from contracts.events import ArtworkCandidate, ArtworkKind, CatalogueIds, Episode, Season
from services.platform.catalogues.aniworld_html import unrecognised
from services.platform.catalogues.aniworld_pages import (
    SPECIALS,
    EpisodeRow,
    SeriesPage,
    address,
    path_of,
    read_season,
    read_series,
)
from services.platform.catalogues.model import Actor, Candidate, Page, SeriesDetails
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream

NAME = "aniworld"

_SITE = "https://aniworld.to"
_SLUG = re.compile(r"[a-z0-9-]{1,200}", re.ASCII)
_HTML = "text/html"
# The pages say nothing about caching. For as long as the parts of one series need to load they are asked once.
_KEPT = 600.0


class Aniworld:
    """The adapter; implements `Site`. `languages` are those wished for: with German first, titles are in German."""

    name = NAME

    def __init__(self, upstream: Upstream, languages: Sequence[str] = ()) -> None:
        self._upstream = upstream
        self._german = bool(languages) and languages[0].partition("-")[0] == "de"

    async def search(self, title: str) -> list[Candidate]:
        """Nothing: a series comes from here only by its link."""
        return []

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        """None: the site knows no ids but its own slugs."""
        return None

    async def page(self, slug: str) -> Page:
        return to_page(await self._series(slug))

    async def candidate(self, slug: str) -> Candidate:
        return to_candidate(await self._series(slug), slug, self._upstream.base_url)

    async def details(self, catalogue_id: str) -> SeriesDetails:
        page = await self._series(catalogue_id)
        if not page.seasons:
            raise unrecognised("it links to no season")
        seasons = {number: await self._season(catalogue_id, number) for number in page.seasons}
        return to_details(page, seasons, catalogue_id, self._upstream.base_url, german=self._german)

    async def _series(self, slug: str) -> SeriesPage:
        if not _SLUG.fullmatch(slug):
            raise LoadFailure("invalid", "bad_id", f"{slug[:40]!r} is no name of a page on aniworld.to")
        return await self._upstream.get(path_of(slug), lambda body: read_series(body, slug), accept=_HTML, keep=_KEPT)

    async def _season(self, slug: str, season: int) -> tuple[EpisodeRow, ...]:
        try:
            return await self._upstream.get(
                path_of(slug, season), lambda body: read_season(body, slug, season), accept=_HTML, keep=_KEPT
            )
        except LoadFailure as failure:
            if failure.error.kind != "not_found":
                raise
            raise unrecognised(f"it links to season {season}, which is not there") from failure


def to_page(page: SeriesPage) -> Page:
    return Page(titles=_titles(page), year=page.begins, ids=CatalogueIds(imdb=page.imdb))


def to_candidate(page: SeriesPage, slug: str, base_url: str) -> Candidate:
    return Candidate(
        catalogue=NAME,
        catalogue_id=slug,
        url=_SITE + path_of(slug),
        titles=_titles(page),
        year=page.begins,
        ids=CatalogueIds(imdb=page.imdb),
        poster_url=address(base_url, page.cover),
    )


def to_details(
    page: SeriesPage, seasons: Mapping[int, tuple[EpisodeRow, ...]], slug: str, base_url: str, *, german: bool
) -> SeriesDetails:
    """All that the pages say; only the year of the end is known, so there is no date of it."""
    pictures: tuple[tuple[ArtworkKind, str], ...] = (("poster", page.cover), ("fanart", page.backdrop))
    return SeriesDetails(
        catalogue=NAME,
        catalogue_id=slug,
        url=_SITE + path_of(slug),
        ids=CatalogueIds(imdb=page.imdb),
        name=page.title,
        aliases=_titles(page)[1:],
        year=page.begins,
        status="Continuing" if page.is_running else "Ended" if page.ends else None,
        plot=page.plot,
        genres=page.genres,
        studios=page.studios,
        countries=page.countries,
        certification=f"FSK-{page.fsk}" if page.fsk else None,
        actors=tuple(Actor(name=name) for name in page.actors),
        seasons=_seasons(seasons, german=german),
        artwork=tuple(
            ArtworkCandidate(kind=kind, url=url) for kind, picture in pictures if (url := address(base_url, picture))
        ),
    )


def _titles(page: SeriesPage) -> tuple[str, ...]:
    return tuple(dict.fromkeys((page.title, *page.alternatives)))


def _seasons(seasons: Mapping[int, tuple[EpisodeRow, ...]], *, german: bool) -> tuple[Season, ...]:
    """The seasons in order; their episodes are counted through, the films (the specials) are not."""
    absolute = 0
    made: list[Season] = []
    for number in sorted(seasons):
        first = absolute + 1 if number != SPECIALS else None
        episodes = tuple(
            Episode(
                number=row.number,
                title=(row.german or row.original) if german else (row.original or row.german),
                absolute=None if first is None else first + place,
            )
            for place, row in enumerate(seasons[number])
        )
        absolute += len(episodes) if first is not None else 0
        made.append(Season(number=number, episodes=episodes))
    return tuple(made)
