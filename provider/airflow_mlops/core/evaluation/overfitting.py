"""Overfitting: how much better a model does on rows that it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.evaluation.rows import encoded
from airflow_mlops.core.evaluation.scoring import Scored, scores_of
from airflow_mlops.core.metrics import metric as metric_of
from airflow_mlops.core.metrics import of_task
from airflow_mlops.core.report import Check
from airflow_mlops.core.training.candidate import Candidate, sampled

LARGE_GAP = 0.1
LARGE_RATIO = 1.5
_BETWEEN_0_AND_1 = {
    "roc_auc", "pr_auc", "accuracy", "f1", "precision", "recall", "accuracy_multiclass", "balanced_accuracy",
    "f1_macro", "roc_auc_ovr", "r2",
}  # fmt: skip


def train_metrics(
    scored: Scored, role: str, train: Snapshot, *, features: Sequence[str], target: str, rows: int
) -> dict[str, float]:
    """Give all metrics of the task on a sample of the rows that a model was fitted on.

    :param train: its training rows.
    :param rows: about how many to draw.
    :raises BadInput: when they lack a column, or the model cannot score them.
    """
    wanted = Candidate(role, "", features, target, scored.metric)
    frame, labels = sampled(wanted, train, rows)
    truth = encoded(labels, scored.rows.task, scored.rows.classes, train.name)
    scores = scores_of(scored.models[role], frame, scored.rows.task, scored.rows.classes, called=scored.called[role])
    return {name: m.value(truth, scores) for name, m in of_task(scored.metric).items()}


def overfitting_check(name: str, train: float | None, held_out: float, where: str, why: str = "") -> Check:
    """Say how far the metric falls from training rows to the gate rows, and whether that is much.

    Much is more than 0.1 for a metric that ends at 1, such as ``roc_auc``; for an error or a loss, a gate value of more
    than 1.5 times that of the training rows. It warns: a model that knows its training rows by heart, such as a
    forest, may be the better one all the same, and the gate judges it by rows that it has not seen.

    :param train: the metric on training rows; ``None`` when it is not known.
    :param why: then, why not.
    """
    if train is None or not (np.isfinite(train) and np.isfinite(held_out)):
        said = why or f"{name} is not defined on both training and gate rows"
        return Check("overfitting", "not_judged", "info", {"train": train, "gate": held_out}, None, where, said)
    gap = float(metric_of(name).gain(train, held_out))
    if name in _BETWEEN_0_AND_1:
        rule, much = f"a fall of at most {LARGE_GAP:g}", gap > LARGE_GAP
    else:
        rule, much = f"at most {LARGE_RATIO:g} times that of training rows", held_out > LARGE_RATIO * train
    seen = {"train": train, "gate": held_out, "gap": gap}
    said = f"{name} {train:.4f} on training rows, {held_out:.4f} on gate rows"
    return Check("overfitting", "fail" if much else "pass", "warn" if much else "info", seen, rule, where, said)
