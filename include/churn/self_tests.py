"""Model tests of churn.

Churn reasons change: before the price rise calls are a bad sign, afterwards a good one. These tests hold before and
after the change, so that a retraining does not fail because of it.
"""

from __future__ import annotations

from airflow_mlops.core.model_tests import Case, Direction, Invariance, ModelScorer, at_most
from include.churn.features import CATEGORICAL, NUMERIC

PLANS = ("basic", "standard", "premium")

CASES = [
    Case(inputs={"plan": plan}, expect=at_most(0.4), reason=f"the typical {plan} customer stays") for plan in PLANS
]
INVARIANCES = [
    Invariance(
        column="region", to="north", tolerance=0.1, min_fraction=0.9, reason="the region has no effect on churn"
    ),
    Invariance(
        column="acquisition_channel",
        to="organic",
        tolerance=0.1,
        min_fraction=0.85,
        reason="the acquisition channel has little effect",
    ),
]
DIRECTIONS = [
    Direction(
        column="weekly_price",
        by=0.5,
        expect="not lower",
        tolerance=0.05,
        min_fraction=0.8,
        reason="a higher price does not lower churn",
    ),
]


def test_predicted_churn_rate_matches_the_actual_one(model: ModelScorer) -> None:
    """The mean score is the fraction of customers who left, within five points."""
    predicted, actual = model.scores(model.rows).mean(), model.target.mean()
    assert abs(predicted - actual) < 0.05, f"predicted churn {predicted:.1%}, actual {actual:.1%}"


def test_missing_values_are_scored(model: ModelScorer) -> None:
    """All columns that may be missing can be missing at once."""
    unknown = dict.fromkeys(["age", "weekly_price", "minutes_7d", "acquisition_channel"])
    score = model.score({**unknown, "segment": "another one"})
    assert score < 0.6, f"a customer with missing values gets {score:.2f}"


def test_all_features_are_present(model: ModelScorer) -> None:
    """The rows have all columns of the feature query."""
    missing = {*NUMERIC, *CATEGORICAL} - {*model.rows.columns}
    assert not missing, f"missing columns: {sorted(missing)}"
