"""Gaps between groups are the differences of their rates, with how sure they are; small groups are only named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.evaluation.fairness import ODDS, PARITY, fairness_checks


def people(rows: int = 600, seed: int = 0, **shift: float) -> pd.DataFrame:
    """Groups ``a``, ``b``, ...; ``q`` is the score, higher by ``shift`` in a group."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b"], rows)
    y = (rng.random(rows) < 0.5).astype(float)
    q = 0.3 + 0.4 * y + rng.normal(0, 0.2, rows) + np.array([shift.get(g, 0.0) for g in group])
    return pd.DataFrame({"sex": group, "q": np.clip(q, 0.01, 0.99), "y": y})


def told(frame: pd.DataFrame, scored: Callable[..., Any], model: Any, threshold: float = 0.5, **other: Any) -> Any:
    checks = fairness_checks(scored(frame, challenger=model("q"), groups=["sex"], **other), threshold)
    return {(c.name, c.where): c for c in checks}


def test_the_gaps_are_those_of_the_rates_by_hand(scored: Callable[..., Any], by_column: Any) -> None:
    frame = people(b=0.2)
    found = told(frame, scored, by_column, 0.6)
    decided = frame.assign(d=frame["q"] >= 0.6)
    share = decided.groupby("sex")["d"].mean()
    hits, alarms = (decided[decided["y"] == c].groupby("sex")["d"].mean() for c in (1, 0))
    parity, odds = found[PARITY, "group sex"], found[ODDS, "group sex"]
    assert parity.observed["gap"] == pytest.approx(share["b"] - share["a"])
    assert odds.observed["gap"] == pytest.approx(max(hits["b"] - hits["a"], alarms["b"] - alarms["a"]))
    assert parity.observed["rates"]["a"]["positive"] == pytest.approx(share["a"])
    assert odds.observed["rates"]["b"]["true_positive"] == pytest.approx(hits["b"])
    assert odds.observed["rates"]["b"]["false_positive"] == pytest.approx(alarms["b"])
    assert parity.observed["rates"]["a"]["rows"] == int((frame["sex"] == "a").sum())
    for check in found.values():
        assert check.severity == "info"
        assert 0 < check.observed["low"] <= check.observed["gap"] <= check.observed["high"] <= 1


def test_the_interval_of_the_gap_holds_the_true_gap_about_as_often_as_it_says(
    scored: Callable[..., Any], by_column: Any
) -> None:
    whole = people(200_000, 99, b=0.25)
    share = whole.assign(d=whole["q"] >= 0.5).groupby("sex")["d"].mean()
    true, inside = share["b"] - share["a"], 0
    for seed in range(60):
        parity = told(people(400, seed, b=0.25), scored, by_column)[PARITY, "group sex"].observed
        inside += parity["low"] <= true <= parity["high"]
    assert inside >= 52  # 57 are expected; fewer than 52 has a chance of one in a hundred


def test_a_small_group_is_left_out_of_the_gap_and_named(scored: Callable[..., Any], by_column: Any) -> None:
    frame = people()
    without = told(frame, scored, by_column)[PARITY, "group sex"].observed["gap"]
    few = frame.head(20).assign(sex="c", q=0.99)
    found = told(pd.concat([frame, few], ignore_index=True), scored, by_column)
    assert found[PARITY, "group sex"].observed["gap"] == pytest.approx(without)
    assert found["fairness", "group sex=c"].status == "inconclusive"
    assert "20 rows" in found["fairness", "group sex=c"].message


def test_one_group_has_nothing_to_differ_from(scored: Callable[..., Any], by_column: Any) -> None:
    found = told(people().assign(sex="a"), scored, by_column)
    assert {c.status for c in found.values()} == {"inconclusive"}


def test_a_group_without_positives_has_no_odds(scored: Callable[..., Any], by_column: Any) -> None:
    frame = people()
    frame.loc[frame["sex"] == "b", "y"] = 0.0
    found = told(frame, scored, by_column)
    assert found[ODDS, "group sex"].status == "inconclusive"
    assert found[PARITY, "group sex"].status == "pass"


def test_scores_that_are_not_finite_are_not_judged(scored: Callable[..., Any], by_column: Any) -> None:
    frame = people()
    frame.loc[0, "q"] = np.nan
    assert {c.status for c in told(frame, scored, by_column).values()} == {"inconclusive"}


def test_decisions_are_those_of_two_classes(scored: Callable[..., Any], value: Any) -> None:
    found = told(people(), scored, value, metric="mae")
    assert {c.status for c in found.values()} == {"inconclusive"}
    assert "regression" in next(iter(found.values())).message


def test_the_champions_gap_stands_beside(scored: Callable[..., Any], by_column: Any) -> None:
    frame = people(b=0.3).assign(p=0.7)
    both = scored(frame, challenger=by_column("q"), champion=by_column("p"), groups=["sex"])
    parity = next(c for c in fairness_checks(both, 0.5) if c.name == PARITY)
    assert parity.observed["champion"] == 0.0 < parity.observed["gap"]
