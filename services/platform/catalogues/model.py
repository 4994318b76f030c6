"""What a catalogue can tell, whichever it is: the protocol that its adapter implements and the shapes it answers with.

An adapter is one file: msgspec Structs of what is read, pure mapping functions, thin I/O through `upstream_http`.
"""

from typing import Protocol

import msgspec

from contracts.events import ArtworkCandidate, Canonical, CatalogueIds, Season


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A hit: enough to decide whether it is the series meant. `titles` holds the name first, then aliases.

    `url` is the entry's page, for people: a link that Coldopen can be given to add the series.
    """

    catalogue: str
    catalogue_id: str
    url: str
    titles: tuple[str, ...]
    year: int | None = None
    ids: CatalogueIds = CatalogueIds()
    poster_url: str | None = None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A cast member, in billing order."""

    name: str
    role: str | None = None
    thumb_url: str | None = None


class SeriesDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that one details call of a catalogue tells, shared by the parts.

    Dates are yyyy-MM-dd, `runtime` minutes, `rating` 0 to 10. `status` is in Jellyfin's words: Continuing, Ended,
    Unreleased. `plot` is plain text. Titles and plot are in the best of the languages wished for that has any;
    `original_name` is the one at home, `aliases` holds all others, the romanised among them. `artwork` is sorted best
    first within each kind, at most 50 a kind.
    """

    catalogue: str
    catalogue_id: str
    url: str  # the entry's page, for people and for credit
    ids: CatalogueIds
    name: str
    original_name: str | None = None
    aliases: tuple[str, ...] = ()
    year: int | None = None
    premiered: str | None = None
    ended: str | None = None
    status: str | None = None
    plot: str = ""
    genres: tuple[str, ...] = ()
    studios: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    certification: str | None = None
    runtime: int | None = None
    rating: float | None = None
    votes: int | None = None
    actors: tuple[Actor, ...] = ()
    seasons: tuple[Season, ...] = ()
    artwork: tuple[ArtworkCandidate, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the page that a series was added from says about it."""

    titles: tuple[str, ...]
    year: int | None = None
    ids: CatalogueIds = CatalogueIds()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which series is meant: ids that settle it, titles and year that may, and the page that it was added from.

    `entry` is the catalogue's entry (its name, its id) that the series was identified as already: it stays that one.
    """

    entry: tuple[str, str] | None = None
    ids: CatalogueIds = CatalogueIds()
    titles: tuple[str, ...] = ()
    year: int | None = None
    page: Canonical | None = None


class Catalogue(Protocol):
    """One upstream catalogue. Every method raises `LoadFailure` (services/platform/failures.py) and nothing else."""

    name: str

    async def search(self, title: str) -> list[Candidate]:
        """Candidates for a title, best first; empty when there is none."""

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        """The entry that has one of these ids, or None; a catalogue tries the ids that it knows, its own first.

        What its own id leads to bears all the names and ids that the entry has, for the call that `details` makes too.
        """

    async def details(self, catalogue_id: str) -> SeriesDetails:
        """Everything about one entry, in as few calls upstream as it takes."""


class Site(Catalogue, Protocol):
    """A site that series are added from, and a catalogue of last resort."""

    async def page(self, slug: str) -> Page:
        """What the page of a series says. Raises LoadFailure (not_found where there is none)."""

    async def candidate(self, slug: str) -> Candidate:
        """The page as an entry, for a series that no other catalogue knows. Raises LoadFailure."""
