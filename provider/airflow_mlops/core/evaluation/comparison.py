"""Evaluation of a challenger against the champion: the evidence for the gate."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation import baselines, evidence_snapshot, report, resource_usage
from airflow_mlops.core.evaluation.gate_rows import read_rows
from airflow_mlops.core.evaluation.latency import measure_latency
from airflow_mlops.core.evaluation.model_scoring import ScoredRows, classes_of, score_rows, summarise_error
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.evaluation.overfitting import compute_train_metrics, overfitting_check
from airflow_mlops.core.metrics import get_metric as metric_of
from airflow_mlops.core.models import artifact, loading
from airflow_mlops.core.models.loading import load_version
from airflow_mlops.core.models.prediction import columns_of
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

SEEN_PARTS = ("train", "validation")
"""Parts that a version must record; without them, the number of seen rows is unknown."""
GATE_PART = "test"
"""The only part that is not used for training, tuning or selection; parts of any other name count as seen."""


@dataclass(frozen=True, slots=True)
class GateDataset:
    """The snapshot of the gate rows with the roles of its columns.

    :param snapshot: the rows.
    :param key: the columns that identify a row.
    :param split_key: the column, or columns, that the split used; default the first of ``key``.
    :param target: the column to predict.
    :param features: the feature columns.
    """

    snapshot: Snapshot
    key: Sequence[str]
    target: str
    features: Sequence[str]
    split_key: str | Sequence[str] | None = None

    @property
    def split_columns(self) -> list[str]:
        """The columns whose values identify rows that a model has seen."""
        return [self.split_key] if isinstance(self.split_key, str) else list(self.split_key or self.key[:1])

    @property
    def cluster(self) -> str:
        """The column whose equal values mark dependent rows."""
        return self.split_columns[0]


def compare_with_champion(
    database: Database,
    root: SnapshotRoot,
    *,
    challenger: ModelVersionRef,
    rows: GateDataset,
    metric: str,
    tracking_uri: str,
    trusted: Sequence[str] = (),
    options: EvaluationOptions | None = None,
    loading_mode: loading.LoadingOptions = loading.SAFE_LOADING,
) -> Report:
    """Score the gate rows with both models, compute metrics and checks, and store the challenger's baselines.

    :param metric: the main metric of the task.
    :param options: options beyond the metrics.
    :param loading_mode: the loading mode of the models.
    :returns: a report of kind ``evaluation``. Its facts name the evidence snapshot, the champion's ledger revision, and
        for each role the version, its metrics with intervals, size, speed and number of seen rows.
    :raises BadInput: when the rows or a model cannot be evaluated: no rows, an invalid target, an exception in a model.
    :raises NotFound: when an artifact does not exist.
    :raises Refused: when an artifact differs from the registered one.
    """
    options, metric = options or EvaluationOptions(), metric_of(metric).name
    head = ledger.head(database, challenger.model)
    contenders = {"challenger": versions.get(database, challenger.model, challenger.version)}
    if head is not None:  # a champion that is gated again is compared with itself: no gain, no promotion
        contenders["champion"] = versions.get(database, challenger.model, head.version)
    scored = _score_rows(contenders, rows, metric, tracking_uri, trusted, options, loading_mode)
    ref = evidence_snapshot.write_evidence(
        root, f"{challenger.model}_evidence", scored.rows, scored.scores, source=rows.snapshot.ref
    )
    cluster = rows.snapshot.to_pandas([rows.cluster])[rows.cluster]
    baselines.store_baselines(database, challenger, scored.rows, scored.scores["challenger"], cluster=cluster)
    roles = {role: _role_facts(root, version, rows, tracking_uri, loading_mode) for role, version in contenders.items()}
    extra_checks: list[Check] = []
    for role, facts in roles.items():
        facts |= report.model_metrics(scored, role, options)
        if options.train_sample:
            extra_checks.append(_check_overfitting(root, scored, role, contenders[role], rows, options, facts))
    if options.cost:
        extra_checks += _measure_cost(scored, contenders, tracking_uri, trusted, roles, loading_mode)
    facts = {
        "evidence": ref.to_dict(),
        "champion_revision": None if head is None else head.revision,
        "metric": metric,
        "task": scored.rows.task,
        **({"classes": list(scored.rows.classes)} if scored.rows.classes else {}),
        "slices": list(options.slices),
        "groups": list(options.groups),
        "roles": roles,
    }
    values = {role: role_facts["metrics"] for role, role_facts in roles.items()}
    checks = [*report.evaluation_checks(scored, values, options), *extra_checks]
    return Report.from_checks("evaluation", str(challenger), checks, facts=facts)


def report_evaluation_failure(challenger: ModelVersionRef, error: MlopsError) -> Report:
    """Build the report of a failed evaluation. It has no evidence, so the gate cannot promote."""
    check = Check("evaluated", "fail", "error", None, None, error.where, error.what)
    return Report.from_checks("evaluation", str(challenger), [check], facts={"hint": error.hint})


def _score_rows(
    contenders: dict[str, Version],
    rows: GateDataset,
    metric: str,
    tracking_uri: str,
    trusted: Sequence[str],
    options: EvaluationOptions,
    mode: loading.LoadingOptions,
) -> ScoredRows:
    """Load the models, read the rows once, and score them with each model."""
    task = metric_of(metric).task
    labels = {role: f"the {role} {version.model} v{version.version}" for role, version in contenders.items()}
    models = {
        role: _load_model(version, tracking_uri, trusted, mode, labels[role]) for role, version in contenders.items()
    }
    classes = classes_of(models["challenger"], labels["challenger"]) if task == "multiclass" else []
    champion_columns = columns_of(models["champion"]) if "champion" in models else []
    gate_rows = read_rows(
        rows.snapshot,
        task=task,
        key=rows.key,
        cluster=rows.cluster,
        target=rows.target,
        features=rows.features,
        classes=classes,
        slices=options.slices,
        groups=options.groups,
        dropped=[n for n in champion_columns if n not in rows.features and n in rows.snapshot.schema],
    )
    return score_rows(gate_rows, metric, models, labels)


def _load_model(
    version: Version, tracking_uri: str, trusted: Sequence[str], mode: loading.LoadingOptions, label: str
) -> Any:
    """Load a model; errors name its role and version."""
    try:
        return load_version(version, tracking_uri, trusted, mode)
    except MlopsError as error:
        raise type(error)(f"{label} cannot be loaded: {error.what}", where=error.where, hint=error.hint) from error


def _role_facts(
    root: SnapshotRoot, version: Version, rows: GateDataset, tracking_uri: str, mode: loading.LoadingOptions
) -> dict[str, Any]:
    """Return the facts about one contender that the gate needs besides its scores."""
    seen = None
    if all(part in version.data for part in SEEN_PARTS):
        parts = [root.open(SnapshotRef.from_dict(ref)) for part, ref in version.data.items() if part != GATE_PART]
        seen = evidence_snapshot.count_seen_rows(rows.snapshot, parts, rows.split_columns)
    with loading.local_files(version.artifact_uri, tracking_uri, mode) as folder:
        size = artifact.size_of(folder)
    return {
        "version": version.version,
        "digest": version.digest,
        "candidate": version.candidate,
        "seen_rows": seen,
        "bytes": size,
    }


def _check_overfitting(
    root: SnapshotRoot,
    scored: ScoredRows,
    role: str,
    version: Version,
    rows: GateDataset,
    options: EvaluationOptions,
    facts: dict[str, Any],
) -> Check:
    """Check overfitting on a sample of training rows; its metrics are added to ``facts``."""
    held_out = facts["metrics"][scored.metric]
    if "train" not in version.data:
        return overfitting_check(scored.metric, None, held_out, role, "the version records no training data")
    try:
        facts["train_metrics"] = compute_train_metrics(
            scored,
            role,
            root.open(SnapshotRef.from_dict(version.data["train"])),
            features=columns_of(scored.models[role]) or rows.features,
            target=rows.target,
            rows=options.train_sample,
        )
    except BadInput as error:  # such as a feature that is missing in the training rows
        return overfitting_check(scored.metric, None, held_out, role, error.what)
    return overfitting_check(scored.metric, facts["train_metrics"][scored.metric], held_out, role)


def _measure_cost(
    scored: ScoredRows,
    contenders: dict[str, Version],
    tracking_uri: str,
    trusted: Sequence[str],
    roles: dict[str, dict[str, Any]],
    mode: loading.LoadingOptions,
) -> list[Check]:
    """Measure latency and resource usage of each model; failed measurements become checks."""
    checks: list[Check] = []
    try:
        for role, times in measure_latency(scored.models, scored.rows.features).items():
            roles[role] |= times
    except Exception as error:  # a user's model that scores all rows in one batch may still fail on a single row
        message = f"scoring one row, or a thousand, failed: {summarise_error(error)}"
        checks.append(Check("latency", "inconclusive", "info", None, None, None, message))
    with ExitStack() as downloads:
        files = {
            role: (
                downloads.enter_context(loading.local_files(version.artifact_uri, tracking_uri, mode)),
                version.digest,
            )
            for role, version in contenders.items()
        }
        usage = resource_usage.measure_loading(files, trusted, scored.rows.features)
    for role, measured in usage.items():
        reason = measured.pop("reason", None)
        roles[role] |= resource_usage.training_usage(contenders[role], tracking_uri) | measured
        if reason:
            checks.append(Check("memory", "inconclusive", "info", None, None, role, reason))
    return checks
