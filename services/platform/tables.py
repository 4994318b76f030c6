"""The read model's tables in their newest shape; `migrations/versions` holds the way there.

Only the projector writes them. `position` is the position of the last event that changed the row.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _time(name: str, *, now: bool = False) -> Column[datetime]:
    """A point in time; with `now` it is never null and begins as the time of the insert."""
    return Column(name, DateTime(timezone=True), nullable=not now, server_default=func.now() if now else None)


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))


def _key() -> Column[str]:
    return Column("key", String(100), nullable=False)


anime_series = Table(
    "anime_series",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _key(),
    Column("name", String(500), nullable=False),
    Column("site", String(100)),
    Column("folder", String(255)),
    Column("year", Integer),
    _flag("has_nfo"),
    _time("nfo_created_at"),
    _time("nfo_updated_at"),
    Column("tmdb_id", Integer),
    Column("tvdb_id", Integer),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    Column("loading_status", String(50), nullable=False, server_default="completed"),
    _flag("episodes_loaded", default=True),
    _flag("logo_loaded"),
    _flag("images_loaded"),
    _time("loading_started_at"),
    _time("loading_completed_at"),
    Column("loading_error", String(1000)),
    Column("imdb_id", String(20)),
    Column("tvmaze_id", Integer),
    Column("link", String(2000)),
    Column("client", String(200)),
    Column("position", BigInteger, nullable=False, server_default="0"),  # 0: the row predates the event log
    _flag("removed"),
    Column("state", LargeBinary),  # the encoded fold of the series' events
    UniqueConstraint("key", name="anime_series_key_key"),
)
Index("anime_series_name_idx", anime_series.c.name)
Index("anime_series_lower_name_idx", func.lower(anime_series.c.name))
Index("anime_series_loading_status_idx", anime_series.c.loading_status)
Index("anime_series_position_idx", anime_series.c.position)


def _series_id(*, primary_key: bool = False) -> Column[int]:
    """The series that a row is a part of, and goes with."""
    return Column(
        "series_id",
        BigInteger,
        ForeignKey("anime_series.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
        autoincrement=False,
    )


episodes = Table(
    "episodes",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _series_id(),
    Column("season", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", String(1000)),
    Column("air_date", String(10)),  # yyyy-MM-dd
    _time("created_at", now=True),
    _time("updated_at", now=True),
    Column("runtime", Integer),  # minutes
    Column("absolute_number", Integer),
    _flag("on_disk"),
    UniqueConstraint("series_id", "season", "number", name="episodes_series_id_season_number_key"),
)

seasons = Table(
    "seasons",
    metadata,
    _series_id(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title", String(1000)),
)

# One row: how far the projector has folded which log. A rebuild raises the generation.
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("log_id", String(36)),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("position", BigInteger, nullable=False, server_default="0"),
    _time("updated_at", now=True),
    CheckConstraint("id = 1", name="checkpoint_one_row"),
)

# Rows that predate the event log, moved aside by `adopt` until their events are recorded.
legacy_series = Table(
    "legacy_series",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _key(),
    Column("row", JSONB, nullable=False),
    Column("episodes", JSONB, nullable=False),
    Column("adopted_position", BigInteger),  # of its SeriesAdded
    _time("moved_at", now=True),
    UniqueConstraint("key", name="legacy_series_key_key"),
)
