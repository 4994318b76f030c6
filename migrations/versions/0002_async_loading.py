"""Loading in the background, and what the projector needs to fold events into rows.

Rows that exist already are as loaded as they will be: they become `completed`. Columns with a constant default are
added without rewriting the table.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _series_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("loading_status", sa.String(50), nullable=False, server_default="completed"),
        sa.Column("episodes_loaded", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("logo_loaded", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("images_loaded", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("loading_started_at", sa.DateTime(timezone=True)),
        sa.Column("loading_completed_at", sa.DateTime(timezone=True)),
        sa.Column("loading_error", sa.String(1000)),
        sa.Column("imdb_id", sa.String(20)),
        sa.Column("tvmaze_id", sa.Integer),
        sa.Column("link", sa.String(2000)),
        sa.Column("client", sa.String(200)),
        sa.Column("position", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("state", sa.LargeBinary),
    ]


def _episode_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("runtime", sa.Integer),
        sa.Column("absolute_number", sa.Integer),
        sa.Column("on_disk", sa.Boolean, nullable=False, server_default=sa.false()),
    ]


def upgrade() -> None:
    for column in _series_columns():
        op.add_column("anime_series", column)
    for column in _episode_columns():
        op.add_column("episodes", column)
    op.create_index("anime_series_lower_name_idx", "anime_series", [sa.text("lower(name)")])
    op.create_index("anime_series_loading_status_idx", "anime_series", ["loading_status"])
    op.create_index("anime_series_position_idx", "anime_series", ["position"])
    op.create_table(
        "seasons",
        sa.Column("series_id", sa.BigInteger, sa.ForeignKey("anime_series.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.String(1000)),
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("log_id", sa.String(36)),
        sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
        sa.Column("position", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("id = 1", name="checkpoint_one_row"),
    )
    op.execute("INSERT INTO checkpoint (id) VALUES (1)")
    op.create_table(
        "legacy_series",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("row", JSONB, nullable=False),
        sa.Column("episodes", JSONB, nullable=False),
        sa.Column("adopted_position", sa.BigInteger),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("key", name="legacy_series_key_key"),
    )


def downgrade() -> None:
    for table in ("legacy_series", "checkpoint", "seasons"):
        op.drop_table(table)
    for index in ("position", "loading_status", "lower_name"):
        op.drop_index(f"anime_series_{index}_idx", "anime_series")
    for column in _episode_columns():
        op.drop_column("episodes", column.name)
    for column in _series_columns():
        op.drop_column("anime_series", column.name)
