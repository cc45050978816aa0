"""Tables of the lifecycle store."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Double, ForeignKey, Index, MetaData, String, TypeDecorator, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from airflow_mlops.store.clock import from_iso, to_iso

# PostgreSQL's own default names, used on every database.
NAMING_CONVENTION = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class UtcTimestamp(TypeDecorator[datetime]):
    """A UTC timestamp with microseconds that every database returns with its time zone.

    Stored as fixed-width ISO text: it sorts chronologically, and SQLite and PostgreSQL agree on it to the last digit.
    """

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """Write UTC."""
        return None if value is None else to_iso(value)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """Read UTC."""
        return None if value is None else from_iso(value)


class Base(DeclarativeBase):
    """The metadata of all tables; the names begin with ``mlops_`` to keep a shared database readable."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTimestamp, dict[str, Any]: JSON, list[Any]: JSON}


class CatalogueEntry(Base):
    """(dataset, partition) -> snapshot. Late data adds an entry; the newest one is current."""

    __tablename__ = "mlops_catalogue"
    __table_args__ = (UniqueConstraint("dataset", "partition", "sequence"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    dataset: Mapped[str] = mapped_column(String(100))
    partition: Mapped[str] = mapped_column(String(250))
    sequence: Mapped[int]
    snapshot_id: Mapped[str] = mapped_column(String(64))
    uri: Mapped[str] = mapped_column(String(2000))
    rows: Mapped[int]
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class StoredReport(Base):
    """A published report."""

    __tablename__ = "mlops_reports"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(500))
    verdict: Mapped[str] = mapped_column(String(20))
    decision: Mapped[str | None] = mapped_column(String(20))
    body: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(String(1000))
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class Claim(Base):
    """An object created by an Airflow task: at most one of a kind for a (dag_id, run_id, task_id, map_index)."""

    __tablename__ = "mlops_claims"
    __table_args__ = (UniqueConstraint("kind", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(1200))
    value: Mapped[dict[str, Any] | None]
    claimed_at: Mapped[datetime] = mapped_column(UtcTimestamp)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTimestamp)


class Attempt(Base):
    """The attempt of an Airflow task that may publish: the one with this token."""

    __tablename__ = "mlops_attempts"
    key: Mapped[str] = mapped_column(String(1200), primary_key=True)
    token: Mapped[str] = mapped_column(String(32))
    try_number: Mapped[int | None]
    try_id: Mapped[str | None] = mapped_column(String(64))  # Airflow's id of the try; later tries have larger ones
    started_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class Version(Base):
    """A registered model version, with its data, baseline and contract."""

    __tablename__ = "mlops_versions"
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(64))
    artifact_uri: Mapped[str] = mapped_column(String(2000))
    cutoff: Mapped[str | None] = mapped_column(String(250))
    candidate: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]]  # part -> SnapshotRef: train, validation, test
    baseline: Mapped[dict[str, Any]]  # the training profile
    contract: Mapped[dict[str, Any] | None]
    gate_report: Mapped[str | None] = mapped_column(String(32))
    gate_decision: Mapped[str | None] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(1000))
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class Baseline(Base):
    """The reference for later predictions of a version, computed when it was evaluated on unseen rows."""

    __tablename__ = "mlops_baselines"
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)  # scores: their profile; relation: to the labels
    body: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class LedgerEntry(Base):
    """One change of champion. Unique on (model, revision): the compare-and-set."""

    __tablename__ = "mlops_ledger"
    __table_args__ = (  # for the champion recorded at a time, and for when a version became champion
        Index("ix_mlops_ledger_model_recorded_at_revision", "model", "recorded_at", "revision"),
        Index("ix_mlops_ledger_model_version_revision", "model", "version", "revision"),
    )
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    previous_revision: Mapped[int | None]
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    gate_report: Mapped[str | None] = mapped_column(ForeignKey("mlops_reports.id"))
    approver: Mapped[str | None] = mapped_column(String(250))
    reason: Mapped[str] = mapped_column(String(1000))
    actor: Mapped[str] = mapped_column(String(1000))
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)
    effective_at: Mapped[datetime] = mapped_column(UtcTimestamp)
    action: Mapped[str] = mapped_column(String(20), server_default="promote")  # promote, rollback, adopt


