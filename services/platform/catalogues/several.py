"""Several catalogues as one: in order, the next when one does not know the series or is down.

What identifies a series, the surest first: ids that a person gave or the link carries, ids of the page that it was
added from, its title and aliases with its year. A wrong accept is worse than none.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec.structs import replace

from contracts.events import Canonical, CatalogueIds
from contracts.state import SeriesState
from services.platform.catalogues.matching import (
    NoMatch,
    choose,
    contradicts,
    in_one_line,
    merged_ids,
    near,
    normalise,
)
from services.platform.catalogues.model import Candidate, Catalogue, Page, SeriesDetails, Site, Wanted
from services.platform.failures import LoadFailure

log = structlog.get_logger()

# Entries whose further names are looked at when no search hit bears the title itself: each costs a call.
_LOOKED_INTO = 3
_SHOWN = 10


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
        return await _Search(self._catalogues, self._sites, wanted).run()

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
            fits = year is None or one.year is None or abs(one.year - year) <= 1
            return not fits, wished not in map(normalise, one.titles)

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


class _Search:
    """One search for one series: what is known of it so far, what was seen, and what could not be asked."""

    def __init__(self, catalogues: Sequence[Catalogue], sites: Mapping[str, Site], wanted: Wanted) -> None:
        self._catalogues = catalogues
        self._site = sites.get(wanted.page.site) if wanted.page else None
        self._wanted = wanted
        self._seen: list[Candidate] = []
        self._down: LoadFailure | None = None
        self._page_down: LoadFailure | None = None

    async def run(self) -> Candidate:
        # The page is read when it is needed: before the titles where these alone prove little, after them where they
        # led nowhere. Without titles only ids count: a person gave them to settle it.
        wanted = self._wanted
        found = await self._by_ids(wanted.ids)
        if found is None and wanted.titles and wanted.year is None:
            found = await self._by_page()
        if found is None:
            found = await self._by_titles()
        if found is None and wanted.titles and self._wanted.page is not None:
            found = await self._by_page() or await self._by_titles()
        if found is None and wanted.titles and self._down is None:
            found = await self._last_resort(wanted.page)
        if found is None:
            raise self._down or self._page_down or _not_found(wanted, self._seen)
        return found

    async def _by_ids(self, ids: CatalogueIds) -> Candidate | None:
        if ids == CatalogueIds():
            return None
        for place, catalogue in enumerate(self._catalogues):
            try:
                found = await catalogue.find(ids)
            except LoadFailure as failure:
                self._down = self._down or failure
            else:
                if found is not None:
                    return await self._in_a_better_one(place, found)
        return None

    async def _in_a_better_one(self, place: int, found: Candidate) -> Candidate:
        """The same entry in a catalogue that comes before, if that has it under an id that this one knows."""
        for better in self._catalogues[:place]:
            try:
                same = await better.find(found.ids)
            except LoadFailure as failure:
                log.info("catalogue_passed_over", catalogue=better.name, why=str(failure))
                continue
            if same is not None and not contradicts(same.ids, found.ids):
                return replace(same, ids=merged_ids(same.ids, found.ids))
        return found

    async def _by_titles(self) -> Candidate | None:
        for place, catalogue in enumerate(self._catalogues):
            try:
                for title in self._wanted.titles:
                    found = await self._choose(catalogue, await catalogue.search(title))
                    if found is not None:
                        return await self._in_a_better_one(place, found)
            except LoadFailure as failure:
                self._down = self._down or failure
        return None

    async def _choose(self, catalogue: Catalogue, hits: list[Candidate]) -> Candidate | None:
        wanted = self._wanted
        choice = choose(hits, wanted.titles, wanted.year)
        if isinstance(choice, NoMatch):
            self._seen += choice.candidates
            likely = near(hits, wanted.year)
            # Of more hits than are looked into, another one could bear the name too: then the year must speak as well.
            if choice.is_ambiguous or (wanted.year is None and len(likely) > _LOOKED_INTO):
                return None
            choice = choose(await _with_all_names(catalogue, likely[:_LOOKED_INTO]), wanted.titles, wanted.year)
        if isinstance(choice, NoMatch):
            return None
        found = choice.candidate
        if wanted.ids != CatalogueIds():
            # There are ids that no catalogue could find: what the title led to must not be another series.
            known = (await catalogue.details(found.catalogue_id)).ids
            if contradicts(known, wanted.ids):
                return None
        return found

    async def _by_page(self) -> Candidate | None:
        """Who has an id that the page tells; what else it says is known from here on. It is read once."""
        page, self._wanted = self._wanted.page, replace(self._wanted, page=None)
        if page is None or self._site is None:
            return None
        try:
            said = await self._site.page(page.id)
        except LoadFailure as failure:
            self._page_down = failure
            return None
        self._wanted = replace(
            self._wanted,
            ids=merged_ids(self._wanted.ids, said.ids),
            titles=tuple(dict.fromkeys((*self._wanted.titles, *said.titles))),
            year=said.year if self._wanted.year is None else self._wanted.year,
        )
        return await self._by_ids(said.ids)

    async def _last_resort(self, page: Canonical | None) -> Candidate | None:
        """The page itself as the entry, now that every catalogue was asked and none knows the series."""
        if page is None or self._site is None or self._page_down is not None:
            return None
        return await self._site.candidate(page.id)


def _not_found(wanted: Wanted, seen: Sequence[Candidate]) -> LoadFailure:
    year = f" ({wanted.year})" if wanted.year else ""
    what = f"{wanted.titles[0]!r}{year}" if wanted.titles else "the ids given"
    lines = tuple(dict.fromkeys(in_one_line(one) for one in seen))[:_SHOWN]
    hint = f"; there is {', '.join(lines)}" if lines else ""
    return LoadFailure(
        "not_found",
        "no_match",
        f"no catalogue knows {what}{hint}. Say which it is: coldopen identify, or refresh its part identity with an "
        "id, such as tmdb_id.",
        candidates=lines,
    )


async def _with_all_names(catalogue: Catalogue, hits: Sequence[Candidate]) -> list[Candidate]:
    """The hits with all the names that their entries have: a search does not tell these."""
    entries = [await catalogue.details(one.catalogue_id) for one in hits]
    return [
        replace(one, titles=tuple(filter(None, (*one.titles, entry.name, entry.original_name, *entry.aliases))))
        for one, entry in zip(hits, entries, strict=True)
    ]
