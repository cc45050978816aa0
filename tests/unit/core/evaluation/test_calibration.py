"""Scores stand beside what came true, bin by bin, and no row is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.evaluation.calibration import calibration_table
from airflow_mlops.core.metrics import get_metric

pairs = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_the_table_adds_up_to_all_rows_and_to_the_calibration_error(rows: list[tuple[int, float]]) -> None:
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    table = calibration_table(y, p)
    assert len(table) <= 10
    assert sum(n for *_, n in table) == len(rows)
    assert sum(mean * n for mean, _, n in table) == pytest.approx(p.sum())
    assert sum(share * n for _, share, n in table) == pytest.approx(y.sum())
    assert [mean for mean, *_ in table] == sorted(mean for mean, *_ in table)
    error = sum(abs(mean - share) * n for mean, share, n in table) / len(rows)
    assert error == pytest.approx(get_metric("calibration_error").value(y, p), abs=1e-12)


def test_scores_that_are_not_finite_have_no_table() -> None:
    assert calibration_table(np.array([0.0, 1.0]), np.array([0.1, np.nan])) == []
    assert calibration_table(np.array([]), np.array([])) == []
