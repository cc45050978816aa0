"""The gate's policy: old files stay valid, and what is misspelt is an error with what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.gate import GatePolicy


def test_a_policy_from_before_slices_and_fairness_is_still_read() -> None:
    old = {
        "metric": "roc_auc", "minimum_gain": 0.0, "confidence": 0.975, "resamples": 2000, "min_rows": 500,
        "min_positives": 50, "floors": {"roc_auc": 0.6}, "budgets": {"bytes": 5_000_000}, "approval": "never",
    }  # fmt: skip
    policy = GatePolicy.load(old)
    assert (policy.slices, policy.fairness, policy.predictions, policy.self_tests) == (None, {}, None, "if_present")


def test_all_sections_are_read() -> None:
    policy = GatePolicy.load(
        {
            "slices": {"min_rows": 50, "columns": ["region"], "inconclusive": "hold"},
            "fairness": {"sex": {"demographic_parity": 0.1, "equalised_odds": 0.1}},
            "predictions": {"max_shift": 0.5},
            "self_tests": "required",
            "budgets": {"predict_ms_p95": 20, "memory_mb": 500},
        }
    )
    assert policy.slices is not None
    assert policy.slices.columns == ("region",)
    assert policy.fairness["sex"].equalised_odds == 0.1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"budgets": {"predict_ms_95": 1}}, "unknown fact 'predict_ms_95'; did you mean 'predict_ms_p95'"),
        ({"budgets": {"qqqq": 1}}, "supported: batch_ms_p50, batch_ms_p95, bytes"),
        ({"floors": {"roc_acu": 0.5}}, "'roc_acu' is not a known metric; did you mean 'roc_auc'"),
        ({"floors": {"rmse": 1.0}}, "floors.rmse is of a regression task, roc_auc of a binary one"),
        ({"metric": "mae", "fairness": {"sex": {"demographic_parity": 0.1}}}, "fairness needs a classification metric"),
        ({"fairness": {"sex": {}}}, "set demographic_parity, equalised_odds, or both"),
        ({"fairness": {"sex": {"equalized_odds": 0.1}}}, "did you mean 'equalised_odds'"),
        ({"predictions": {}}, "set max_shift, min_correlation, or both"),
        ({"slices": {"maximum_los": 0.1}}, "did you mean 'maximum_loss'"),
        ({"slices": {"maximum_loss": -0.1}}, "slices.maximum_loss"),
        ({"slices": {"not_judged": "hold"}}, "slices: 'not_judged' was renamed to 'inconclusive'"),
        ({"fairness": {"sex": {"not_judged": "hold"}}}, "fairness.sex: 'not_judged' was renamed to 'inconclusive'"),
        ({"slices": {"inconclusive": "tell"}}, "slices.inconclusive: Input should be 'warn', 'hold' or 'reject'"),
        ({"self_tests": "if_given"}, "self_tests: Input should be 'if_present' or 'required'"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_probably_meant(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as error:
        GatePolicy.load(values)
    assert said in str(error.value)
