"""Model tests of survival, for models of the real list and of synthetic data.

Each case sets all important columns, because default values of ticket and name could contradict the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.model_tests import Case, Direction, Invariance, ModelScorer, at_least, at_most
from include.titanic.features import passenger_row

if TYPE_CHECKING:
    import pandas as pd

ALONE = {"SibSp": 0, "Parch": 0, "Cabin": None, "Embarked": "S"}
LADY = {
    **ALONE,
    "Pclass": 1,
    "Sex": "female",
    "Name": "Example, Mrs. Adam (Eve)",
    "Age": 38.0,
    "Fare": 80.0,
    "Ticket": "PC 17599",
    "Cabin": "C85",
}
LABOURER = {
    **ALONE,
    "Pclass": 3,
    "Sex": "male",
    "Name": "Example, Mr. Adam",
    "Age": 28.0,
    "Fare": 8.05,
    "Ticket": "373450",
}
CLERK = {**LABOURER, "Pclass": 2, "Fare": 26.0, "Ticket": "248738", "Parch": 1}
BOY = {**CLERK, "Name": "Example, Master. Abel", "Age": 4.0}


def other_numbers(tickets: pd.Series[Any]) -> pd.Series[Any]:
    """Replace each ticket's number except for its first digit, that of the series."""
    return tickets.str.replace(r"(?<=\d)\d+$", "4711", regex=True)


CASES = [
    Case(inputs=LADY, expect=at_least(0.7), reason="women of the first class nearly always survived"),
    Case(inputs=LABOURER, expect=at_most(0.35), reason="men of the third class rarely survived"),
]
INVARIANCES = [
    Invariance(
        column="Ticket", to=other_numbers, tolerance=0.01, min_fraction=1.0, reason="the ticket number has no effect"
    ),
]
DIRECTIONS = [
    Direction(
        column="Sex",
        to="female",
        also={"Name": "Example, Mrs. Adam (Eve)"},
        where={"Sex": "male", "Pclass": 1},
        expect="higher",
        reason="women first",
    ),
    Direction(
        column="Pclass",
        to=3,
        where={"Sex": "female"},
        expect="lower",
        min_fraction=0.9,
        reason="the first class was nearer to the boats",
    ),
]


def test_first_class_women_score_above_third_class_men(model: ModelScorer) -> None:
    """A woman of the first class has a much higher probability than a man of the third."""
    hers, his = model.score(LADY), model.score(LABOURER)
    assert hers > his + 0.4, f"woman {hers:.2f}, man {his:.2f}"


def test_boys_score_above_men(model: ModelScorer) -> None:
    """Women and children first: a boy has a higher probability than a man."""
    child, man = model.score(BOY), model.score(CLERK)
    assert child > man, f"boy {child:.2f}, man {man:.2f}"


def test_a_minimal_form_is_scored(model: ModelScorer) -> None:
    """A form with only the required fields is scored."""
    form = {"passenger_class": 3, "sex": "male", "siblings_spouses": 0, "parents_children": 0}
    [probability] = model.scores(passenger_row(form))
    assert 0 <= probability <= 0.5, f"a man with missing values gets {probability:.2f}"
