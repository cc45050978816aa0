"""Comparing a challenger with the champion of the ledger: the evidence for the gate."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.evaluation import evidence, judging
from airflow_mlops.core.evaluation.asked import Asked
from airflow_mlops.core.evaluation.cost import latency
from airflow_mlops.core.evaluation.overfitting import overfitting_check, train_metrics
from airflow_mlops.core.evaluation.rows import read_rows
from airflow_mlops.core.evaluation.scoring import Scored, classes_of, said, score
from airflow_mlops.core.metrics import metric as metric_of
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.registry import baselines, footprint, loading
from airflow_mlops.core.registry.loading import load_version
from airflow_mlops.core.report import Check, Report
from airflow_mlops.core.training import artifact
from airflow_mlops.core.training.prediction import columns_of
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

SEEN_PARTS = ("train", "validation")
"""What has to be known of a version's data."""
GATE_PART = "test"
"""The only part that a model has not been trained, tuned or chosen on: whatever a part of another name is for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The gate rows, and what their columns mean.

    :param snapshot: the rows.
    :param key: the columns that name a row.
    :param split_key: the column, or columns, that the split went by; default the first of ``key``.
    :param target: the column to predict.
    :param features: the columns that the models get.
    """

    snapshot: Snapshot
    key: Sequence[str]
    target: str
    features: Sequence[str]
    split_key: str | Sequence[str] | None = None

    @property
    def split_columns(self) -> list[str]:
        """The columns by whose values a row that was seen before is known again."""
        return [self.split_key] if isinstance(self.split_key, str) else list(self.split_key or self.key[:1])

    @property
    def cluster(self) -> str:
        """The column whose equal values belong together."""
        return self.split_columns[0]


def compare(
    database: Database,
    root: SnapshotRoot,
    *,
    challenger: ModelVersionRef,
    rows: Rows,
    metric: str,
    tracking_uri: str,
    trusted: Sequence[str] = (),
    asked: Asked | None = None,
    how: loading.Loading = loading.SAFE,
) -> Report:
    """Score the gate rows with both models, judge what they said, and keep the baselines of the challenger.

    :param metric: the task's main figure.
    :param asked: what to look at beyond the metrics.
    :param how: how the models are loaded.
    :returns: a report of kind ``evaluation``. Its facts name the evidence snapshot, the champion's epoch, and for each
        role the version, its metrics with intervals, size, speed and how many of the rows it has seen.
    :raises BadInput: when the rows or a model cannot be judged: none, a wrong target, an exception in a model.
    :raises NotFound: when an artifact is gone.
    :raises Refused: when an artifact is not the one that was registered.
    """
    asked = asked or Asked()
    head = ledger.head(database, challenger.model)
    contenders = {"challenger": versions.get(database, challenger.model, challenger.version)}
    if head is not None:  # the champion itself, gated once more, is compared with itself: no gain, no promotion
        contenders["champion"] = versions.get(database, challenger.model, head.version)
    scored = _scored(contenders, rows, metric, tracking_uri, trusted, asked, how)
    ref = evidence.keep(root, f"{challenger.model}_evidence", scored.rows, scored.scores, source=rows.snapshot.ref)
    cluster = rows.snapshot.to_pandas([rows.cluster])[rows.cluster]
    baselines.keep(database, challenger, scored.rows, scored.scores["challenger"], cluster=cluster)
    roles = {role: _facts(root, version, rows, tracking_uri, how) for role, version in contenders.items()}
    told: list[Check] = []
    for role, facts in roles.items():
        facts |= judging.figures(scored, role, asked)
        if asked.train_sample:
            told.append(_overfitting(root, scored, role, contenders[role], rows, asked, facts))
    if asked.cost:
        told += _cost(scored, contenders, tracking_uri, trusted, roles, how)
    facts = {
        "evidence": ref.to_dict(),
        "champion_epoch": None if head is None else head.epoch,
        "metric": metric,
        "task": scored.rows.task,
        **({"classes": list(scored.rows.classes)} if scored.rows.classes else {}),
        "slices": list(asked.slices),
        "groups": list(asked.groups),
        "roles": roles,
    }
    values = {role: of["metrics"] for role, of in roles.items()}
    return Report.of("evaluation", str(challenger), [*judging.checks(scored, values, asked), *told], facts=facts)


