"""Several catalogues as one: in order, the next when one does not know the series or is down."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from contracts.state import SeriesState
from services.platform.catalogues.identifying import Search
from services.platform.catalogues.matching import near, normalise
from services.platform.catalogues.model import Candidate, Catalogue, Page, SeriesDetails, Site, Wanted
from services.platform.failures import LoadFailure


class Lookup(msgspec.Struct, frozen=True):
    """What a search found, best first, and what it could not ask: the failures by catalogue."""

    candidates: tuple[Candidate, ...]
    failures: tuple[tuple[str, LoadFailure], ...]


class Catalogues:
    """The catalogues, best first, and the sites that series are added from, by the name that links give them."""

    def __init__(self, catalogues: Sequence[Catalogue], sites: Mapping[str, Site] | None = None) -> None:
        self._catalogues = list(catalogues)
        self._sites = sites or {}
        self._by_name: dict[str, Catalogue] = {one.name: one for one in [*catalogues, *self._sites.values()]}

    async def identify(self, wanted: Wanted) -> Candidate:
        """The one entry that `wanted` means. Raises LoadFailure.

        A catalogue that is down leaves the answer open: unless another one knows, its failure is raised, and not
        "not found".
        """
        site = self._sites.get(wanted.page.site) if wanted.page else None
        return await Search(self._catalogues, site, wanted).run()

    async def page(self, site: str, slug: str) -> Page | None:
        """What the page of a known site says; None for a site whose pages are not read. Raises LoadFailure."""
        return await self._sites[site].page(slug) if site in self._sites else None

    async def lookup(self, title: str, year: int | None) -> Lookup:
        """What every catalogue finds for a title, equal ones first, then in the catalogues' own order."""
        answers = await asyncio.gather(*(_search(one, title) for one in self._catalogues))
        found = [candidate for hits in answers if not isinstance(hits, LoadFailure) for candidate in hits]
        failures = tuple(
            (one.name, hits)
            for one, hits in zip(self._catalogues, answers, strict=True)
            if isinstance(hits, LoadFailure)
        )
        wished = normalise(title)

        def order(one: Candidate) -> tuple[bool, bool]:
            return not near([one], year), wished not in map(normalise, one.titles)

        return Lookup(tuple(sorted(found, key=order)), failures)

    async def details(self, catalogue: str, catalogue_id: str) -> SeriesDetails:
        """Everything about one entry. Raises LoadFailure, also for a catalogue that is not set up here."""
        if catalogue not in self._by_name:
            raise LoadFailure(
                "invalid",
                "unknown_catalogue",
                f"the series was identified in {catalogue!r}, which is not set up here. Identify it anew: "
                "refresh its part identity.",
            )
        return await self._by_name[catalogue].details(catalogue_id)

    async def details_of(self, state: SeriesState) -> SeriesDetails:
        """Everything about the entry that the series was identified as."""
        return await self.details(state.catalogue or "", state.catalogue_id or "")


async def _search(catalogue: Catalogue, title: str) -> list[Candidate] | LoadFailure:
    try:
        return await catalogue.search(title)
    except LoadFailure as failure:
        return failure
