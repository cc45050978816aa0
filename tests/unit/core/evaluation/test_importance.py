"""Shuffling a feature that matters costs, one that does not matter costs nothing; the same rows tell the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation import importance as module
from airflow_mlops.core.evaluation.importance import permutation_importance


class Logistic:
    """Says a sigmoid of three times ``strong`` plus ``weak``; counts its calls."""

    classes_ = np.array([0, 1])
    calls = 0

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        Logistic.calls += 1
        p = 1 / (1 + np.exp(-(3 * frame["strong"] + frame["weak"]).to_numpy()))
        return np.column_stack([1 - p, p])


def rows(count: int = 1500, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(count, 3)), columns=["weak", "idle", "strong"])
    p = 1 / (1 + np.exp(-(3 * frame["strong"] + frame["weak"])))
    return frame.assign(name=pd.Categorical(["x", "y", "z"] * (count // 3)), y=(rng.random(count) < p).astype(float))


def test_the_strong_feature_comes_first_and_the_idle_one_costs_nothing(scored: Callable[..., Any]) -> None:
    told = permutation_importance(scored(rows(), challenger=Logistic()), "challenger")
    assert [name for name, *_ in told][:2] == ["strong", "weak"]
    drops = {name: (drop, low, high) for name, drop, low, high in told}
    assert drops["strong"][1] > drops["weak"][2] > drops["weak"][1] > 0
    assert drops["idle"] == (0.0, 0.0, 0.0)
    assert drops["name"] == (0.0, 0.0, 0.0)
    assert all(low <= drop <= high for _, drop, low, high in told)


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy"])
def test_a_drop_is_above_zero_whichever_way_the_metric_runs(name: str, scored: Callable[..., Any]) -> None:
    told = permutation_importance(scored(rows(600), name, challenger=Logistic()), "challenger")
    assert told[0][0] == "strong"
    assert told[0][1] > 0


def test_the_same_rows_tell_the_same(scored: Callable[..., Any]) -> None:
    both = scored(rows(300), challenger=Logistic())
    assert permutation_importance(both, "challenger") == permutation_importance(both, "challenger")


def test_values_and_classes_have_importance_too(scored: Callable[..., Any], value: Any) -> None:
    frame = pd.DataFrame({"x": np.arange(90.0), "z": 0.0, "y": np.arange(90.0)})
    told = permutation_importance(scored(frame, "mae", challenger=value("x")), "challenger")
    assert told[0][0] == "x"
    assert told[0][1] == pytest.approx(30, abs=4)  # two draws of 0..89 differ by 30 on average

    class OneHot:
        classes_ = np.array([0, 1, 2])

        def predict_proba(self, given: pd.DataFrame) -> Any:
            return np.eye(3)[given["x"].to_numpy().astype(int)] * 0.97 + 0.01

    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0] * 30, "y": [0.0, 1.0, 2.0] * 30})
    several = scored(frame, "accuracy_multiclass", challenger=OneHot(), classes=[0, 1, 2])
    assert permutation_importance(several, "challenger")[0][1] == pytest.approx(2 / 3, abs=0.1)


def test_a_metric_without_a_value_has_no_importance(scored: Callable[..., Any]) -> None:
    assert permutation_importance(scored(rows(300).assign(y=1.0), challenger=Logistic()), "challenger") == []


def test_rows_and_calls_are_bounded_and_a_slow_model_is_asked_less(scored: Callable[..., Any]) -> None:
    both = scored(rows(6000), challenger=Logistic())
    Logistic.calls = 0
    permutation_importance(both, "challenger")
    assert Logistic.calls == 4  # one for each feature
    assert len(module._fit_time_budget(6000, 4, 0.01, 0)[0]) == module.MAX_ROWS
    sample, repeats = module._fit_time_budget(6000, 100, 60.0, 0)
    assert (len(sample), repeats) == (200, 1)
    assert len(set(sample)) == 200
    assert module._fit_time_budget(6000, 4, 5.0, 0)[1] == 4


def test_at_most_twenty_features_are_told(scored: Callable[..., Any], by_column: Any) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).random((60, 30)), columns=[f"f{i:02}" for i in range(30)])
    told = permutation_importance(scored(frame.assign(y=[0.0, 1.0] * 30), challenger=by_column("f29")), "challenger")
    assert len(told) == 20


def test_a_model_that_cannot_stand_shuffled_rows_is_named(scored: Callable[..., Any]) -> None:
    both = scored(rows(300), challenger=Logistic())

    class Touchy:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            raise ValueError("impossible combination")

    with pytest.raises(BadInput, match="challenger m v1, 'weak' shuffled"):
        permutation_importance(replace(both, models={"challenger": Touchy()}), "challenger")