def unjudged(challenger: ModelVersionRef, error: MlopsError) -> Report:
    """Make the report of an evaluation that came to nothing. It has no evidence, so no gate can promote by it."""
    check = Check("evaluated", "fail", "error", None, None, error.where, error.what)
    return Report.of("evaluation", str(challenger), [check], facts={"mend": error.mend})


def _scored(
    contenders: dict[str, Version],
    rows: Rows,
    metric: str,
    tracking_uri: str,
    trusted: Sequence[str],
    asked: Asked,
    how: loading.Loading,
) -> Scored:
    """Load the models, read the rows once, and score them with each."""
    task = metric_of(metric).task
    called = {role: f"the {role} {version.model} v{version.version}" for role, version in contenders.items()}
    models = {role: _loaded(version, tracking_uri, trusted, how, called[role]) for role, version in contenders.items()}
    classes = classes_of(models["challenger"], called["challenger"]) if task == "multiclass" else []
    older = columns_of(models["champion"]) if "champion" in models else []
    read = read_rows(
        rows.snapshot,
        task=task,
        key=rows.key,
        cluster=rows.cluster,
        target=rows.target,
        features=rows.features,
        classes=classes,
        slices=asked.slices,
        groups=asked.groups,
        dropped=[name for name in older if name not in rows.features and name in rows.snapshot.schema],
    )
    return score(read, metric, models, called)


def _loaded(version: Version, tracking_uri: str, trusted: Sequence[str], how: loading.Loading, called: str) -> Any:
    """Load a model; an error says whose it is."""
    try:
        return load_version(version, tracking_uri, trusted, how)
    except MlopsError as error:
        raise type(error)(f"{called} cannot be loaded: {error.what}", where=error.where, mend=error.mend) from error


def _facts(root: SnapshotRoot, version: Version, rows: Rows, tracking_uri: str, how: loading.Loading) -> dict[str, Any]:
    """What the gate has to know of one contender beside its scores."""
    seen = None
    if all(part in version.data for part in SEEN_PARTS):
        parts = [root.open(SnapshotRef.from_dict(ref)) for part, ref in version.data.items() if part != GATE_PART]
        seen = evidence.overlap(rows.snapshot, parts, rows.split_columns)
    with loading.local_files(version.artifact_uri, tracking_uri, how) as folder:
        size = artifact.size_of(folder)
    return {
        "version": version.version,
        "digest": version.digest,
        "candidate": version.candidate,
        "seen_rows": seen,
        "bytes": size,
    }


def _overfitting(
    root: SnapshotRoot, scored: Scored, role: str, version: Version, rows: Rows, asked: Asked, facts: dict[str, Any]
) -> Check:
    """Look at a sample of the rows that a model was fitted on; its metrics become a fact."""
    held_out = facts["metrics"][scored.metric]
    if "train" not in version.data:
        return overfitting_check(scored.metric, None, held_out, role, "it is not known what it was trained on")
    try:
        facts["train_metrics"] = train_metrics(
            scored,
            role,
            root.open(SnapshotRef.from_dict(version.data["train"])),
            features=columns_of(scored.models[role]) or rows.features,
            target=rows.target,
            rows=asked.train_sample,
        )
    except BadInput as error:  # such as a feature that its training rows did not have
        return overfitting_check(scored.metric, None, held_out, role, error.what)
    return overfitting_check(scored.metric, facts["train_metrics"][scored.metric], held_out, role)


def _cost(
    scored: Scored,
    contenders: dict[str, Version],
    tracking_uri: str,
    trusted: Sequence[str],
    roles: dict[str, dict[str, Any]],
    how: loading.Loading,
) -> list[Check]:
    """Measure what each model costs; what cannot be measured is said, and is no fact."""
    told: list[Check] = []
    try:
        for role, times in latency(scored.models, scored.rows.features).items():
            roles[role] |= times
    except Exception as error:  # a user's model that scores all rows in one batch may still fail on one alone
        said_so = f"one row, or a thousand, could not be scored: {said(error)}"
        told.append(Check("latency", "not_judged", "info", None, None, None, said_so))
    with ExitStack() as downloads:
        files = {
            role: (
                downloads.enter_context(loading.local_files(version.artifact_uri, tracking_uri, how)),
                version.digest,
            )
            for role, version in contenders.items()
        }
        footprints = footprint.of_loading(files, trusted, scored.rows.features)
    for role, measured in footprints.items():
        why = measured.pop("why", None)
        roles[role] |= footprint.of_training(contenders[role], tracking_uri) | measured
        if why:
            told.append(Check("memory", "not_judged", "info", None, None, role, why))
    return told
