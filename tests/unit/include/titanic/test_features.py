from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.data.contracts import Contract
from include.titanic.features import CATEGORICAL, FEATURES, KEY, NUMERIC, TARGET, TEXT, passenger_row, typical_title

REPO = Path(__file__).parents[4]
FORM: dict[str, Any] = {
    "passenger_class": 1,
    "sex": "female",
    "age": 38,
    "fare": 71.3,
    "siblings_spouses": 1,
    "parents_children": 0,
    "embarked": "C",
    "name": "Example, Mrs. Eve",
    "ticket": "PC 17599",
    "cabin": "C85",
}


def test_the_model_gets_the_columns_that_the_contract_calls_features() -> None:
    contract = Contract.load("include/titanic/contract.yaml")
    assert contract.features == FEATURES
    assert (contract.key, contract.label) == ((KEY,), TARGET)
    assert sorted(FEATURES) == sorted([*NUMERIC, *CATEGORICAL, *TEXT])
    assert not {KEY, TARGET} & set(FEATURES)


def test_a_passenger_is_one_row_of_what_the_form_says() -> None:
    row = passenger_row(FORM)
    assert list(row.columns) == FEATURES
    assert row.iloc[0].to_dict() == {
        "Pclass": 1,
        "Name": "Example, Mrs. Eve",
        "Sex": "female",
        "Age": 38.0,
        "SibSp": 1,
        "Parch": 0,
        "Ticket": "PC 17599",
        "Fare": 71.3,
        "Cabin": "C85",
        "Embarked": "C",
    }


def test_what_the_form_leaves_open_is_missing_and_the_name_fits() -> None:
    unknown = dict.fromkeys(["age", "fare", "embarked", "name", "ticket", "cabin"])
    row = passenger_row({**FORM, **unknown})
    assert row.columns[row.isna().any()].tolist() == ["Age", "Fare", "Cabin", "Embarked"]
    assert row["Name"].item() == "Nobody, Miss. N."
    assert row["Ticket"].item() == ""


def test_an_age_of_nought_is_an_age() -> None:
    assert passenger_row({**FORM, "age": 0})["Age"].item() == 0


@pytest.mark.parametrize(
    ("sex", "age", "expected"),
    [
        ("female", 3, "Miss"),
        ("female", None, "Miss"),
        ("male", 3, "Master"),
        ("male", 0, "Master"),
        ("male", 40, "Mr"),
        ("male", None, "Mr"),
    ],
)
def test_the_title_fits_sex_and_age(sex: str, age: float | None, expected: str) -> None:
    assert typical_title(sex, age) == expected


def test_parsing_the_dag_costs_no_more_than_airflow_itself(tmp_path: Path) -> None:
    code = """
import sys
import airflow.sdk
before = {name.partition(".")[0] for name in sys.modules}
import dags.titanic
added = {name.partition(".")[0] for name in sys.modules} - before
heavy = "evidently joblib mlflow numpy pandas polars pyarrow scipy skops sklearn sqlalchemy"
print("added:", sorted(added & set(heavy.split())))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": f"{REPO}:{REPO / 'provider'}", "PATH": ""},
        cwd=tmp_path,
        timeout=120,
    )
    assert "added: []" in done.stdout, done.stdout
