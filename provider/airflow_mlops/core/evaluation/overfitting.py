"""Overfitting check: metrics on training rows compared with gate rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.evaluation.gate_rows import encode_target
from airflow_mlops.core.evaluation.model_scoring import ScoredRows, predict_scores
from airflow_mlops.core.metrics import get_metric as metric_of
from airflow_mlops.core.metrics import metrics_of_same_task
from airflow_mlops.core.training.candidate import Candidate, sample_labelled_rows

LARGE_RATIO = 1.5


def compute_train_metrics(
    scored: ScoredRows, role: str, train: Snapshot, *, features: Sequence[str], target: str, rows: int
) -> dict[str, float]:
    """Compute all metrics of the task on a sample of the rows that a model was fitted on.

    :param train: its training rows.
    :param rows: approximate sample size.
    :raises BadInput: when a column is missing, or the model cannot score the rows.
    """
    candidate = Candidate(role, "", features, target, scored.metric)
    frame, labels = sample_labelled_rows(candidate, train, rows)
    truth = encode_target(labels, scored.rows.task, scored.rows.classes, train.name)
    scores = predict_scores(
        scored.models[role], frame, scored.rows.task, scored.rows.classes, label=scored.labels[role]
    )
    return {name: m.value(truth, scores) for name, m in metrics_of_same_task(scored.metric).items()}


def overfitting_check(name: str, train: float | None, held_out: float, where: str, reason: str = "") -> Check:
    """Check how far the metric falls from training rows to gate rows.

    The check warns at a fall of more than 0.1 for a metric with maximum 1, such as ``roc_auc``. For an error or a loss
    it warns at more than 1.5 times the training value. A metric of one's own without bounds may fall by that ratio. It
    is only a warning: a model that memorises its training rows can still be the better one, such as a random
    forest, and the gate uses rows that it has not seen.

    :param train: the metric on training rows; ``None`` when unknown.
    :param reason: the reason when it is unknown.
    """
    if train is None or not (np.isfinite(train) and np.isfinite(held_out)):
        message = reason or f"{name} is not defined on both training and gate rows"
        return Check("overfitting", "inconclusive", "info", {"train": train, "gate": held_out}, None, where, message)
    metric = metric_of(name)
    gap = float(metric.gain(train, held_out))
    observed = {"train": train, "gate": held_out, "gap": gap}
    if metric.large_fall is not None:
        rule, large = f"a fall of at most {metric.large_fall:g}", gap > metric.large_fall
    elif train < 0 or (metric.direction == "higher" and train == 0):
        message = f"{name} {train:.4f} on training rows has no ratio to {held_out:.4f} on gate rows"
        return Check("overfitting", "inconclusive", "info", observed, None, where, message)
    elif metric.direction == "higher":
        rule, large = f"at least 1/{LARGE_RATIO:g} of that of training rows", held_out < train / LARGE_RATIO
    else:
        rule, large = f"at most {LARGE_RATIO:g} times that of training rows", held_out > LARGE_RATIO * train
    message = f"{name} {train:.4f} on training rows, {held_out:.4f} on gate rows"
    return Check(
        "overfitting", "fail" if large else "pass", "warn" if large else "info", observed, rule, where, message
    )
