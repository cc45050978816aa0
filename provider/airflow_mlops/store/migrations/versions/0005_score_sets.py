"""What has been scored: one score set of a version and a snapshot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "mlops_score_sets",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("partition", sa.String(250), nullable=True),
        sa.Column("rows_dataset", sa.String(100), nullable=False),
        sa.Column("rows_id", sa.String(64), nullable=False),
        sa.Column("dataset", sa.String(100), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("uri", sa.String(2000), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("scored_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("key", name="mlops_score_sets_pkey"),
    )
    op.create_index("ix_mlops_score_sets_model_partition", "mlops_score_sets", ["model", "partition"])
