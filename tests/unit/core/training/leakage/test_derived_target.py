"""Features that add up to the target are found among others, the fewest of them, and said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.training.leakage.derived_target import (
    LinearRelation,
    check_derived_target,
    format_product,
    format_sum,
)
from airflow_mlops.core.training.leakage.rows import label_rows

ROWS = 400


def found(frame: pd.DataFrame) -> list[Any]:
    features = [c for c in frame.columns if c != "y"]
    train = label_rows(frame[: len(frame) // 2], "y", features)
    return list(check_derived_target(train, label_rows(frame[len(frame) // 2 :], "y", features, like=train)))


def others(rng: np.random.Generator, columns: int = 4) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(5, 2, (ROWS, columns))).rename(columns=lambda n: f"other{n}")


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 3.0]), min_size=1, max_size=4),
    st.sampled_from([0.0, 7.0, -3.0]),
)
def test_a_sum_hidden_among_others_is_found_with_its_factors(seed: int, factors: list[float], constant: float) -> None:
    rng = np.random.default_rng(seed)
    parts = pd.DataFrame({f"p{n}": rng.gamma(2, 5, ROWS) for n in range(len(factors))})
    frame = pd.concat([others(rng), parts], axis=1)
    frame["y"] = parts.to_numpy() @ factors + constant
    (check,) = found(frame)
    assert (check.status, check.where) == ("fail", ", ".join(parts.columns))
    assert check.observed["factors"] == pytest.approx(factors, abs=1e-6)


def test_a_summand_of_which_there_is_little_is_named_too() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng).assign(large=rng.gamma(2, 1000, ROWS), fee=rng.uniform(1, 2, ROWS))
    frame["y"] = frame["large"] + frame["fee"]
    (check,) = found(frame)
    assert ": y = large + fee (" in check.message


def test_two_ways_to_the_target_are_both_told() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng).assign(a=rng.normal(size=ROWS), b=rng.normal(size=ROWS), c=rng.normal(size=ROWS))
    frame["y"] = frame["a"] + frame["b"]
    frame["d"] = frame["y"] - frame["c"]
    assert sorted(str(check.where) for check in found(frame)) == ["a, b", "c, d"]


def test_products_and_ratios_are_found_on_logarithms() -> None:
    rng = np.random.default_rng(0)
    frame = (others(rng).abs() + 1).assign(price=rng.gamma(3, 2, ROWS) + 0.1, sold=rng.integers(1, 30, ROWS))
    (product,) = found(frame.assign(y=frame["price"] * frame["sold"]))
    assert ": y = price × sold (" in product.message
    (ratio,) = found(frame.assign(y=100 * frame["price"] / frame["sold"]))
    assert ": y = 100 × price / sold (" in ratio.message


def test_a_sum_with_noise_is_no_sum() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng).assign(a=rng.normal(size=ROWS), b=rng.normal(size=ROWS))
    (check,) = found(frame.assign(y=frame["a"] + frame["b"] + rng.normal(0, 0.1, ROWS)))
    assert check.status == "pass"


def test_missing_values_constants_and_text_are_in_nobody_s_way() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng).assign(a=rng.normal(size=ROWS), b=rng.normal(size=ROWS), constant=1, words="x")
    frame["y"] = frame["a"] - frame["b"]
    frame.loc[::9, "other0"] = np.nan
    frame.loc[::2, "other1"] = np.nan
    (check,) = found(frame)
    assert ": y = a − b (" in check.message


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_sum_whose_parts_are_often_missing_is_found(share: float) -> None:
    rng = np.random.default_rng(0)
    frame = others(rng).assign(casual=rng.integers(0, 99, ROWS), registered=rng.integers(0, 99, ROWS))
    frame["y"] = frame["casual"] + frame["registered"]
    frame["casual"] = frame["casual"].astype("Int64").mask(rng.random(ROWS) < share)
    (check,) = found(frame)
    assert ": y = casual + registered (" in check.message


def test_many_features_that_are_now_and_then_missing_hide_no_sum() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng, 40)
    frame = frame.mask(rng.random(frame.shape) < 0.15).assign(a=rng.normal(size=ROWS), b=rng.normal(size=ROWS))
    (check,) = found(frame.assign(y=frame["a"] + frame["b"]))
    assert check.where == "a, b"
    (check,) = found(frame.assign(y=rng.normal(size=ROWS)))
    assert check.status == "pass"
    assert check.observed["excluded"] > 20
    assert "were not checked" in check.message


@pytest.mark.parametrize("where", ["train", "held out", "nowhere that is looked at"])
def test_a_flag_that_is_hardly_ever_set_is_in_nobody_s_way(where: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=20_000), "flag": 0.0})
    frame.loc[{"train": 0, "held out": 10_000}.get(where, 1), "flag"] = 1.0
    assert [c.status for c in found(frame.assign(y=rng.normal(size=20_000)))] == ["pass"]
    assert [c.where for c in found(frame.assign(y=2 * frame["a"]))] == ["a"]


def test_a_binary_target_that_is_the_sum_of_its_causes_is_found() -> None:
    rng = np.random.default_rng(0)
    why = rng.integers(0, 4, ROWS)
    frame = others(rng).assign(moved=(why == 1), failed=(why == 2))
    (check,) = found(frame.assign(y=np.isin(why, (1, 2)).astype(int)))
    assert ": y = moved + failed (" in check.message


def test_more_columns_than_rows_do_not_add_up_by_chance_and_a_sum_is_found_among_them() -> None:
    rng = np.random.default_rng(0)
    frame = others(rng, 300)
    assert [c.status for c in found(frame.assign(y=rng.normal(size=ROWS)))] == ["pass"]
    (check,) = found(frame.assign(y=frame["other7"] + frame["other250"]))
    assert check.where == "other7, other250"


def test_too_few_complete_rows_are_not_judged() -> None:
    frame = pd.DataFrame({"a": np.r_[np.ones(50), [np.nan] * 150], "b": [np.nan] * 200, "y": np.arange(200.0)})
    assert [c.status for c in found(frame)] == ["inconclusive"]


@pytest.mark.parametrize(
    ("factors", "constant", "said"),
    [
        ((1, 1), 0, "y = a + b"),
        ((-1, 1), 0, "y = b − a"),
        ((0.5, -2), 3, "y = 0.5 × a − 2 × b + 3"),
        ((-1, -1), -1, "y = −a − b − 1"),
    ],
)
def test_a_sum_is_said_in_words(factors: tuple[float, ...], constant: float, said: str) -> None:
    assert format_sum("y", LinearRelation(("a", "b"), factors, constant, 1)) == said


@pytest.mark.parametrize(
    ("powers", "factor", "said"),
    [
        ((1, 1), 1, "y = a × b"),
        ((1, -1), 1, "y = a / b"),
        ((2, -0.5), 3, "y = 3 × a^2 / b^0.5"),
        ((-1, -1), 1, "y = 1 / a / b"),
    ],
)
def test_a_product_is_said_in_words(powers: tuple[float, ...], factor: float, said: str) -> None:
    assert format_product("y", LinearRelation(("a", "b"), powers, float(np.log(factor)), 1)) == said
