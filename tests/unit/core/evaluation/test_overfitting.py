"""A model that is much better on the rows that it was fitted on is said to be so, by a rule that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation.overfitting import compute_train_metrics, overfitting_check
from airflow_mlops.core.metrics import METRICS, get_metric, metrics_of_same_task


@pytest.mark.parametrize(
    ("name", "train", "gate", "status"),
    [
        ("roc_auc", 0.85, 0.80, "pass"),
        ("roc_auc", 1.0, 0.85, "fail"),
        ("roc_auc", 0.70, 0.90, "pass"),
        ("log_loss", 0.40, 0.50, "pass"),
        ("log_loss", 0.10, 0.50, "fail"),
        ("rmse", 200.0, 290.0, "pass"),
        ("rmse", 200.0, 310.0, "fail"),
        ("r2", 0.95, 0.60, "fail"),
        ("mae", 0.0, 0.1, "fail"),
    ],
)
def test_much_is_a_tenth_of_a_share_or_half_as_much_error_again(
    name: str, train: float, gate: float, status: str
) -> None:
    check = overfitting_check(name, train, gate, "challenger")
    assert check.status == status
    assert check.severity == ("warn" if status == "fail" else "info")
    assert str(check.expected).startswith(("a fall of at most 0.1", "at most 1.5 times"))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_has_a_rule(name: str) -> None:
    better, worse = (0.95, 0.2) if get_metric(name).direction == "higher" else (0.2, 0.95)
    assert overfitting_check(name, better, worse, "challenger").status == "fail"
    assert overfitting_check(name, worse, better, "challenger").status == "pass"
    assert overfitting_check(name, better, better, "challenger").status == "pass"


@pytest.mark.parametrize(("train", "gate"), [(None, 0.8), (np.nan, 0.8), (0.9, np.nan)])
def test_what_is_not_known_is_not_judged(train: float | None, gate: float) -> None:
    check = overfitting_check("roc_auc", train, gate, "champion", "it is not known what it was trained on")
    assert (check.status, check.severity) == ("inconclusive", "info")
    assert check.message == "it is not known what it was trained on"


def test_metrics_are_of_a_bounded_sample_of_the_training_rows(
    root: SnapshotRoot, scored: Callable[..., Any], by_column: Any
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"p": rng.random(400), "y": rng.integers(0, 2, 400)})
    train = root.open(root.write("train", frame))
    asked: list[int] = []

    class Counting(by_column):  # type: ignore[misc]
        def predict_proba(self, given: pd.DataFrame) -> Any:
            asked.append(len(given))
            return super().predict_proba(given)

    both = scored(frame, challenger=Counting("p"))
    some = compute_train_metrics(both, "challenger", train, features=["p"], target="y", rows=100)
    everything = compute_train_metrics(both, "challenger", train, features=["p"], target="y", rows=5000)
    assert asked == [400, 100, 400]
    assert set(some) == set(metrics_of_same_task("roc_auc"))
    assert everything["roc_auc"] == get_metric("roc_auc").value(frame["y"].to_numpy(), frame["p"].to_numpy())
    with pytest.raises(BadInput, match="no column"):
        compute_train_metrics(both, "challenger", train, features=["p", "new"], target="y", rows=100)
