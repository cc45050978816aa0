"""Windows of slices and against the window before; episodes that roll back, and remember all they have asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from airflow_mlops.store.tables import NAMES

revision = "0006"
down_revision = "0005"

BEFORE = ["model", "version", "kind", "partition"]
NOW = [*BEFORE, "slice", "against"]


def upgrade() -> None:
    """Add the columns; what is there already was of all rows, against the baseline, and asked for retrainings."""
    # A store from before Alembic has constraints without a name in SQLite: the convention gives them one.
    with op.batch_alter_table("mlops_windows", naming_convention=NAMES) as windows:
        windows.add_column(sa.Column("slice", sa.String(200), nullable=False, server_default=""))
        windows.add_column(sa.Column("against", sa.String(20), nullable=False, server_default="baseline"))
        windows.add_column(sa.Column("inputs", sa.JSON))
        windows.add_column(sa.Column("broken", sa.JSON))
        windows.drop_constraint(f"mlops_windows_{'_'.join(BEFORE)}_key", type_="unique")
        windows.create_unique_constraint(f"mlops_windows_{'_'.join(NOW)}_key", NOW)
    op.add_column("mlops_episodes", sa.Column("closed_partition", sa.String(250)))
    op.add_column("mlops_episodes", sa.Column("action", sa.String(20), nullable=False, server_default="retrain"))
    op.add_column("mlops_episodes", sa.Column("first", sa.String(250)))
    op.add_column("mlops_episodes", sa.Column("asked", sa.JSON))
