"""What a link's site says about its series when the client gave no name or no year."""

from typing import Protocol

import msgspec

from contracts.events import CatalogueIds
from services.platform.catalogues.several import Catalogues
from services.platform.links import Link


class Described(msgspec.Struct, frozen=True):
    """A name, the year it began and its ids elsewhere, each as far as the site tells it.

    `ids` are what a catalogue says of the very entry that the link names, `hints` what anybody else's page says: that
    may be the id of another series.
    """

    name: str | None = None
    year: int | None = None
    ids: CatalogueIds = CatalogueIds()
    hints: CatalogueIds = CatalogueIds()


class Describe(Protocol):
    """Asks the site of a link. May raise anything and take any time: its caller goes on without."""

    async def __call__(self, link: Link) -> Described: ...


class DescribeByCatalogue:
    """Asks the catalogue whose page it is, or reads the page; of other sites' nothing is known."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._catalogues = catalogues

    async def __call__(self, link: Link) -> Described:
        for catalogue in ("tvmaze", "tmdb"):
            number = getattr(link.ids, catalogue)
            if number is not None:
                details = await self._catalogues.details(catalogue, str(number))
                return Described(details.name, details.year, details.ids)
        page = await self._catalogues.page(link.canonical.site, link.canonical.id)
        if page is None:
            return Described()
        return Described(page.titles[0] if page.titles else None, page.year, hints=page.ids)
