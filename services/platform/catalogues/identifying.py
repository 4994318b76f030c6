"""One search for one series over several catalogues.

What identifies it, the surest first: ids that a person gave or the link carries, ids of the page that it was added
from, its title and aliases with its year. A wrong accept is worse than none.
"""

from collections.abc import Mapping, Sequence

import structlog
from msgspec.structs import replace

from contracts.events import CatalogueIds
from services.platform.catalogues.matching import (
    Choice,
    Match,
    NoMatch,
    choose,
    contradicts,
    in_one_line,
    merged_ids,
    near,
    resembles,
)
from services.platform.catalogues.model import Candidate, Catalogue, Page, SeriesDetails, Site, Wanted
from services.platform.failures import LoadFailure

log = structlog.get_logger()

# Entries of one catalogue whose further names are looked at when no search hit bears the title itself, and titles that
# it is searched for: each costs a call.
_LOOKED_INTO = 3
_SEARCHED = 4
_SHOWN = 10
_NO_IDS = CatalogueIds()
_PASSES = frozenset({"network", "busy"})


class Search:
    """What is known of the series so far, what was seen, and what could not be asked. `run` once."""

    def __init__(self, catalogues: Sequence[Catalogue], site: Site | None, wanted: Wanted) -> None:
        self._catalogues = catalogues
        self._site = site
        self._slug = wanted.page.id if wanted.page and site else None
        self._ids = wanted.ids
        self._titles = wanted.titles
        self._year = wanted.year
        self._seen: list[Candidate] = []
        self._failures: list[LoadFailure] = []  # of catalogues
        self._page: Page | LoadFailure | None = None  # None: not read yet
        self._is_ambiguous = False  # several bear the title, and the year does not tell them apart

    async def run(self) -> Candidate:
        """The entry. Raises LoadFailure: a catalogue's where its answer is missing, else not_found."""
        found = await self._by_ids(self._ids)
        if found is None and self._titles:  # without titles only ids count: a person gave them to settle it
            found = await self._by_words()
        if found is None:
            raise self._failure()
        return found

    async def _by_words(self) -> Candidate | None:
        """By titles and page. The page is read before the titles where these alone prove little, else after them."""
        found = await self._by_page() if self._year is None else None
        found = found or await self._by_titles()
        known = self._titles, self._year
        found = found or await self._by_page()
        if found is None and (self._titles, self._year) != known:
            found = await self._by_titles()
        return found or await self._last_resort()

    async def _by_ids(self, ids: CatalogueIds) -> Candidate | None:
        """The entry with one of the ids, unless another one of them is of another entry."""
        if ids == _NO_IDS:
            return None
        for place, catalogue in enumerate(self._catalogues):
            try:
                found = await catalogue.find(ids)
            except LoadFailure as failure:
                self._failures.append(failure)
                continue
            if found is not None and self._has_ids(catalogue, found):
                return await self._in_a_better_one(place, found)
        return None

    def _has_ids(self, catalogue: Catalogue, found: Candidate) -> bool:
        """Whether the ids known belong to that entry.

        The entry's own id outweighs those that catalogues have of one another and correct from time to time; but not
        among ids alone, of which a person may have mistyped any.
        """
        own = getattr(self._ids, catalogue.name, None)
        if not contradicts(found.ids, self._ids) or (self._titles and str(own) == found.catalogue_id):
            return True
        self._seen.append(found)
        return False

    async def _in_a_better_one(self, place: int, found: Candidate) -> Candidate:
        """The same entry in a catalogue that comes before, if that has it under an id that this one knows."""
        for better in self._catalogues[:place]:
            try:
                same = await better.find(found.ids)
            except LoadFailure as failure:
                log.info("catalogue_passed_over", catalogue=better.name, why=str(failure))
                continue
            if same is None or contradicts(same.ids, merged_ids(found.ids, self._ids)):
                continue
            if resembles(same, found.titles, found.year):
                return replace(same, ids=merged_ids(same.ids, found.ids))
        return found

    async def _by_titles(self) -> Candidate | None:
        """The entry that titles and year lead to.

        Where the year is not known and one catalogue has several of a title, another one that has only one of these
        proves nothing.
        """
        self._is_ambiguous = False
        for place, catalogue in enumerate(self._catalogues):
            try:
                choice = await self._choose_in(catalogue)
            except LoadFailure as failure:
                self._failures.append(failure)
                continue
            if isinstance(choice, Match):
                return await self._in_a_better_one(place, choice.candidate)
            self._seen += choice.candidates
            self._is_ambiguous |= choice.is_ambiguous
            if choice.is_ambiguous and self._year is None:
                break
        return None

    async def _choose_in(self, catalogue: Catalogue) -> Choice:
        """The choice among all hits so far: a search for one title may leave out what another one was ambiguous for."""
        hits: dict[str, Candidate] = {}
        looked_into: set[str] = set()
        choice: Choice = NoMatch()
        for title in self._titles[:_SEARCHED]:
            for hit in await catalogue.search(title):
                hits.setdefault(hit.catalogue_id, hit)
            choice = self._choose(hits)
            if isinstance(choice, NoMatch) and not choice.is_ambiguous:
                await self._look_into(catalogue, hits, looked_into)
                choice = self._choose(hits)
            if isinstance(choice, Match):
                found = choice.candidate
                return choice if await self._is_no_other(catalogue, found) else NoMatch((found,))
        return choice

    def _choose(self, hits: Mapping[str, Candidate]) -> Choice:
        return choose([*hits.values()], self._titles, self._year)

    async def _look_into(self, catalogue: Catalogue, hits: dict[str, Candidate], looked_into: set[str]) -> None:
        """Give the likely hits all the names that their entries have: a search does not tell these.

        Of more than are looked into, another one could bear the name too: then the year must speak as well.
        """
        likely = near(hits.values(), self._year)
        if len(likely) > _LOOKED_INTO:
            likely = [one for one in likely if one.year is not None and self._year is not None]
        for one in likely:
            if one.catalogue_id in looked_into or len(looked_into) >= _LOOKED_INTO:
                continue
            looked_into.add(one.catalogue_id)
            if entry := await _entry(catalogue, one):
                names = filter(None, (*one.titles, entry.name, entry.original_name, *entry.aliases))
                hits[one.catalogue_id] = replace(one, titles=tuple(names))

    async def _is_no_other(self, catalogue: Catalogue, found: Candidate) -> bool:
        """Whether what a title led to may be the series whose ids are known, though no catalogue could find them."""
        if self._ids == _NO_IDS:
            return True
        entry = await _entry(catalogue, found)
        return entry is not None and not contradicts(entry.ids, self._ids)

    async def _by_page(self) -> Candidate | None:
        """Who has an id that the page tells; what else it says is known from here on. It is read once."""
        if self._site is None or self._slug is None or self._page is not None:
            return None
        try:
            page = self._page = await self._site.page(self._slug)
        except LoadFailure as failure:
            self._page = failure
            return None
        self._titles = tuple(dict.fromkeys((*self._titles, *page.titles)))
        self._year = page.year if self._year is None else self._year
        if contradicts(page.ids, self._ids):  # somebody knows better than the page
            return None
        self._ids = merged_ids(self._ids, page.ids)
        found = await self._by_ids(page.ids)
        if found is None or resembles(found, self._titles, self._year):
            return found
        self._seen.append(found)  # the page has the id of another series
        return None

    async def _last_resort(self) -> Candidate | None:
        """The page itself as the entry, if every catalogue was asked and none knows any such series."""
        if self._failures or self._is_ambiguous or isinstance(self._page, LoadFailure):
            return None
        if self._site is None or self._slug is None:
            return None
        return await self._site.candidate(self._slug)

    def _failure(self) -> LoadFailure:
        """Why there is no entry. What passes comes first: with it the answer may still be found later."""
        page = self._page if isinstance(self._page, LoadFailure) else None
        passing = (one for one in (*self._failures, page) if one is not None and one.error.kind in _PASSES)
        return next(passing, None) or next(iter(self._failures), None) or self._not_found(page)

    def _not_found(self, page: LoadFailure | None) -> LoadFailure:
        year = f" ({self._year})" if self._year else ""
        what = f"{self._titles[0]!r}{year}" if self._titles else "a series with the ids given"
        lines = tuple(dict.fromkeys(in_one_line(one) for one in self._seen))[:_SHOWN]
        hint = f"; there is {', '.join(lines)}" if lines else ""
        unread = f" Its page could not be read: {page}." if page is not None else ""
        return LoadFailure(
            "not_found",
            "no_match",
            f"no catalogue knows {what}{hint}.{unread} Say which it is: coldopen identify, or refresh its part "
            "identity with an id, such as tmdb_id.",
            candidates=lines,
        )


async def _entry(catalogue: Catalogue, hit: Candidate) -> SeriesDetails | None:
    """All about the hit; None if its entry has just gone."""
    try:
        return await catalogue.details(hit.catalogue_id)
    except LoadFailure as failure:
        if failure.error.kind != "not_found":
            raise
        return None
