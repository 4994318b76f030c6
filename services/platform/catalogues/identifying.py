"""One search for one series over several catalogues. A wrong accept is worse than none.

What settles it, in this order:

1. The entry that it was identified as before, while its catalogue has it.
2. Ids that a person gave or the link carries. Where titles are known as well, what an id leads to must resemble them,
   unless it is the catalogue's own id and no other one contradicts. An id that its own catalogue does not have is a
   slip, and settles that nothing is found: what a title leads to would not be what was meant.
3. Its title, where exactly one entry of exactly its year bears it.
4. The page that it was added from: its ids, as under 2, and further titles. It comes after 3, since a site lets few of
   its pages be read, and many series are added at once; and before 5, since there it knows better.
5. Titles, and a year that is at most one off or not known.
6. The page itself, if no catalogue knows the series.
"""

from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from contracts.events import CatalogueIds
from services.platform.catalogues.matching import (
    Choice,
    Match,
    NoMatch,
    choose,
    contradicts,
    ids_of,
    in_one_line,
    in_words,
    merged_ids,
    near,
    resembles,
)
from services.platform.catalogues.model import Candidate, Catalogue, Page, Site, Wanted
from services.platform.failures import LoadFailure

log = structlog.get_logger()

# Entries of one catalogue whose further names are looked at when no search hit bears the title itself, and titles that
# it is searched for: each costs a call.
_LOOKED_INTO = 3
_SEARCHED = 4
_SHOWN = 10
_NO_IDS = CatalogueIds()
_PASSES = frozenset({"network", "busy"})


