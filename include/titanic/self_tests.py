"""What a model of survival has to know, whatever it was trained on: the list, or the look-alike.

Each case names all columns that matter: a ticket or a name that is only typical of the rows may be anybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.evaluation.self_tests import Case, Direction, Invariance, Scorer, at_least, at_most
from include.titanic.features import passenger

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
    """Give each ticket another number, of which the first digit, that of its series, stays."""
    return tickets.str.replace(r"(?<=\d)\d+$", "4711", regex=True)


CASES = [
    Case(inputs=LADY, expect=at_least(0.7), why="a lady of the first class was nearly always saved"),
    Case(inputs=LABOURER, expect=at_most(0.35), why="a man of the third class rarely was"),
]
INVARIANCES = [
    Invariance(column="Ticket", to=other_numbers, tolerance=0.01, share=1.0, why="a ticket's number says nothing"),
]
DIRECTIONS = [
    Direction(
        column="Sex",
        to="female",
        also={"Name": "Example, Mrs. Adam (Eve)"},
        where={"Sex": "male", "Pclass": 1},
        then="higher",
        why="women first",
    ),
    Direction(column="Pclass", to=3, where={"Sex": "female"}, then="lower", share=0.9, why="the boats were up there"),
]


def test_a_lady_of_the_first_class_is_better_off_than_a_man_of_the_third(model: Scorer) -> None:
    """A lady of the first class has a far better chance than a man of the third."""
    hers, his = model.score(LADY), model.score(LABOURER)
    assert hers > his + 0.4, f"she has {hers:.2f}, he has {his:.2f}"


def test_a_boy_is_better_off_than_a_man(model: Scorer) -> None:
    """Women and children first: a boy has a better chance than the man who travels with him."""
    child, man = model.score(BOY), model.score(CLERK)
    assert child > man, f"the boy has {child:.2f}, the man {man:.2f}"


def test_the_form_of_the_dag_is_answered(model: Scorer) -> None:
    """What the form gives when all that may be empty is, is answered."""
    form = {"passenger_class": 3, "sex": "male", "siblings_spouses": 0, "parents_children": 0}
    [chance] = model.scores(passenger(form))
    assert 0 <= chance <= 0.5, f"a man of whom nothing is known gets {chance:.2f}"
