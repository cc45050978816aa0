"""What all metrics have in common: names, tasks, directions, and NaN rather than something wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import METRICS, get_metric, metrics_of_same_task


def as_scores(name: str, chances: Any) -> Any:
    """Give chances in the shape of the metric's task."""
    chances = np.asarray(chances, float)
    return np.column_stack([1 - chances, chances]) if get_metric(name).task == "multiclass" else chances


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize(("target", "score"), [(np.nan, 0.5), (1, np.nan), (1, np.inf), (1, -np.inf)])
def test_one_value_that_is_not_finite_makes_the_metric_nan(name: str, target: float, score: float) -> None:
    y, p = np.array([0, 1, 0, target]), as_scores(name, [0.1, 0.9, 0.2, score])
    assert np.isnan(get_metric(name).value(y, p))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_no_rows_and_no_weight_have_no_value(name: str) -> None:
    assert np.isnan(get_metric(name).value(np.array([]), as_scores(name, [])))
    weighted = get_metric(name).prepare(np.array([0.0, 1.0]), as_scores(name, [0.1, 0.9]))
    assert np.isnan(weighted(np.zeros(2)))
    assert np.isnan(weighted(np.zeros((3, 2)))).all()


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_gain_is_above_zero_when_the_challenger_is_better(name: str) -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0])
    good, bad = (get_metric(name).value(y, as_scores(name, p)) for p in ([0.1, 0.2, 0.8, 0.9], [0.9, 0.2, 0.8, 0.1]))
    assert get_metric(name).gain(good, bad) > 0 > get_metric(name).gain(bad, good)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_the_order_of_the_rows_does_not_matter(name: str) -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 60).astype(float), rng.integers(0, 9, 60) / 8
    order = rng.permutation(60)
    here, there = (get_metric(name).value(y[o], as_scores(name, p)[o]) for o in (np.arange(60), order))
    assert here == pytest.approx(there, rel=1e-12)


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="'auc' is not a known metric") as told:
        get_metric("auc")
    assert "roc_auc" in str(told.value.hint)


def test_the_metrics_of_a_task_begin_with_the_one_asked_for() -> None:
    assert list(metrics_of_same_task("brier"))[:3] == ["brier", "roc_auc", "pr_auc"]
    assert {m.task for m in metrics_of_same_task("rmse").values()} == {"regression"}
    assert {m.task for m in metrics_of_same_task("f1_macro").values()} == {"multiclass"}
