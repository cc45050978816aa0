"""Answers are what a score set would have."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.serving.responses import format_predictions


def test_a_number_for_each_row_and_null_for_what_is_not_finite() -> None:
    assert format_predictions(np.array([0.25, np.nan, np.inf]), []) == [0.25, None, None]


def test_of_three_classes_the_likeliest_and_all_chances() -> None:
    found = format_predictions(np.array([[0.1, 0.7, 0.2], [np.nan, 0.5, 0.5]]), ["a", "b", "c"])
    assert found[0] == {"score": "b", "score_0": 0.1, "score_1": 0.7, "score_2": 0.2}
    assert found[1] == {"score": None, "score_0": None, "score_1": 0.5, "score_2": 0.5}
