"""Which figures the gate judges by the influence of each row; the others it judges by leaving parts out.

Both give the same errors for many rows. Ratios, such as F1, are left to the jackknife, which knows better when their
denominators are small: there an interval can be drawn on another scale, but the gain of one model over another cannot.
"""

from __future__ import annotations

from airflow_mlops.core.metrics import influence

_JUDGED = (
    "roc_auc",
    "pr_auc",
    "roc_auc_ovr",
    "log_loss",
    "brier",
    "accuracy",
    "log_loss_multiclass",
    "accuracy_multiclass",
    "mae",
)

INFLUENCES: dict[str, influence.Influence] = {name: influence.INFLUENCES[name] for name in _JUDGED}
"""Metric -> the influence of each row on it."""