class ChampionPeriod(Base):
    """A ledger entry that no later one overrides, by its start on the data's clock.

    Derived from the ledger: of two periods the later one is also the later decision.
    """

    __tablename__ = "mlops_champion_periods"
    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    effective_at: Mapped[datetime] = mapped_column(UtcTimestamp, primary_key=True)
    revision: Mapped[int]


class ScoreSet(Base):
    """The scores of a version for a snapshot; scoring again gives the same row."""

    __tablename__ = "mlops_score_sets"
    __table_args__ = (Index("ix_mlops_score_sets_model_partition", "model", "partition"),)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # of version, rows and the requested columns
    model: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    partition: Mapped[str | None] = mapped_column(String(250))
    input_dataset: Mapped[str] = mapped_column(String(100))
    input_snapshot_id: Mapped[str] = mapped_column(String(64))  # the snapshot that was scored
    dataset: Mapped[str] = mapped_column(String(100))
    snapshot_id: Mapped[str] = mapped_column(String(64))  # the snapshot with the scores
    uri: Mapped[str] = mapped_column(String(2000))
    rows: Mapped[int]
    actor: Mapped[str] = mapped_column(String(1000))
    scored_at: Mapped[datetime] = mapped_column(UtcTimestamp)


class MonitoringWindow(Base):
    """The result of one kind of check (drift, performance) of a version on one partition, or on a slice of it."""

    __tablename__ = "mlops_windows"
    __table_args__ = (UniqueConstraint("model", "version", "kind", "partition", "slice", "against"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    partition: Mapped[str] = mapped_column(String(250))
    verdict: Mapped[str] = mapped_column(String(20))
    value: Mapped[float | None] = mapped_column(Double)
    rows: Mapped[int]
    report: Mapped[str | None] = mapped_column(String(32))
    recorded_at: Mapped[datetime] = mapped_column(UtcTimestamp)
    slice: Mapped[str] = mapped_column(String(200), server_default="")  # such as plan=basic; empty: all rows
    against: Mapped[str] = mapped_column(String(20), server_default="baseline")  # baseline, previous
    inputs: Mapped[dict[str, Any] | None]  # the ids of the evaluated snapshots
    broken_columns: Mapped[dict[str, Any] | None]  # column -> how it is broken upstream


class Episode(Base):
    """A drift episode of a model: opened by drift, one retraining, closed by its outcome."""

    __tablename__ = "mlops_episodes"
    __table_args__ = (
        UniqueConstraint("model", "number"),
        # One open episode a model: the second opener of a race gets an integrity error, not a second episode.
        Index(
            "mlops_one_open_episode",
            "model",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    version: Mapped[int]  # the champion that drifted away from its baseline
    state: Mapped[str] = mapped_column(String(20))  # open, requested, retraining, closed
    change_partition: Mapped[str] = mapped_column(String(250))
    opened_report: Mapped[str | None] = mapped_column(String(32))
    opened_at: Mapped[datetime] = mapped_column(UtcTimestamp)
    attempts: Mapped[int] = mapped_column(default=0)
    requested_partition: Mapped[str | None] = mapped_column(String(250))
    cutoff: Mapped[str | None] = mapped_column(String(250))
    claimed_by: Mapped[str | None] = mapped_column(String(1000))
    outcome: Mapped[str | None] = mapped_column(String(200))
    closed_at: Mapped[datetime | None] = mapped_column(UtcTimestamp)
    closed_partition: Mapped[str | None] = mapped_column(String(250))  # the data's clock when the drift disappeared
    action: Mapped[str] = mapped_column(String(20), server_default="retrain")  # retrain, roll_back
    first_partition: Mapped[str | None] = mapped_column(String(250))  # where the training data begin
    request_history: Mapped[list[Any] | None]  # partitions of the requests, oldest first
