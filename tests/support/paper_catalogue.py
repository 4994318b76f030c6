"""A catalogue and a site on paper: a few entries in memory that can be down or slow, for those who only ask them."""

import asyncio
from collections.abc import Mapping

from contracts.events import CatalogueIds
from services.platform.catalogues.matching import normalise
from services.platform.catalogues.model import Candidate, Page, SeriesDetails
from services.platform.failures import LoadFailure


def entry(catalogue: str, number: int, name: str, **more: object) -> SeriesDetails:
    """An entry whose page is one that links are known of, for `tvmaze` and `tmdb`."""
    url = (
        f"https://www.tvmaze.com/shows/{number}" if catalogue == "tvmaze" else f"https://www.themoviedb.org/tv/{number}"
    )
    fields: dict[str, object] = {"ids": CatalogueIds(**{catalogue: number})} | more  # type: ignore[arg-type]
    return SeriesDetails(catalogue=catalogue, catalogue_id=str(number), url=url, name=name, **fields)  # type: ignore[arg-type]


class Paper:
    """A catalogue that searches for words and finds by any id; `failure` is raised instead, after `seconds`."""

    def __init__(self, name: str, *entries: SeriesDetails) -> None:
        self.name = name
        self.failure: LoadFailure | None = None
        self.seconds = 0.0
        self._entries = {one.catalogue_id: one for one in entries}

    async def search(self, title: str) -> list[Candidate]:
        await self._answer()
        return [_candidate(one) for one in self._entries.values() if normalise(title) in normalise(one.name)]

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        await self._answer()
        return next((_candidate(one) for one in self._entries.values() if _share(one.ids, ids)), None)

    async def details(self, catalogue_id: str) -> SeriesDetails:
        await self._answer()
        return self._entries[catalogue_id]

    async def _answer(self) -> None:
        await asyncio.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure


class PaperSite(Paper):
    """A site with pages by their slugs, none of which is an entry of its own."""

    def __init__(self, name: str, pages: Mapping[str, Page]) -> None:
        super().__init__(name)
        self._pages = pages

    async def page(self, slug: str) -> Page:
        await self._answer()
        if slug not in self._pages:
            raise LoadFailure("not_found", "http_404", f"{self.name} has no page {slug}")
        return self._pages[slug]

    async def candidate(self, slug: str) -> Candidate:
        raise LoadFailure("not_found", "no_entry", f"{slug} is no entry of {self.name}")


def _candidate(one: SeriesDetails) -> Candidate:
    return Candidate(
        catalogue=one.catalogue,
        catalogue_id=one.catalogue_id,
        url=one.url,
        titles=(one.name, *one.aliases),
        year=one.year,
        ids=one.ids,
    )


def _share(one: CatalogueIds, other: CatalogueIds) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in CatalogueIds.__struct_fields__)
    return any(mine == theirs is not None for mine, theirs in pairs)
