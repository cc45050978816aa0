"""Create the tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIMESTAMP = sa.String(32)


def upgrade() -> None:
    """Create all tables."""
    _data_and_reports()
    _tasks()
    _models()
    _ledger()
    _monitoring()


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
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mlops_catalogue_pkey"),
        sa.UniqueConstraint("dataset", "partition", "sequence", name="mlops_catalogue_dataset_partition_sequence_key"),
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
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mlops_reports_pkey"),
    )
    op.create_index("ix_mlops_reports_kind", "mlops_reports", ["kind"])
    op.create_table(
        "mlops_score_sets",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("partition", sa.String(250)),
        sa.Column("input_dataset", sa.String(100), nullable=False),
        sa.Column("input_snapshot_id", sa.String(64), nullable=False),
        sa.Column("dataset", sa.String(100), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("uri", sa.String(2000), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("scored_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("key", name="mlops_score_sets_pkey"),
    )
    op.create_index("ix_mlops_score_sets_model_partition", "mlops_score_sets", ["model", "partition"])


def _tasks() -> None:
    op.create_table(
        "mlops_claims",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(1200), nullable=False),
        sa.Column("value", sa.JSON),
        sa.Column("claimed_at", _TIMESTAMP, nullable=False),
        sa.Column("finished_at", _TIMESTAMP),
        sa.PrimaryKeyConstraint("id", name="mlops_claims_pkey"),
        sa.UniqueConstraint("kind", "key", name="mlops_claims_kind_key_key"),
    )
    op.create_table(
        "mlops_attempts",
        sa.Column("key", sa.String(1200), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("try_number", sa.Integer),
        sa.Column("try_id", sa.String(64)),
        sa.Column("started_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("key", name="mlops_attempts_pkey"),
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
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("model", "version", name="mlops_versions_pkey"),
    )
    op.create_table(
        "mlops_baselines",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "kind", name="mlops_baselines_pkey"),
    )


def _ledger() -> None:
    op.create_table(
        "mlops_ledger",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("previous_revision", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("gate_report", sa.String(32)),
        sa.Column("approver", sa.String(250)),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("actor", sa.String(1000), nullable=False),
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.Column("effective_at", _TIMESTAMP, nullable=False),
        sa.Column("action", sa.String(20), nullable=False, server_default="promote"),
        sa.PrimaryKeyConstraint("model", "revision", name="mlops_ledger_pkey"),
        sa.ForeignKeyConstraint(["gate_report"], ["mlops_reports.id"], name="mlops_ledger_gate_report_fkey"),
    )
    for columns in (["model", "recorded_at", "revision"], ["model", "version", "revision"]):
        op.create_index(f"ix_mlops_ledger_{'_'.join(columns)}", "mlops_ledger", columns)
    op.create_table(
        "mlops_champion_periods",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("effective_at", _TIMESTAMP, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("model", "effective_at", name="mlops_champion_periods_pkey"),
    )


def _monitoring() -> None:
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
        sa.Column("recorded_at", _TIMESTAMP, nullable=False),
        sa.Column("slice", sa.String(200), nullable=False, server_default=""),
        sa.Column("against", sa.String(20), nullable=False, server_default="baseline"),
        sa.Column("inputs", sa.JSON),
        sa.Column("broken_columns", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="mlops_windows_pkey"),
        sa.UniqueConstraint(
            "model",
            "version",
            "kind",
            "partition",
            "slice",
            "against",
            name="mlops_windows_model_version_kind_partition_slice_against_key",
        ),
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
        sa.Column("opened_at", _TIMESTAMP, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("requested_partition", sa.String(250)),
        sa.Column("cutoff", sa.String(250)),
        sa.Column("claimed_by", sa.String(1000)),
        sa.Column("outcome", sa.String(200)),
        sa.Column("closed_at", _TIMESTAMP),
        sa.Column("closed_partition", sa.String(250)),
        sa.Column("action", sa.String(20), nullable=False, server_default="retrain"),
        sa.Column("first_partition", sa.String(250)),
        sa.Column("request_history", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="mlops_episodes_pkey"),
        sa.UniqueConstraint("model", "number", name="mlops_episodes_model_number_key"),
    )
    op.create_index(
        "mlops_one_open_episode",
        "mlops_episodes",
        ["model"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
