"""What an entry of the ledger was: a promotion, a rollback, an adoption; and indexes for the ledger's questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, with 'promote' for all entries so far, and exchange the index for those of both clocks."""
    op.add_column("mlops_ledger", sa.Column("action", sa.String(20), nullable=False, server_default="promote"))
    op.drop_index("ix_mlops_ledger_effective_at", "mlops_ledger")
    op.create_index("ix_mlops_ledger_model_effective_at_epoch", "mlops_ledger", ["model", "effective_at", "epoch"])
    op.create_index("ix_mlops_ledger_model_recorded_at_epoch", "mlops_ledger", ["model", "recorded_at", "epoch"])
    op.create_index("ix_mlops_ledger_model_version_epoch", "mlops_ledger", ["model", "version", "epoch"])
