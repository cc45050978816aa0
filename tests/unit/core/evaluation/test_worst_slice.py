"""The worst slice is found, told with how sure it is, and never flattered by the rows that chose it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.evaluation.worst_slice import find_worst_slice


def rows(count: int = 4000, seed: int = 0, *, planted: bool = True) -> pd.DataFrame:
    """Where ``region`` is ``north`` and ``age`` is above its last quartile, the score is noise."""
    rng = np.random.default_rng(seed)
    y = (rng.random(count) < 0.5).astype(float)
    frame = pd.DataFrame(
        {
            "region": rng.choice(["north", "south", "east", None], count),
            "age": rng.normal(40, 10, count),
            "noise": rng.normal(size=count),
            "y": y,
        }
    )
    bad = (frame["region"] == "north") & (frame["age"] > frame["age"].quantile(0.75)) & planted
    frame["q"] = np.where(bad, 0.5, 0.15 + 0.7 * y)
    return frame


FEATURES = ["region", "age", "noise", "q"]


def found(frame: pd.DataFrame, scored: Callable[..., Any], model: Any, **other: Any) -> Any:
    given = {"challenger": model("q"), "features": FEATURES, **other}
    both = scored(frame, **given)
    object.__setattr__(both.rows, "features", both.rows.features.drop(columns="q"))
    return find_worst_slice(both)


def test_a_slice_of_two_features_that_was_planted_is_found(scored: Callable[..., Any], by_column: Any) -> None:
    check = found(rows(), scored, by_column)
    assert check.where.startswith("slice ")
    assert "region=north" in check.where
    assert "age > " in check.where
    seen = check.observed
    assert seen["low"] > 0.3
    assert seen["difference"] == pytest.approx(seen["loss"] - seen["other_loss"])
    assert seen["loss"] == pytest.approx(np.log(2))
    assert "significantly worse" in check.message
    assert check.severity == "info"


def test_where_nothing_is_worse_the_search_does_not_claim_it(scored: Callable[..., Any], by_column: Any) -> None:
    claims = 0
    for seed in range(30):
        frame = rows(1200, seed, planted=False)
        rng = np.random.default_rng(1000 + seed)
        frame["q"] = rng.beta(2, 2, len(frame))
        check = found(frame, scored, by_column)
        assert check.observed["loss"] > 0
        claims += check.observed["low"] > 0
    assert claims <= 4  # one side of a 95 % interval: 0.75 of 30 expected; five have a chance of one in a thousand


def test_customers_are_not_parted_between_searching_and_measuring(scored: Callable[..., Any], by_column: Any) -> None:
    frame = rows(300, planted=False)
    many = pd.concat([frame] * 10, ignore_index=True).assign(customer=np.tile(np.arange(300), 10))
    honest = found(many, scored, by_column, cluster="customer", features=[*FEATURES, "customer"])
    naive = found(many, scored, by_column)
    assert honest.observed["rows"] % 10 == 0  # all ten rows of each customer
    assert naive.observed["rows"] % 10 != 0 or naive.where != honest.where


def test_the_champions_loss_there_stands_beside(scored: Callable[..., Any], by_column: Any) -> None:
    frame = rows()
    check = found(
        frame.assign(p=0.15 + 0.7 * frame["y"]), scored, by_column, champion=by_column("p"), features=[*FEATURES, "p"]
    )
    assert check.observed["champion"] < check.observed["loss"]


@pytest.mark.parametrize("count", [10, 150])
def test_too_few_rows_are_not_searched(count: int, scored: Callable[..., Any], by_column: Any) -> None:
    check = found(rows(count), scored, by_column)
    assert check.status == "inconclusive"
    assert f"{count} rows are too few" in check.message


def test_losses_that_are_not_finite_are_not_searched(scored: Callable[..., Any], by_column: Any) -> None:
    frame = rows(1000)
    frame.loc[0, "q"] = 7.0
    assert found(frame, scored, by_column).status == "inconclusive"


def test_features_that_cut_nothing_are_said(scored: Callable[..., Any], by_column: Any) -> None:
    frame = rows(1000).assign(region="north", age=1, noise=0)
    check = found(frame, scored, by_column)
    assert check.status == "inconclusive"
    assert "no feature splits" in check.message


def test_a_slice_has_the_rows_that_were_promised(scored: Callable[..., Any], by_column: Any) -> None:
    for seed in range(5):
        check = found(rows(1000, seed), scored, by_column)
        assert 50 <= check.observed["rows"] <= 300  # of the half that it is measured on
