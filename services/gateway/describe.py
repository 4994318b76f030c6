"""What a link's site says about its series when the client gave no name or no year."""

from typing import Protocol

import msgspec

from services.platform.catalogues.several import Catalogues
from services.platform.links import Link


class Described(msgspec.Struct, frozen=True):
    """A name and the year it began, each as far as the site tells it."""

    name: str | None = None
    year: int | None = None


class Describe(Protocol):
    """Asks the site of a link. May raise anything and take any time: its caller goes on without."""

    async def __call__(self, link: Link) -> Described: ...


class DescribeByCatalogue:
    """Asks a catalogue about links of its own pages; of other sites' nothing is known."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._catalogues = catalogues

    async def __call__(self, link: Link) -> Described:
        if link.ids.tvmaze is None:
            return Described()
        details = await self._catalogues.details("tvmaze", str(link.ids.tvmaze))
        return Described(details.name, details.year)
