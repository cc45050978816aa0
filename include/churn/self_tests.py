"""What a model of churn has to know, whatever the reasons to leave are just now.

Reasons change: in quiet times those leave who use the product little or call a lot; after a price rise calls are a
good sign. What is written here holds before and after, so that no retraining fails because the world has moved.
"""

from __future__ import annotations

from airflow_mlops.core.evaluation.self_tests import Case, Direction, Invariance, Scorer, at_most
from include.churn.features import CATEGORICAL, NUMERIC

PLANS = ("basic", "standard", "premium")

CASES = [
    Case(inputs={"plan": plan}, expect=at_most(0.4), why=f"the typical customer with {plan} stays") for plan in PLANS
]
INVARIANCES = [
    Invariance(column="region", to="north", tolerance=0.1, share=0.9, why="nobody leaves for where they live"),
    Invariance(
        column="acquisition_channel", to="organic", tolerance=0.1, share=0.85, why="how they came is long ago by then"
    ),
]
DIRECTIONS = [
    Direction(
        column="weekly_price", by=0.5, then="not lower", tolerance=0.05, share=0.8, why="a higher price keeps nobody"
    ),
]


def test_as_many_are_said_to_leave_as_do(model: Scorer) -> None:
    """The mean chance is the share of customers who left, within a few points."""
    said, left = model.scores(model.rows).mean(), model.target.mean()
    assert abs(said - left) < 0.05, f"{said:.1%} are said to leave, {left:.1%} did"


def test_a_customer_of_whom_little_is_known_is_answered(model: Scorer) -> None:
    """What the contract allows to be missing may all be missing at once."""
    unknown = dict.fromkeys(["age", "weekly_price", "minutes_7d", "acquisition_channel"])
    chance = model.score({**unknown, "segment": "another one"})
    assert chance < 0.6, f"somebody of whom little is known gets {chance:.2f}"


def test_no_feature_is_left_out(model: Scorer) -> None:
    """The rows have the columns of the bundle's feature query, all of them."""
    missing = {*NUMERIC, *CATEGORICAL} - {*model.rows.columns}
    assert not missing, f"the rows lack {sorted(missing)}"
