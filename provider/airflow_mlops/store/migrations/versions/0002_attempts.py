"""Which attempt of a task may publish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of attempts."""
    op.create_table(
        "mlops_attempts",
        sa.Column("key", sa.String(1200), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("try_number", sa.Integer),
        sa.Column("try_id", sa.String(64)),
        sa.Column("began_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("key", name="mlops_attempts_pkey"),
    )
