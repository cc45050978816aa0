"""A broken column is told from a changed world by two profiles alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.core.monitoring.upstream import broken_columns

ROWS = 3000


def customers(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "price": rng.gamma(4, 5, ROWS),
            "age": rng.normal(40, 10, ROWS),
            "plan": rng.choice(["basic", "standard", "premium"], ROWS, p=[0.5, 0.3, 0.2]),
            "region": rng.choice(["north", "south"], ROWS),
        }
    )


def broken(**change: Any) -> dict[str, str]:
    """Drift by a change of some columns, and what of it is called broken."""
    reference = profile(customers(1))
    frame = customers(2)
    now = frame.assign(**change)
    current = profile(now[[c for c in now if now[c].notna().any() or c not in change]], like=reference)
    report = check_drift(reference, current, DriftPolicy())
    drifted = [str(c.where) for c in report.checks if c.status == "fail"]
    assert drifted or not change
    return broken_columns(reference, current, drifted)


def emptied(share: float) -> Any:
    return lambda f: f["price"].mask(f.index < share * len(f))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": emptied(0.3)}, "missing 0% -> 30%"),
        ({"price": 0.0}, "always 0"),
        ({"price": lambda f: f["price"].where(f.index > 3, np.inf)}, "infinite"),
        ({"price": lambda f: f["price"] * 100}, "times what they were"),
        ({"plan": "premium"}, "'premium' in"),
        ({"plan": lambda f: f["plan"].replace("premium", "Premium ")}, "'Premium '"),
        ({"plan": lambda f: f["plan"].replace("premium", "unknown")}, "'unknown'"),
        ({"plan": lambda f: f["plan"].replace("premium", "P3")}, "'premium' gone, 'P3' in its place"),
        ({"plan": lambda f: f["plan"].replace("premium", None)}, "'premium' gone"),
    ],
    ids=["emptied", "frozen", "infinite", "cents", "one value", "respelt", "placeholder", "renamed", "lost"],
)
def test_a_fault_of_one_column_is_named(change: dict[str, Any], told: str) -> None:
    found = broken(**change)
    assert list(found) == list(change)
    assert told in next(iter(found.values()))


def test_a_column_that_is_gone_or_has_become_something_else_is_broken() -> None:
    reference = profile(customers(1))
    assert broken_columns(reference, profile(customers(2).drop(columns="age"), like=reference), ["age"]) == {
        "age": "the column is gone"
    }
    texts = profile(customers(2).assign(age="?"), like=reference)
    assert "was of kind number" in broken_columns(reference, texts, ["age"])["age"]


def test_rows_of_one_kind_that_are_lost_are_a_fault() -> None:
    reference = profile(customers(1))
    frame = customers(2)
    current = profile(frame[frame["plan"] != "premium"], like=reference)
    assert broken_columns(reference, current, ["plan"]) == {"plan": "'premium' gone, all other values as before"}


@pytest.mark.parametrize(
    "change",
    [
        {"price": lambda f: f["price"] + 5},
        {"price": lambda f: f["price"] * 1.2},
        {"price": emptied(0.1)},
        {"plan": lambda f: f["plan"].where(f.index > 900, "gold")},
        {"plan": lambda f: f["plan"].where(f.index > 700, "premium")},
        {
            "plan": lambda f: f["plan"].replace("premium", "P3"),
            "age": lambda f: f["age"] + 8,
        },  # the world moved as well
    ],
    ids=["dearer", "dearer by a factor", "some missing", "a new plan", "another mix", "renamed, and older customers"],
)
def test_a_changed_world_is_not_called_broken(change: dict[str, Any]) -> None:
    assert broken(**change) == {}


def test_an_emptied_column_is_broken_whatever_else_moved() -> None:
    found = broken(price=emptied(0.5), age=lambda f: f["age"] + 8)
    assert list(found) == ["price"]


def test_without_drift_nothing_is_broken() -> None:
    assert broken() == {}
