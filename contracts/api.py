"""The bodies of the HTTP API, of the feed's updates and of the frames that carry them."""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from contracts.events import CONTENT_PARTS, Canonical, CatalogueIds, ErrorKind, FileRecord, LoadError, Part
from contracts.state import LoadingStatus, PartStatus

EpisodeState: TypeAlias = Literal["on_disk", "missing", "unaired"]
Mood: TypeAlias = Literal["plain", "quiet", "strong", "good", "warning", "bad"]


class Body(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A JSON object sent to clients: every field is always there."""


class AddRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /api/anime/add. Only `link` is needed; what is missing is asked of the link's site or derived from it."""

    link: str
    name: str | None = None
    year: int | None = None
    key: str | None = None
    folder: str | None = None
    tmdb_id: int | None = None
    tvmaze_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None
    parts: tuple[Part, ...] = CONTENT_PARTS


class PartsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST …/retry: which parts; none means every failed one."""

    parts: tuple[Part, ...] | None = None


class RefreshRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST …/refresh: which parts (none: all), whether to replace good files, and which catalogue entry it is."""

    parts: tuple[Part, ...] | None = None
    overwrite: bool = False
    tmdb_id: int | None = None
    tvmaze_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None


class Problem(Body, frozen=True, kw_only=True):
    """Every error, RFC 9457: `detail` says what to do, `type` (`urn:coldopen:<code>`) is for programs.

    Some carry more by name, such as `known` or `proposed_key`.
    """

    type: str
    title: str
    status: int
    detail: str


class SessionView(Body, frozen=True, kw_only=True):
    """GET /api/session: whether one needs a key here. Without one, who needs it gets 401 instead."""

    key_needed: bool


class LoadingProgress(Body, frozen=True, kw_only=True):
    """True for each part that is loaded, unavailable or not wanted."""

    episodes: bool = False
    nfo: bool = False
    logo: bool = False
    images: bool = False


class AddResponse(Body, frozen=True, kw_only=True):
    """`success` (202) or `exists` (200). `db_id` is the position of the SeriesAdded, and so survives a rebuild."""

    status: Literal["success", "exists"]
    message: str
    key: str
    folder: str
    db_id: int
    loading_status: LoadingStatus
    loading_progress: LoadingProgress
    position: int


class AcceptedResponse(Body, frozen=True, kw_only=True):
    """202 for a request or a removal: recorded at `position`; watchers ignore anything older."""

    status: Literal["success"] = "success"
    message: str
    key: str
    position: int


class PartSummary(Body, frozen=True, kw_only=True):
    """Where one part stands."""

    status: PartStatus
    attempt: int
    error: LoadError | None
    retry_at: datetime | None


class PartView(PartSummary, frozen=True, kw_only=True):
    """One part as clients see it."""

    files: tuple[FileRecord, ...]


class LoadingStatusBody(Body, frozen=True, kw_only=True):
    """GET …/loading-status."""

    key: str
    loading_status: LoadingStatus
    progress: LoadingProgress
    started_at: datetime
    completed_at: datetime | None
    message: str
    error: str | None
    parts: dict[str, PartView]
    position: int


class Series(Body, frozen=True, kw_only=True):
    """What every list, page and update says of a series.

    `db_id` is the position of the SeriesAdded; `poster` the version of the picture at …/artwork/poster, which is
    another for another picture (None: there is none).
    """

    key: str
    db_id: int
    name: str
    year: int | None
    loading_status: LoadingStatus
    progress: LoadingProgress
    message: str
    error: str | None
    poster: str | None
    added_at: datetime
    started_at: datetime
    completed_at: datetime | None
    position: int


class LoadingUpdate(Series, frozen=True, kw_only=True):
    """One change of one series, as SSE and WebSocket subscribers get it."""

    type: Literal["series_loading_update"] = "series_loading_update"
    parts: dict[str, PartView]
    timestamp: datetime


class SeriesSummary(Series, frozen=True, kw_only=True):
    """A series in a list: its parts without their files."""

    site: str
    folder: str
    parts: dict[str, PartSummary]


class SeriesList(Body, frozen=True, kw_only=True):
    """A page of series; `next_cursor` (None at the end) asks for the following one."""

    items: list[SeriesSummary]
    total: int
    next_cursor: str | None


class EpisodeView(Body, frozen=True, kw_only=True):
    """An episode in the catalogue's numbering; `air_date` is yyyy-MM-dd, `runtime` in minutes.

    `state` is as of today in UTC: on disk, missing, or not yet aired (nor is one whose date is not known).
    """

    number: int
    title: str | None
    air_date: str | None
    runtime: int | None
    absolute: int | None
    state: EpisodeState


class SeasonView(Body, frozen=True, kw_only=True):
    """A season; 0 holds the specials."""

    number: int
    title: str | None
    episodes: list[EpisodeView]


class EpisodeCounts(Body, frozen=True, kw_only=True):
    """How many episodes are in each state, the specials not counted: nobody misses all of them."""

    on_disk: int
    missing: int
    unaired: int


class SeriesDetail(Series, frozen=True, kw_only=True):
    """GET /api/anime/{key}."""

    site: str
    folder: str
    link: str
    canonical: Canonical
    ids: CatalogueIds
    catalogue: str | None
    catalogue_id: str | None
    titles: tuple[str, ...]
    parts: dict[str, PartView]
    episode_counts: EpisodeCounts
    seasons: list[SeasonView]
    files: list[FileRecord]


class LookupItem(Body, frozen=True, kw_only=True):
    """An entry of a catalogue that a series may be: `url` is a link for POST /api/anime/add.

    `titles` holds its other names, `in_library` the key of the series that is this entry already.
    """

    catalogue: str
    catalogue_id: str
    name: str
    titles: tuple[str, ...]
    year: int | None
    poster_url: str | None
    url: str
    ids: CatalogueIds
    in_library: str | None


class LookupFailure(Body, frozen=True, kw_only=True):
    """A catalogue that could not be asked, and why."""

    catalogue: str
    kind: ErrorKind
    message: str


class LookupResult(Body, frozen=True, kw_only=True):
    """GET /api/lookup, likeliest first."""

    items: list[LookupItem]
    failures: list[LookupFailure]


class HistoryItem(Body, frozen=True, kw_only=True):
    """One recorded event; `event` is its body as the log holds it."""

    position: int
    time: datetime
    id: str
    type: str
    correlation_id: str | None
    event: msgspec.Raw


class HistoryEntry(HistoryItem, frozen=True, kw_only=True):
    """A recorded event in words for people: `what` happened, in `detail` ("": no more to say), in which mood.

    `attempt` is the one that it is about, `seconds` how long that took if this event ended it.
    """

    what: str
    detail: str
    mood: Mood
    attempt: int | None
    seconds: float | None


class History(Body, frozen=True, kw_only=True):
    """GET …/history, oldest first; `next_after` (None at the end) is the `after_position` of the following page."""

    items: list[HistoryEntry]
    next_after: int | None


class QuarantinedEvent(Body, frozen=True, kw_only=True):
    """An event that is skipped: which, why, and since when.

    `type` is what the event says it is (None: it says nothing). `event` is its body as the log holds it; null if that
    is no JSON or long: then `text` is its beginning, with whatever is no UTF-8 escaped.
    """

    position: int
    key: str
    type: str | None
    time: datetime
    reason: str
    parked_at: datetime
    event: msgspec.Raw
    text: str | None


class Quarantine(Body, frozen=True, kw_only=True):
    """GET /api/quarantine: the oldest of the `total` events that are skipped now, oldest first."""

    items: list[QuarantinedEvent]
    total: int


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the projector tells gateways after each commit, on core NATS.

    `updates` are the LoadingUpdates of the positions in (`after`, `position`], in position order and encoded: at least
    the newest of each series that changed there. A frame without updates whose `complete` is false was too large: fetch
    the rows. A heartbeat's `after` is its `position`.
    """

    log: str
    after: int
    position: int
    updates: list[msgspec.Raw] = []
    complete: bool = True


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a WebSocket client sends; no keys means all series."""

    action: Literal["subscribe", "unsubscribe"]
    keys: list[str] | None = None


class Subscribed(Body, frozen=True, kw_only=True):
    """What the keys subscribed to are now (None: all)."""

    type: Literal["subscribed"] = "subscribed"
    keys: list[str] | None


class FeedError(Body, frozen=True, kw_only=True):
    """The last message could not be understood."""

    type: Literal["error"] = "error"
    detail: str
