"""One feature that tells the target is found whatever its type and shape, and a merely good one is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.training.leakage.rows import label_rows
from airflow_mlops.core.training.leakage.target_proxy import compute_strengths

Array = Any
ROWS = 1200


def strength(feature: Any, target: Any, kind: str | None = None) -> float:
    frame = pd.DataFrame({"f": feature, "y": target}).sample(frac=1, random_state=1)
    train = label_rows(frame[: ROWS // 2], "y", ["f"])
    assert kind in (None, train.kind)
    return compute_strengths(train, label_rows(frame[ROWS // 2 :], "y", ["f"], like=train))["f"]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


BINARY: dict[str, Callable[[Array, Any], Any]] = {
    "the target itself": lambda y, _: y,
    "its opposite": lambda y, _: 1 - y,
    "in words": lambda y, _: np.where(y == 1, "left", "stayed"),
    "as truth": lambda y, _: y == 1,
    "a noisy copy": lambda y, rng: y + rng.normal(0, 0.05, ROWS),
    "missing unless it is so": lambda y, rng: np.where(y == 1, rng.normal(size=ROWS), np.nan),
    "a date unless it is so": lambda y, _: pd.Series(pd.Timestamp("2026-01-01"), range(ROWS)).where(y == 1),
    "text unless it is so": lambda y, rng: [None if v else f"note {n}" for n, v in enumerate(y)],
    "a band in the middle": lambda y, rng: np.where(
        y == 1, rng.uniform(-1, 1, ROWS), rng.choice([-1, 1], ROWS) * rng.uniform(1.01, 9, ROWS)
    ),
    "a code with many values": lambda y, rng: 2 * rng.integers(0, 40, ROWS) + y,
}


@pytest.mark.parametrize("shape", BINARY)
def test_a_leaked_label_is_found_in_every_shape(shape: str, rng: np.random.Generator) -> None:
    y = (rng.random(ROWS) < 0.3).astype(int)
    assert strength(BINARY[shape](y, rng), y, "binary") > 0.99
    assert strength(BINARY[shape](y, rng), np.where(y == 1, "yes", "no"), "binary") > 0.99


NUMBER: dict[str, Callable[[Array, Any], Any]] = {
    "another unit": lambda y, _: 3.6 * y + 32,
    "its logarithm": lambda y, _: np.log(y),
    "nearly": lambda y, rng: y + rng.normal(0, 0.01 * y.std(), ROWS),
    "its opposite": lambda y, _: 1 / y,
}


@pytest.mark.parametrize("shape", NUMBER)
def test_a_number_that_gives_the_target_is_found(shape: str, rng: np.random.Generator) -> None:
    y = rng.gamma(3, 2, ROWS)
    assert strength(NUMBER[shape](y, rng), y, "number") > 0.99


def test_a_class_given_away_is_found_and_merely_good_features_are_not(rng: np.random.Generator) -> None:
    y = rng.choice(["setosa", "versicolor", "virginica"], ROWS)
    code = np.select([y == "setosa", y == "versicolor"], [7, 3], 5)
    assert strength(code, y, "classes") == 1
    assert strength(code + rng.normal(0, 0.05, ROWS), y, "classes") > 0.99
    assert 0.5 < strength(code + rng.normal(0, 0.5, ROWS), y) < 0.98


def test_a_strong_but_honest_feature_does_not_tell(rng: np.random.Generator) -> None:
    x = rng.normal(size=ROWS)
    chance = 1 / (1 + np.exp(-3 * x))
    y = (rng.random(ROWS) < chance).astype(int)
    assert 0.8 < strength(x, y) < 0.97
    amount = 5 * x + rng.normal(size=ROWS)
    assert 0.9 < strength(x, amount) < 0.98


def test_names_and_keys_that_never_come_again_tell_nothing(rng: np.random.Generator) -> None:
    y = (rng.random(ROWS) < 0.5).astype(int)
    assert strength([f"name {n}" for n in range(ROWS)], y) == pytest.approx(0.5)
    assert strength(np.arange(ROWS), y) < 0.7


def test_infinite_and_absent_values_are_survived(rng: np.random.Generator) -> None:
    y = (rng.random(ROWS) < 0.5).astype(int)
    feature = np.where(rng.random(ROWS) < 0.1, np.inf, rng.normal(size=ROWS))
    assert 0.3 < strength(feature, y) < 0.7
    assert strength([np.nan] * ROWS, y) == pytest.approx(0.5)
    assert strength([None] * ROWS, y) == pytest.approx(0.5)