class _Shelf:
    """One catalogue and what it has said so far: nothing is asked for twice."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._searched: set[str] = set()
        self._hits: dict[str, Candidate] = {}
        self._entries: dict[str, Candidate | None] = {}
        self._looked_into = 0

    async def choose(self, titles: Sequence[str], year: int | None) -> Choice:
        """The choice among all hits so far: a search for one title may leave out what another one was ambiguous for."""
        choice: Choice = NoMatch()
        for title in titles[:_SEARCHED]:
            await self._search(title)
            choice = choose([*self._hits.values()], titles, year)
            if isinstance(choice, NoMatch) and not choice.is_ambiguous:
                await self._look_into(year)
                choice = choose([*self._hits.values()], titles, year)
            if isinstance(choice, Match):
                break
        return choice

    async def entry(self, hit: Candidate) -> Candidate | None:
        """The hit with all the names and ids that its entry has; None if it has just gone."""
        number = hit.catalogue_id
        if number not in self._entries:
            self._entries[number] = await self.catalogue.find(ids_of(self.catalogue.name, number))
        return self._entries[number]

    async def _search(self, title: str) -> None:
        if title not in self._searched:
            for hit in await self.catalogue.search(title):
                self._hits.setdefault(hit.catalogue_id, hit)
            self._searched.add(title)

    async def _look_into(self, year: int | None) -> None:
        """Give the likely hits all the names that their entries have: a search does not tell these.

        Of more than are looked into, another one could bear the name too: then the year must speak as well.
        """
        likely = near(self._hits.values(), year)
        if len(likely) > _LOOKED_INTO:
            likely = [one for one in likely if one.year is not None and year is not None]
        for one in likely:
            if one.catalogue_id in self._entries or self._looked_into >= _LOOKED_INTO:
                continue
            self._looked_into += 1
            if entry := await self.entry(one):
                self._hits[one.catalogue_id] = replace(one, titles=(*one.titles, *entry.titles))


def _unless_held_back(failure: LoadFailure) -> LoadFailure:
    """The failure of one that can't be asked. Raises it if Coldopen itself held the call back: then its turn will come,
    and no other catalogue is to be settled for.
    """
    if failure.held_back:
        raise failure
    return failure


class Search:
    """What is known of the series so far, what was seen, and what could not be asked. `run` once."""

    def __init__(self, catalogues: Sequence[Catalogue], site: Site | None, wanted: Wanted) -> None:
        self._shelves = [_Shelf(one) for one in catalogues]
        self._site = site
        self._slug = wanted.page.id if wanted.page and site else None
        self._entry = wanted.entry
        self._ids = wanted.ids
        self._titles = wanted.titles
        self._year = wanted.year
        self._seen: list[Candidate] = []
        self._unknown: list[str] = []  # ids that their own catalogues don't have, in words
        self._failures: list[LoadFailure] = []  # of catalogues
        self._page: Page | LoadFailure | None = None  # None: not read yet
        self._is_ambiguous = False  # several bear the title, and the year does not tell them apart

    async def run(self) -> Candidate:
        """The entry. Raises LoadFailure: a catalogue's where its answer is missing, else not_found."""
        found = await self._as_before() or await self._by_ids(self._ids)
        # Without titles only ids count: a person gave them to settle it.
        if found is None and self._titles and not self._unknown:
            found = await self._by_words()
        if found is None:
            raise self._failure()
        return found

    async def _as_before(self) -> Candidate | None:
        """The entry that the series is already. Raises its catalogue's failure.

        That one does not answer is no reason to become an entry of another one. Once it has the entry no more, its id
        leads nowhere and is forgotten; the entry of a site, or of a catalogue that is not set up any more, is searched
        for anew.
        """
        for place, shelf in enumerate(self._shelves):
            if self._entry is not None and shelf.catalogue.name == self._entry[0]:
                found = await shelf.catalogue.find(ids_of(*self._entry))
                if found is not None:
                    return await self._in_a_better_one(place, found)
                self._ids = replace(self._ids, **{shelf.catalogue.name: None})
        return None

    async def _by_words(self) -> Candidate | None:
        """By titles and page."""
        found = None
        if self._slug is not None and self._year is not None:
            asked = len(self._failures)
            found = await self._by_titles(for_sure=True)
            away = [one for one in self._failures[asked:] if one.error.kind in _PASSES]
            if len(away) == len(self._shelves):
                return None  # whatever the page says, nobody could be asked for it now
        return found or await self._by_page() or await self._by_titles() or await self._last_resort()

    async def _by_ids(self, ids: CatalogueIds) -> Candidate | None:
        """The entry with one of the ids, unless it is another series."""
        if ids == _NO_IDS:
            return None
        for place, shelf in enumerate(self._shelves):
            try:
                found = await shelf.catalogue.find(ids)
            except LoadFailure as failure:
                self._failures.append(_unless_held_back(failure))
                continue
            if found is None:
                if own := getattr(ids, shelf.catalogue.name, None):
                    self._unknown.append(f"{shelf.catalogue.name} {own}")
                continue
            if self._is_meant(found):
                return await self._in_a_better_one(place, found)
            self._seen.append(found)
        return None

    def _is_meant(self, found: Candidate) -> bool:
        """Whether what an id led to is the series, of which more may be known.

        An entry's own id outweighs those that catalogues have of one another and correct from time to time: with it
        the entry may contradict these, if it resembles the series, and need not resemble it if it does not. Among ids
        alone nothing may contradict, for a person may have mistyped any.
        """
        is_at_one = not contradicts(found.ids, self._ids)
        if not self._titles:
            return is_at_one
        is_its_own = str(getattr(self._ids, found.catalogue, None)) == found.catalogue_id
        if is_at_one and is_its_own:
            return True
        return (is_at_one or is_its_own) and resembles(found, self._titles, self._year)

    async def _in_a_better_one(self, place: int, found: Candidate) -> Candidate:
        """The same entry in a catalogue that comes before, if that has it under an id that is known."""
        known = merged_ids(found.ids, self._ids)
        for better in (shelf.catalogue for shelf in self._shelves[:place]):
            try:
                same = await better.find(known)
            except LoadFailure as failure:
                log.info("catalogue_passed_over", catalogue=better.name, why=str(_unless_held_back(failure)))
                continue
            if same is None or contradicts(same.ids, known):
                continue
            if resembles(same, found.titles, found.year):
                return replace(same, ids=merged_ids(same.ids, found.ids))
        return found

    async def _by_titles(self, *, for_sure: bool = False) -> Candidate | None:
        """The entry that titles and year lead to; `for_sure`: it is the only one, and its year is the very same.

        Where the year is not known and one catalogue has several of a title, another one that has only one of these
        proves nothing.
        """
        self._is_ambiguous = False
        for place, shelf in enumerate(self._shelves):
            try:
                choice = await self._choose_in(shelf)
            except LoadFailure as failure:
                self._failures.append(_unless_held_back(failure))
                continue
            if isinstance(choice, Match):
                if for_sure and choice.candidate.year != self._year:
                    return None
                return await self._in_a_better_one(place, choice.candidate)
            self._seen += choice.candidates
            self._is_ambiguous |= choice.is_ambiguous
            if choice.is_ambiguous and (for_sure or self._year is None):
                break
        return None

    async def _choose_in(self, shelf: _Shelf) -> Choice:
        """The shelf's choice, unless that is an entry whose ids are not the ones known."""
        choice = await shelf.choose(self._titles, self._year)
        if isinstance(choice, NoMatch) or self._ids == _NO_IDS:
            return choice
        entry = await shelf.entry(choice.candidate)
        is_other = entry is None or contradicts(entry.ids, self._ids)
        return NoMatch((choice.candidate,)) if is_other else choice

    async def _by_page(self) -> Candidate | None:
        """Who has an id that the page tells; what else it says is known from here on. It may as well fail."""
        if self._site is None or self._slug is None:
            return None
        try:
            page = self._page = await self._site.page(self._slug)
        except LoadFailure as failure:
            self._page = _unless_held_back(failure)
            return None
        self._titles = tuple(dict.fromkeys((*self._titles, *page.titles)))
        self._year = page.year if self._year is None else self._year
        if contradicts(page.ids, self._ids):  # somebody knows better than the page
            return None
        self._ids = merged_ids(self._ids, page.ids)
        return await self._by_ids(page.ids)

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
        ids = ", ".join(self._unknown) or in_words(self._ids)
        what = ids if self._unknown or not self._titles else f"{self._titles[0]!r}{year}"
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
