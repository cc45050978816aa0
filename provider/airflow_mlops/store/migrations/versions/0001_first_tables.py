"""The tables that releases before Alembic made themselves, as they were in their last version.

Each is made only if it is not there, so a store of an earlier release is taken over with all that it has.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.String(32)


def upgrade() -> None:
    """Make the tables, and drop the earlier releases' note of their version."""
    _data_and_reports()
    _models()
    _watching()
    op.drop_table("mlops_schema_version", if_exists=True)


def _data_and_reports() -> None:
    op.create_table(
        "mlops_catalogue",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("dataset", sa.String(100), nullable=False),
        sa.Column("partition", sa.String(250), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("uri", sa.String(2000), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mlops_catalogue_pkey"),
        sa.UniqueConstraint("dataset", "partition", "sequence", name="mlops_catalogue_dataset_partition_sequence_key"),
        if_not_exists=True,
    )
    op.create_table(
        "mlops_reports",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("decision", sa.String(20)),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mlops_reports_pkey"),
        if_not_exists=True,
    )
    op.create_index("ix_mlops_reports_kind", "mlops_reports", ["kind"], if_not_exists=True)
    op.create_table(
        "mlops_claims",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(1200), nullable=False),
        sa.Column("value", sa.JSON),
        sa.Column("claimed_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="mlops_claims_pkey"),
        sa.UniqueConstraint("kind", "key", name="mlops_claims_kind_key_key"),
        if_not_exists=True,
    )


def _models() -> None:
    op.create_table(
        "mlops_versions",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("artifact_uri", sa.String(2000), nullable=False),
        sa.Column("cutoff", sa.String(250)),
        sa.Column("candidate", sa.String(100), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("baseline", sa.JSON, nullable=False),
        sa.Column("contract", sa.JSON),
        sa.Column("gate_report", sa.String(32)),
        sa.Column("gate_decision", sa.String(20)),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("model", "version", name="mlops_versions_pkey"),
        if_not_exists=True,
    )
    op.create_table(
        "mlops_baselines",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "kind", name="mlops_baselines_pkey"),
        if_not_exists=True,
    )
    op.create_table(
        "mlops_ledger",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("epoch", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("previous_epoch", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("gate_report", sa.String(32)),
        sa.Column("approver", sa.String(250)),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("effective_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("model", "epoch", name="mlops_ledger_pkey"),
        sa.ForeignKeyConstraint(["gate_report"], ["mlops_reports.id"], name="mlops_ledger_gate_report_fkey"),
        if_not_exists=True,
    )
    op.create_index("ix_mlops_ledger_effective_at", "mlops_ledger", ["effective_at"], if_not_exists=True)


def _watching() -> None:
    op.create_table(
        "mlops_windows",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("partition", sa.String(250), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("report", sa.String(32)),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mlops_windows_pkey"),
        sa.UniqueConstraint(
            "model", "version", "kind", "partition", name="mlops_windows_model_version_kind_partition_key"
        ),
        if_not_exists=True,
    )
    op.create_table(
        "mlops_episodes",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("change_partition", sa.String(250), nullable=False),
        sa.Column("opened_report", sa.String(32)),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("requested_partition", sa.String(250)),
        sa.Column("cutoff", sa.String(250)),
        sa.Column("claimed_by", sa.String(1000)),
        sa.Column("outcome", sa.String(200)),
        sa.Column("closed_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="mlops_episodes_pkey"),
        sa.UniqueConstraint("model", "number", name="mlops_episodes_model_number_key"),
        if_not_exists=True,
    )
    op.create_index(
        "mlops_one_open_episode",
        "mlops_episodes",
        ["model"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
        if_not_exists=True,
    )
