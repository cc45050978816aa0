"""All figures of a model, and for each way of failing words of its own; none of them looks like a good figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.report import Report, verdict_of
from airflow_mlops.core.evaluation import report
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.metrics import metrics_of_same_task


def rows(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300).astype(float)
    return pd.DataFrame({"q": np.clip(0.3 + 0.4 * y + rng.normal(0, 0.2, 300), 0.01, 0.99), "y": y})


def judged(both: Any, **asked: Any) -> tuple[dict[str, Any], list[Any]]:
    facts = {role: report.model_metrics(both, role, EvaluationOptions(**asked)) for role in both.scores}
    return facts, report.evaluation_checks(
        both, {role: of["metrics"] for role, of in facts.items()}, EvaluationOptions(**asked)
    )


def test_every_metric_of_the_task_has_a_value_inside_its_interval(scored: Callable[..., Any], by_column: Any) -> None:
    facts, checks = judged(scored(rows(), challenger=by_column("q")))
    found = facts["challenger"]
    assert set(found["metrics"]) == set(found["intervals"]) == set(metrics_of_same_task("roc_auc"))
    for name, (low, high) in found["intervals"].items():
        if name != "calibration_error":  # resamples are less well calibrated than the rows that they are of
            assert low <= found["metrics"][name] <= high
    assert found["predict_ms_per_1000"] > 0
    assert len(found["calibration"]) == 10
    assert "importance" not in found
    assert verdict_of(checks) == "pass"


def test_the_importance_is_the_challengers(scored: Callable[..., Any], by_column: Any) -> None:
    both = scored(rows(), challenger=by_column("q"), champion=by_column("q"))
    facts, checks = judged(both, importance=True)
    assert facts["challenger"]["importance"][0][0] == "q"
    assert "importance" not in facts["champion"]
    assert any(c.name == "worst slice" for c in checks)


def test_values_have_no_calibration(scored: Callable[..., Any], value: Any) -> None:
    facts, _ = judged(scored(rows(), "rmse", challenger=value("q")))
    assert set(facts["challenger"]["metrics"]) == set(metrics_of_same_task("rmse"))
    assert "calibration" not in facts["challenger"]


@pytest.mark.parametrize("role", ["challenger", "champion"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_not_finite_fail_in_words(
    role: str, wrong: float, scored: Callable[..., Any], by_column: Any
) -> None:
    frame = rows().assign(bad=0.5)
    frame.loc[:6, "bad"] = wrong
    models = {"challenger": by_column("q"), "champion": by_column("q"), role: by_column("bad")}
    facts, checks = judged(scored(frame, **models))
    assert all(np.isnan(v) for v in facts[role]["metrics"].values())
    assert verdict_of(checks) == "fail"
    failed = next(c for c in checks if c.status == "fail")
    assert failed.where == role
    assert f"7 of 300 scores of the {role} m v" in failed.message


def test_one_class_has_words_of_its_own(scored: Callable[..., Any], by_column: Any) -> None:
    _, checks = judged(scored(rows().assign(y=1.0), challenger=by_column("q")))
    assert verdict_of(checks) == "inconclusive"
    assert "all 300 gate rows are of one class, 1" in checks[0].message


def test_a_constant_target_has_no_r2_and_says_so(scored: Callable[..., Any], value: Any) -> None:
    _, checks = judged(scored(rows().assign(y=2.5), "r2", challenger=value("q")))
    assert checks[0].status == "inconclusive"
    assert "have one value, 2.5" in checks[0].message


def test_scores_that_are_no_probabilities_have_words_of_their_own(scored: Callable[..., Any], by_column: Any) -> None:
    _, checks = judged(scored(rows().assign(q=3.0), "log_loss", challenger=by_column("q")))
    assert checks[0].status == "inconclusive"
    assert "not probabilities" in checks[0].message


def test_what_is_not_a_number_survives_the_way_through_json(scored: Callable[..., Any], by_column: Any) -> None:
    facts, checks = judged(scored(rows().assign(y=1.0), challenger=by_column("q")))
    back = Report.from_checks("evaluation", "m v1", checks, facts={"roles": facts}).to_dict()
    assert back["facts"]["roles"]["challenger"]["metrics"]["roc_auc"] == "nan"
