"""Every event that Coldopen records, in one tagged union.

An event is a fact about one series. Its wire form is JSON; `type` holds a literal, versioned tag (`series-added.v1`)
whose meaning never changes once published. A structural change gets a new tag and an upcast in `retired.py`; a new
field is optional and has a default. Times live in the envelope (`RecordedEvent.time`), order is `position`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec


class Part(StrEnum):
    """What loads on its own and can be retried on its own."""

    IDENTITY = "identity"
    EPISODES = "episodes"
    NFO = "nfo"
    LOGO = "logo"
    IMAGES = "images"


# What a person can want; identity is always wanted. The order is the one in which loading_status names them.
CONTENT_PARTS = (Part.EPISODES, Part.NFO, Part.LOGO, Part.IMAGES)

ErrorKind: TypeAlias = Literal["network", "busy", "not_found", "filesystem", "invalid", "crash"]
RequestReason: TypeAlias = Literal["retry", "refresh", "startup", "missing_file"]
Origin: TypeAlias = Literal["api", "import", "bulk"]
ArtworkKind: TypeAlias = Literal["poster", "fanart", "logo", "banner", "landscape"]
FileState: TypeAlias = Literal["written", "updated", "existing"]


# Here and below `gc=False`: what is made once, of values only, is part of no cycle, and the collector would spend its
# time on a log's worth of it.
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of an event's body: no tag, no identity."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    """What every event says: the series it is about."""

    key: str


class CausedFact(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Something that followed from the start at position `cause`; `attempt` counts from 1 within a cause."""

    cause: int
    attempt: int


class PartFact(CausedFact, frozen=True, kw_only=True, omit_defaults=True):
    """A caused event that any part can have; the others tell their part by their type."""

    part: Part


class Canonical(Value, frozen=True, kw_only=True):
    """Which page of which site the series was added from: two links of one page are one series."""

    site: str
    id: str


