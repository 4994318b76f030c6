"""What a catalogue can tell, whichever it is: the protocol that its adapter implements and the shapes it answers with.

An adapter is one file: msgspec Structs of what is read, pure mapping functions, thin I/O through `upstream_http`.
"""

from typing import Protocol

import msgspec

from contracts.events import ArtworkCandidate, CatalogueIds, Season


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A search hit: enough to decide whether it is the series meant. `titles` holds the name first, then aliases."""

    catalogue: str
    catalogue_id: str
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
    Unreleased. `plot` is plain text. `artwork` is sorted best first within each kind, at most 50 a kind.
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


class Catalogue(Protocol):
    """One upstream catalogue. Every method raises `LoadFailure` (services/platform/failures.py) and nothing else."""

    name: str

    async def search(self, title: str) -> list[Candidate]:
        """Candidates for a title, best first; empty when there is none."""

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        """The entry that has one of these ids, or None; a catalogue tries the ids that it knows, its own first."""

    async def details(self, catalogue_id: str) -> SeriesDetails:
        """Everything about one entry, in one call upstream."""
