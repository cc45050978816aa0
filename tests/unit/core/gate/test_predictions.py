"""How far predictions may be from the champion's."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from airflow_mlops.core.gate import GatePolicy, decide
from airflow_mlops.core.gate.predictions import mean_shift, pearson_correlation


def policy(**rules: float) -> GatePolicy:
    return GatePolicy(predictions=rules)


def test_predictions_that_moved_too_far_reject_however_good_they_are(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 0.5, 1.5)
    moved = replace(challenger, scores=0.2 * challenger.scores + 0.75)
    assert decide(champion, challenger, policy(max_shift=1.0)).decision == "promote"
    report = decide(champion, moved, policy(max_shift=1.0))
    assert report.decision == "reject"
    assert [c.name for c in report.failed] == ["predictions changed"]
    assert "standard deviations" in report.failed[0].message


def test_predictions_that_go_their_own_way_reject(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 0.5, 1.5)
    found = pearson_correlation(champion.scores, challenger.scores)
    assert decide(champion, challenger, policy(min_correlation=found - 0.01)).decision == "promote"
    assert decide(champion, challenger, policy(min_correlation=found + 0.01)).decision == "reject"


def test_against_a_champion_that_says_one_thing_only_nothing_is_known_and_nothing_passes(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 0.5, 1.5)
    constant = replace(champion, scores=np.full(2000, 0.3))
    for rules in ({"max_shift": 100.0}, {"min_correlation": -1.0}):
        assert decide(constant, challenger, policy(**rules)).decision == "reject"


def test_without_a_champion_there_is_nothing_to_be_far_from(pair: Any) -> None:
    assert decide(None, pair(0, 2000, 0.5, 1.5)[1], policy(max_shift=0.0)).decision == "promote_first"


def test_shift_and_correlation_are_what_their_names_say() -> None:
    rng = np.random.default_rng(0)
    old = rng.normal(size=500)
    new = old + rng.normal(size=500)
    assert pearson_correlation(old, new) == pytest.approx(np.corrcoef(old, new)[0, 1])
    assert mean_shift(old, old + 2 * old.std()) == pytest.approx(2)
    assert mean_shift(np.zeros(5), np.zeros(5)) == 0
    assert math.isinf(mean_shift(np.zeros(5), np.ones(5)))
    assert math.isnan(pearson_correlation(np.zeros(5), new[:5]))
