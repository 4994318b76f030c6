"""Where a series stands: the shapes that the fold (`loading.py`) produces and replayers read."""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from contracts.events import CONTENT_PARTS, Canonical, CatalogueIds, FileRecord, LoadError, Origin, Part

PartStatus: TypeAlias = Literal["waiting", "queued", "loading", "retrying", "loaded", "unavailable", "failed"]
Good: TypeAlias = Literal["loaded", "unavailable"]
Outcome: TypeAlias = Literal["loaded", "unavailable", "failed"]
LoadingStatus: TypeAlias = Literal[
    "pending",
    "loading_episodes",
    "loading_nfo",
    "loading_logo",
    "loading_images",
    "completed",
    "failed",
    "removed",
]


# The catalogue that SeriesIdentified names for a row that predates the log: nobody was asked.
ADOPTED = "library"


class PartState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where one part stands.

    `cause` is the position of its newest start (0: never started), `outcome` how that start ended (None: open).
    `good` is the last good result, which a refresh keeps while it runs and if it fails. `attempt` is the one under way
    or next; `delivery`, `deaths`, `retries` and `waited` are as in the events.
    """

    status: PartStatus = "waiting"
    cause: int = 0
    attempt: int = 1
    delivery: int = 0
    deaths: int = 0
    retries: int = 0
    waited: float = 0.0
    outcome: Outcome | None = None
    good: Good | None = None
    error: LoadError | None = None
    error_position: int = 0
    retry_at: datetime | None = None
    retry_delay: float = 0.0
    files: tuple[FileRecord, ...] = ()
    overwrite: bool = False  # what the request of this start asked for
    requested_ids: CatalogueIds | None = None  # likewise
    early: int = 0  # the position of the newest request that came before any SeriesIdentified among the events at hand
    reload: bool = False  # the series turned out to be another entry: what Coldopen wrote is the wrong one's

    @property
    def is_open(self) -> bool:
        """Started, and its final event is not here yet."""
        return self.cause > 0 and self.outcome is None


class SeriesState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One series: what was wished, what was found, and where its parts stand.

    `added` is the position of the present SeriesAdded (the series' db_id), `identified` that of its SeriesIdentified
    (0: not yet), `episodes_at` that of the EpisodesLoaded whose seasons count, `position` that of the last event
    which changed anything, `updated_at` its time.
    """

    key: str
    added: int
    name: str
    site: str
    link: str
    canonical: Canonical
    folder: str
    added_at: datetime
    started_at: datetime
    updated_at: datetime
    position: int
    year: int | None = None
    ids: CatalogueIds = CatalogueIds()
    wanted: tuple[Part, ...] = CONTENT_PARTS
    origin: Origin = "api"
    client: str | None = None
    removed: bool = False
    delete_files: bool = False
    files_deleted: bool = False  # what delete_files asked for is done
    identified: int = 0
    catalogue: str | None = None
    catalogue_id: str | None = None
    titles: tuple[str, ...] = ()
    status: str | None = None  # as in SeriesIdentified
    completed_at: datetime | None = None
    episodes_at: int = 0
    nfo_created_at: datetime | None = None
    nfo_updated_at: datetime | None = None
    parked: dict[int, str] = {}
    identity: PartState = PartState()
    episodes: PartState = PartState()
    nfo: PartState = PartState()
    logo: PartState = PartState()
    images: PartState = PartState()

    def is_adoption(self, position: int) -> bool:
        """Whether the start at `position` is an adopted row's: what it starts is told by `adopt`, not loaded."""
        return (
            self.origin == "import" and position in (self.added, self.identified) and self.catalogue in (None, ADOPTED)
        )

    def part(self, part: Part) -> PartState:
        """The state of `part`."""
        state: PartState = getattr(self, part)  # a Part is its name; `.value` costs more than all the rest
        return state

    @property
    def loading_status(self) -> LoadingStatus:
        """The status of the whole series, as the read model's column has it."""
        if self.removed:
            return "removed"
        is_done, is_open = bool(self.wanted or self.identified), False
        for part, name, loading in _CONTENT:
            if part not in self.wanted:
                continue
            one: PartState = getattr(self, name)
            status = one.status
            if status in ("loading", "retrying"):
                return loading
            is_done = is_done and status in ("loaded", "unavailable")
            is_open = is_open or one.is_open
        # While it is identified anew it is not known whether what is there will do.
        if self.identity.is_open:
            return "pending"
        if is_done:
            return "completed"
        return "pending" if is_open else "failed"


# By plain names, and by no dictionary: a fold asks for the status twice an event, and a Part is slow as either.
_CONTENT: tuple[tuple[Part, str, LoadingStatus], ...] = (
    (Part.EPISODES, "episodes", "loading_episodes"),
    (Part.NFO, "nfo", "loading_nfo"),
    (Part.LOGO, "logo", "loading_logo"),
    (Part.IMAGES, "images", "loading_images"),
)
