"""Comparing a challenger with the champion of the ledger: the evidence for the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation import evidence
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.registry import baselines, loading
from airflow_mlops.core.report import Check, Report
from airflow_mlops.core.training import artifact
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

SEEN_PARTS = ("train", "validation")


@dataclass(frozen=True, slots=True)
class Rows:
    """The gate rows, and what their columns mean.

    :param snapshot: the rows.
    :param key: the columns that name a row.
    :param split_key: the column that the split went by; default the first of ``key``.
    :param target: the column to predict.
    :param features: the columns that the models get.
    """

    snapshot: Snapshot
    key: Sequence[str]
    target: str
    features: Sequence[str]
    split_key: str | None = None

    @property
    def cluster(self) -> str:
        """The column whose equal values belong together."""
        return self.split_key or self.key[0]


def load_version(version: Version, tracking_uri: str, trusted: Sequence[str] = ()) -> Any:
    """Load a version's model, digest first."""
    return loading.load(loading.local_folder(version.artifact_uri, tracking_uri), version.digest, trusted=trusted)


def compare(
    database: Database,
    root: SnapshotRoot,
    *,
    challenger: ModelVersionRef,
    rows: Rows,
    metric: str,
    tracking_uri: str,
    trusted: Sequence[str] = (),
) -> Report:
    """Score the gate rows with both models, and keep the baselines of the challenger's predictions.

    :returns: a report of kind ``evaluation``: its facts name the evidence snapshot, the champion's epoch, and for each
        role the version, its metrics, size, speed and how many of the rows it has seen.
    :raises NotFound: when an artifact is gone.
    :raises Refused: when an artifact is not the one that was registered.
    """
    head = ledger.head(database, challenger.model)
    contenders = {"challenger": versions.get(database, challenger.model, challenger.version)}
    if head is not None:  # the champion itself, gated once more, is compared with itself: no gain, no promotion
        contenders["champion"] = versions.get(database, challenger.model, head.version)
    models = {role: load_version(version, tracking_uri, trusted) for role, version in contenders.items()}
    ref, measured = evidence.score_rows(
        root,
        f"{challenger.model}_evidence",
        rows.snapshot,
        models,
        key=rows.key,
        cluster=rows.cluster,
        target=rows.target,
        features=rows.features,
    )
    roles = {role: _facts(root, version, rows, measured[role], tracking_uri) for role, version in contenders.items()}
    scored, checks = root.open(ref), []
    baselines.keep(
        database,
        challenger,
        rows.snapshot,
        scored,
        role="challenger",
        key=rows.key,
        cluster=rows.cluster,
        features=rows.features,
    )
    for role, facts in roles.items():
        shown = evidence.read(scored, role, subject=role, seen_rows=facts["seen_rows"], facts={})
        assert shown is not None
        facts["metrics"] = evidence.metrics_of(shown, metric)
        said = f"v{facts['version']}: {metric} {facts['metrics'][metric]:.4f} on {ref.rows} rows"
        checks.append(Check(metric, "pass", "info", facts["metrics"][metric], None, role, said))
    facts = {
        "evidence": ref.to_dict(),
        "champion_epoch": None if head is None else head.epoch,
        "metric": metric,
        "roles": roles,
    }
    return Report.of("evaluation", str(challenger), checks, facts=facts)


def _facts(
    root: SnapshotRoot, version: Version, rows: Rows, measured: Mapping[str, float], tracking_uri: str
) -> dict[str, Any]:
    """What the gate has to know of one contender beside its scores."""
    seen = None
    if all(part in version.data for part in SEEN_PARTS):
        parts = [root.open(SnapshotRef.from_dict(version.data[part])) for part in SEEN_PARTS]
        seen = evidence.overlap(rows.snapshot, parts, rows.cluster)
    folder = loading.local_folder(version.artifact_uri, tracking_uri)
    return {
        "version": version.version,
        "digest": version.digest,
        "candidate": version.candidate,
        "seen_rows": seen,
        "bytes": artifact.size_of(folder),
        **measured,
    }
