"""The model's columns, and the conversion of the DAG's form to a row.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

KEY = "PassengerId"
TARGET = "Survived"
NUMERIC = ["Pclass", "Age", "SibSp", "Parch", "Fare"]
CATEGORICAL = ["Sex", "Embarked"]
TEXT = ["Name", "Ticket", "Cabin"]
FEATURES = ["Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"]
"""In the order of the CSV file, and of the contract."""
ADULT_AGE = 15
"""Age from which a boy is listed as Mr. instead of Master."""

Form = Mapping[str, Any]


def passenger_row(form: Form) -> pd.DataFrame:
    """Return one passenger as a row of the model's columns.

    :param form: the DAG's params: ``passenger_class`` (1 to 3), ``sex``, ``age`` (years or None), ``fare``
        (pounds or None), ``siblings_spouses``, ``parents_children``, ``embarked`` (C, Q, S or None),
        ``name``, ``ticket`` and ``cabin`` (text or None)
    :return: one row of ``FEATURES``; missing values are NaN, as in a snapshot
    """
    import pandas as pd

    row = {
        "Pclass": int(form["passenger_class"]),
        "Name": form.get("name") or f"Nobody, {typical_title(form['sex'], form.get('age'))}. N.",
        "Sex": form["sex"],
        "Age": _number(form.get("age")),
        "SibSp": int(form["siblings_spouses"]),
        "Parch": int(form["parents_children"]),
        "Ticket": form.get("ticket") or "",
        "Fare": _number(form.get("fare")),
        "Cabin": form.get("cabin") or float("nan"),
        "Embarked": form.get("embarked") or float("nan"),
    }
    text = dict.fromkeys([*TEXT, *CATEGORICAL], object)
    return pd.DataFrame([row], columns=FEATURES).astype(text)


def typical_title(sex: str, age: float | None) -> str:
    """Return the typical title for a sex and an age.

    :param sex: ``female`` or ``male``
    :param age: in years; None when unknown
    """
    if sex == "female":
        return "Miss"
    return "Master" if age is not None and age < ADULT_AGE else "Mr"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
