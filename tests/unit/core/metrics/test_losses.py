"""A row's loss is small when its prediction was good, and is what the task's loss averages."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_mlops.core.metrics import get_metric, row_losses

Y, P = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.9, 0.2])


def test_the_losses_of_rows_average_to_the_metric() -> None:
    assert row_losses("binary", Y, P).mean() == pytest.approx(get_metric("log_loss").value(Y, P))
    both = np.column_stack([1 - P, P])
    assert row_losses("multiclass", Y, both).mean() == pytest.approx(get_metric("log_loss_multiclass").value(Y, both))
    assert np.sqrt(row_losses("regression", Y, P).mean()) == pytest.approx(get_metric("rmse").value(Y, P))


def test_being_sure_and_wrong_costs_much_but_not_without_end() -> None:
    assert row_losses("binary", Y[:1], np.array([1.0]))[0] == pytest.approx(34.54, abs=0.01)
    assert row_losses("multiclass", Y[1:2], np.array([[1.0, 0.0]]))[0] == pytest.approx(34.54, abs=0.01)


def test_a_score_that_is_no_probability_has_no_loss() -> None:
    assert np.isnan(row_losses("binary", Y, np.array([0.1, 7.0, np.nan]))).tolist() == [False, True, True]
    assert np.isfinite(row_losses("binary", Y, np.array([-1e-12, 1 + 1e-12, 0.5]))).all()