class CatalogueIds(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The series' ids in the catalogues; `imdb` looks like `tt0388629`."""

    tmdb: int | None = None
    tvdb: int | None = None
    imdb: str | None = None
    tvmaze: int | None = None


class ArtworkCandidate(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A picture that the catalogue offers, best first within its kind; sizes in pixels.

    `language` is ISO 639-1, None for a picture without words or of unknown language. A season's poster names its
    `season` (0: the specials).
    """

    kind: ArtworkKind
    url: str
    width: int | None = None
    height: int | None = None
    language: str | None = None
    season: int | None = None


class Episode(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One episode in the catalogue's numbering; `air_date` is yyyy-MM-dd, `runtime` in minutes."""

    number: int
    title: str | None = None
    air_date: str | None = None
    runtime: int | None = None
    absolute: int | None = None
    on_disk: bool = False


class Season(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One season; 0 holds the specials."""

    number: int
    title: str | None = None
    episodes: tuple[Episode, ...] = ()


class FileRecord(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A file in the library: `path` is relative to its root, `sha256` in hex, `bytes` its size.

    `state` says whose it is: *written* by us, *updated* by us (it was there before), or *existing* and left alone.
    """

    path: str
    sha256: str
    bytes: int
    state: FileState
    width: int | None = None
    height: int | None = None


class LoadError(Value, frozen=True, kw_only=True):
    """Why an attempt failed: `kind` decides what happens next, `code` is for programs, `message` for people."""

    kind: ErrorKind
    code: str
    message: str


class SeriesAdded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="series-added.v1"):
    """A person or a program wants this series. Its position is the series' `db_id`; it starts identity."""

    name: str
    site: str
    link: str
    canonical: Canonical
    folder: str  # wished for; SeriesIdentified fixes it
    year: int | None = None
    ids: CatalogueIds = CatalogueIds()
    parts: tuple[Part, ...] = CONTENT_PARTS
    origin: Origin = "api"
    client: str | None = None


class SeriesIdentified(CausedFact, frozen=True, kw_only=True, omit_defaults=True, tag="series-identified.v1"):
    """Which catalogue entry the series is. Starts every wanted part that is not loaded or unavailable yet.

    A later one names in `starts` which parts these are.
    """

    part: ClassVar[Part] = Part.IDENTITY
    catalogue: str
    catalogue_id: str
    name: str
    folder: str  # final: nothing is written anywhere else
    ids: CatalogueIds = CatalogueIds()
    titles: tuple[str, ...] = ()
    year: int | None = None
    artwork: tuple[ArtworkCandidate, ...] = ()  # of the series as a whole
    season_artwork: tuple[ArtworkCandidate, ...] = ()  # posters, each with its season
    reload: bool = False  # another entry: start the loaded parts too, and replace what was written
    starts: tuple[Part, ...] | None = None  # exactly these; None: as above
    status: str | None = None  # Continuing, Ended or Unreleased; None: not known


class PartRequested(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="part-requested.v1"):
    """Load this part again. `ids` (identity only) say which catalogue entry it is."""

    part: Part
    reason: RequestReason
    overwrite: bool = False
    ids: CatalogueIds | None = None
    client: str | None = None


class PartStarted(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-started.v1"):
    """A worker took the part up. `delivery` numbers the takings-up of this cause from 1; `deaths` says how many workers
    died holding this attempt before.
    """

    delivery: int
    deaths: int = 0


class PartReleased(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-released.v1"):
    """The worker stopped in an orderly way and handed the part back: no attempt is used up."""

    delivery: int


class PartRetrying(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-retrying.v1"):
    """The attempt failed; the next comes at `retry_at`, after `delay` seconds.

    `retries` is how many counted retries there were so far, this one included if `counted`; `waited` is the sum of
    the uncounted waits in seconds, this one included if it is one; not of those for which Coldopen itself kept a call
    back, for an upstream's rate or for what people wait for.
    """

    error: LoadError
    retry_at: Annotated[datetime, msgspec.Meta(tz=True)]
    delay: float
    counted: bool = True
    retries: int = 0
    waited: float = 0.0


class EpisodesLoaded(CausedFact, frozen=True, kw_only=True, omit_defaults=True, tag="episodes-loaded.v1"):
    """The catalogue's seasons and episodes, and which of them are on disk."""

    part: ClassVar[Part] = Part.EPISODES
    seasons: tuple[Season, ...] = ()


class NfoLoaded(CausedFact, frozen=True, kw_only=True, omit_defaults=True, tag="nfo-loaded.v1"):
    """`tvshow.nfo` is in the library."""

    part: ClassVar[Part] = Part.NFO
    files: tuple[FileRecord, ...] = ()


class LogoLoaded(CausedFact, frozen=True, kw_only=True, omit_defaults=True, tag="logo-loaded.v1"):
    """`clearlogo.png` and `logo.png` are in the library."""

    part: ClassVar[Part] = Part.LOGO
    files: tuple[FileRecord, ...] = ()


class ImagesLoaded(CausedFact, frozen=True, kw_only=True, omit_defaults=True, tag="images-loaded.v1"):
    """`poster.jpg` and `fanart.jpg` are in the library, or the one of them that exists.

    So are, as far as the catalogue has them, `banner.jpg`, `landscape.jpg` and the seasons' posters.
    """

    part: ClassVar[Part] = Part.IMAGES
    files: tuple[FileRecord, ...] = ()


class PartUnchanged(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-unchanged.v1"):
    """A refresh found nothing new. Final; counts as loaded."""


class PartUnavailable(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-unavailable.v1"):
    """The catalogue has none. Final, and no failure."""

    reason: str


class PartFailed(PartFact, frozen=True, kw_only=True, omit_defaults=True, tag="part-failed.v1"):
    """Final for this start: only a new request loads the part. `candidates` are what identity could not choose from.

    `files` are in the library nevertheless: this attempt's, and those of earlier ones as far as its writer knew.
    """

    error: LoadError
    candidates: tuple[str, ...] = ()
    files: tuple[FileRecord, ...] = ()


class SeriesRemoved(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="series-removed.v1"):
    """The series is forgotten; its history stays. `delete_files` asks the caretaker to delete what Coldopen wrote."""

    delete_files: bool = False
    client: str | None = None


class FilesDeleted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="files-deleted.v1"):
    """What SeriesRemoved asked to delete is deleted: `files`, as paths in the library.

    `kept` are those that Coldopen wrote too and that stay, since somebody changed them, or a living series has the
    folder.
    """

    files: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


class EventParked(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="event-parked.v1"):
    """The projector could not take the event at `parked_position`; every reader skips it."""

    parked_position: int
    reason: str


class EventUnparked(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="event-unparked.v1"):
    """An operator (or a program that knows the tag by now) lets the event at `parked_position` count again."""

    parked_position: int
    client: str | None = None


PartLoaded: TypeAlias = EpisodesLoaded | NfoLoaded | LogoLoaded | ImagesLoaded
Event: TypeAlias = (
    SeriesAdded
    | SeriesIdentified
    | PartRequested
    | PartStarted
    | PartReleased
    | PartRetrying
    | EpisodesLoaded
    | NfoLoaded
    | LogoLoaded
    | ImagesLoaded
    | PartUnchanged
    | PartUnavailable
    | PartFailed
    | SeriesRemoved
    | FilesDeleted
    | EventParked
    | EventUnparked
)
EVENT_TYPES: tuple[type[Event], ...] = Event.__args__
FinalEvent: TypeAlias = PartLoaded | PartUnchanged | PartUnavailable | PartFailed | SeriesIdentified
CausedEvent: TypeAlias = FinalEvent | PartStarted | PartReleased | PartRetrying
PartEvent: TypeAlias = (
    PartLoaded | PartUnchanged | PartUnavailable | PartFailed | PartStarted | PartReleased | PartRetrying
)


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as the log holds it: `position` is its stream sequence in SERIES, `time` its writer's clock (UTC)."""

    position: int
    time: datetime
    event: Event
    id: str = ""
    correlation_id: str | None = None
    causation_id: str | None = None
