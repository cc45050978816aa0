"""Metrics of several classes are scikit-learn's, weighted; a class without rows is left out of the means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from airflow_mlops.core.metrics import get_metric, metrics_of_same_task

CLASSES = 3
chances = st.tuples(*[st.integers(1, 5)] * CLASSES).map(lambda parts: tuple(p / sum(parts) for p in parts))
rows = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), chances, st.sampled_from([0.0, 0.5, 1.0, 3.0])), min_size=4, max_size=40
).filter(lambda rows: {y for y, _, w in rows if w} == set(range(CLASSES)))
SKLEARN: dict[str, Any] = {
    "log_loss_multiclass": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
    "accuracy_multiclass": lambda y, p, w: sk.accuracy_score(y, p.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
    "f1_macro": lambda y, p, w: sk.f1_score(y, p.argmax(1), sample_weight=w, average="macro"),
    "roc_auc_ovr": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w, multi_class="ovr", average="macro"),
}


def test_every_metric_of_classes_is_held_against_another_implementation() -> None:
    assert set(SKLEARN) == set(metrics_of_same_task("f1_macro"))


def columns(rows: Any) -> tuple[Any, Any, Any]:
    y, p, w = zip(*rows, strict=True)
    return np.array(y, float), np.array(p), np.array(w)


@pytest.mark.parametrize("name", sorted(SKLEARN))
@settings(max_examples=40, deadline=None)
@given(rows=rows)
def test_it_equals_scikit_learns_with_weights(name: str, rows: Any) -> None:
    y, p, w = columns(rows)
    weighted, there = get_metric(name).prepare(y, p), w > 0
    assert weighted(w) == pytest.approx(SKLEARN[name](y[there], p[there], w[there]), rel=1e-9, abs=1e-9)
    both = weighted(np.stack([w, np.ones(len(w))]))
    assert both[0] == pytest.approx(weighted(w), rel=1e-12, abs=1e-12)
    assert both[1] == pytest.approx(get_metric(name).value(y, p), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "roc_auc_ovr"])
def test_one_class_alone_has_no_mean_over_classes(name: str) -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    assert np.isnan(get_metric(name).value(np.array([1.0, 1.0]), p))
    assert np.isnan(get_metric(name).prepare(np.array([1.0, 2.0]), p)(np.array([1.0, 0.0])))


def test_a_class_that_the_rows_do_not_have_is_left_out_of_the_mean() -> None:
    y, p = (
        np.array([0.0, 0.0, 1.0, 1.0]),
        np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.7, 0.2, 0.1]]),
    )
    two = get_metric("roc_auc_ovr").value(y, p)
    assert two == pytest.approx((sk.roc_auc_score(y == 0, p[:, 0]) + sk.roc_auc_score(y == 1, p[:, 1])) / 2)
    assert get_metric("balanced_accuracy").value(y, p) == pytest.approx(0.75)


def test_two_classes_give_what_the_binary_metric_gives() -> None:
    rng = np.random.default_rng(0)
    y, chance = rng.integers(0, 2, 200).astype(float), rng.random(200)
    both = np.column_stack([1 - chance, chance])
    assert get_metric("roc_auc_ovr").value(y, both) == pytest.approx(get_metric("roc_auc").value(y, chance))
    assert get_metric("log_loss_multiclass").value(y, both) == pytest.approx(get_metric("log_loss").value(y, chance))


@pytest.mark.parametrize("name", sorted(SKLEARN))
@pytest.mark.parametrize("target", [3.0, -1.0, 0.5])
def test_a_target_that_is_no_classes_number_has_no_value(name: str, target: float) -> None:
    assert np.isnan(get_metric(name).value(np.array([0.0, 1.0, target]), np.full((3, 3), 1 / 3)))


@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_scores_of_another_shape_have_no_value(name: str) -> None:
    assert np.isnan(get_metric(name).value(np.array([0.0, 1.0]), np.array([0.1, 0.2])))
    assert np.isnan(get_metric(name).value(np.array([0.0, 1.0]), np.full((3, 2), 0.5)))
