"""The catalogues that this installation asks, in order, and how they are opened for a process.

Only what all have is here: one catalogue more is one adapter more and one line in `open_catalogues`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contracts.events import CatalogueIds
from contracts.state import SeriesState
from services.platform.catalogues.matching import Match, choose, in_one_line
from services.platform.catalogues.model import Candidate, Catalogue, SeriesDetails
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.response_cache import ResponseCache
from services.platform.streams import CACHE_BUCKET
from services.platform.upstream_http import Upstream

# The processes that call the catalogues' APIs (nfo, episodes, gateway): they share what an address may ask.
_CALLERS = 3


class Catalogues:
    """Several catalogues as one: the next is asked when one does not know the series or is down."""

    def __init__(self, catalogues: Sequence[Catalogue]) -> None:
        self._catalogues = {one.name: one for one in catalogues}

    async def identify(self, ids: CatalogueIds, titles: tuple[str, ...], year: int | None) -> Candidate:
        """The entry with one of `ids`, else the only one whose title and year fit. Raises LoadFailure.

        A catalogue that is down leaves the answer open: then its failure is raised, not "not found".
        """
        down: LoadFailure | None = None
        seen: list[Candidate] = []
        for catalogue in self._catalogues.values():
            try:
                found = await catalogue.find(ids) if ids != CatalogueIds() else None
                if found is not None:
                    return found
                for title in titles:
                    choice = choose(await catalogue.search(title), titles, year)
                    if isinstance(choice, Match):
                        return choice.candidate
                    seen += choice.candidates
            except LoadFailure as failure:
                down = down or failure
        raise down or _not_found(titles, year, seen)

    async def details(self, catalogue: str, catalogue_id: str) -> SeriesDetails:
        """Everything about one entry. Raises LoadFailure, also for a catalogue that is not set up here."""
        if catalogue not in self._catalogues:
            raise LoadFailure(
                "invalid",
                "unknown_catalogue",
                f"the series was identified in {catalogue!r}, which is not set up here. Identify it anew: "
                "refresh its part identity.",
            )
        return await self._catalogues[catalogue].details(catalogue_id)

    async def details_of(self, state: SeriesState) -> SeriesDetails:
        """Everything about the entry that the series was identified as."""
        return await self.details(state.catalogue or "", state.catalogue_id or "")


def _not_found(titles: tuple[str, ...], year: int | None, seen: list[Candidate]) -> LoadFailure:
    what = f"{titles[0]!r}" + (f" ({year})" if year else "") if titles else "the ids given"
    lines = tuple(in_one_line(one) for one in seen[:10])
    hint = f"; there is {', '.join(lines)}" if lines else ""
    return LoadFailure(
        "not_found",
        "no_match",
        f"no catalogue knows {what}{hint}. Say which it is: refresh its part identity with an id, such as tvmaze_id.",
        candidates=lines,
    )


@asynccontextmanager
async def open_catalogues(url: str, rate: float, timeout: float, store: EventStore) -> AsyncIterator[Catalogues]:
    """The catalogues for one process; answers are shared among processes through the cache beside the log."""
    cache = ResponseCache(await store.js.key_value(CACHE_BUCKET))
    upstream = Upstream("TVmaze", url, rate=rate / _CALLERS, timeout=timeout, cache=cache)
    try:
        yield Catalogues([TVmaze(upstream)])
    finally:
        await upstream.aclose()


@asynccontextmanager
async def open_pictures(url: str, timeout: float, hosts: frozenset[str]) -> AsyncIterator[Upstream]:
    """Where pictures are fetched from: the catalogues' own hosts only. They count against no API limit."""
    upstream = Upstream("TVmaze", url, rate=1.0, timeout=timeout, picture_hosts=hosts)
    try:
        yield upstream
    finally:
        await upstream.aclose()
