"""The ledger on the data's clock, laid out so that the champion of a moment is found in one step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table, and fill it from the ledger: an entry stays unless a later one begins no later than it."""
    reigns = op.create_table(
        "mlops_reigns",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("effective_at", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("model", "effective_at", name="mlops_reigns_pkey"),
    )
    op.drop_index("ix_mlops_ledger_model_effective_at_epoch", "mlops_ledger")
    ledger = sa.table("mlops_ledger", sa.column("model"), sa.column("epoch"), sa.column("effective_at"))
    entries = op.get_bind().execute(sa.select(ledger).order_by(ledger.c.model, ledger.c.epoch.desc()))
    kept: list[dict[str, object]] = []
    for model, epoch, effective_at in entries:  # each model's newest first; fixed-width text sorts as time does
        if not kept or kept[-1]["model"] != model or effective_at < str(kept[-1]["effective_at"]):
            kept.append({"model": model, "epoch": epoch, "effective_at": effective_at})
    if kept:
        op.bulk_insert(reigns, kept)
