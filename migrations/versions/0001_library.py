"""The library as it was before events: series and their episodes.

Revision ID: 0001
Revises:
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    op.create_table(
        "anime_series",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("site", sa.String(100)),
        sa.Column("folder", sa.String(255)),
        sa.Column("year", sa.Integer),
        sa.Column("has_nfo", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("nfo_created_at", sa.DateTime(timezone=True)),
        sa.Column("nfo_updated_at", sa.DateTime(timezone=True)),
        sa.Column("tmdb_id", sa.Integer),
        sa.Column("tvdb_id", sa.Integer),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("key", name="anime_series_key_key"),
    )
    op.create_index("anime_series_name_idx", "anime_series", ["name"])
    op.create_table(
        "episodes",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("series_id", sa.BigInteger, sa.ForeignKey("anime_series.id", ondelete="CASCADE"), nullable=False),
        sa.Column("season", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.String(1000)),
        sa.Column("air_date", sa.String(10)),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("series_id", "season", "number", name="episodes_series_id_season_number_key"),
    )


def downgrade() -> None:
    op.drop_table("episodes")
    op.drop_table("anime_series")
