"""Scored gate rows of models that say what the test wants them to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.evaluation.gate_rows import GateRows
from airflow_mlops.core.evaluation.model_scoring import ScoredRows, score_rows
from airflow_mlops.core.evaluation.slicing import slice_labels
from airflow_mlops.core.metrics import get_metric as metric_of


class ByColumn:
    """A classifier of two classes that says a column's value."""

    classes_ = np.array([0, 1])

    def __init__(self, column: str) -> None:
        self.column = column

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        p = frame[self.column].to_numpy(dtype=float)
        return np.column_stack([1 - p, p])


class Value:
    """A regressor that says a column's value."""

    def __init__(self, column: str) -> None:
        self.column = column

    def predict(self, frame: pd.DataFrame) -> Any:
        return frame[self.column].to_numpy(dtype=float)


@pytest.fixture
def by_column() -> type[ByColumn]:
    return ByColumn


@pytest.fixture
def value() -> type[Value]:
    return Value


@pytest.fixture
def scored() -> Callable[..., ScoredRows]:
    """Score a frame with models, by role; the column ``y`` is the target."""

    def make(frame: pd.DataFrame, metric: str = "roc_auc", **given: Any) -> ScoredRows:
        models = {role: m for role, m in given.items() if role in ("challenger", "champion")}
        names = np.arange(len(frame)).astype(str)
        rows = GateRows(
            features=frame[given.get("features") or [c for c in frame.columns if c != "y"]],
            keys=names,
            clusters=frame[given["cluster"]].astype(str).to_numpy() if "cluster" in given else names,
            target=frame["y"].to_numpy(dtype=float),
            task=metric_of(metric).task,
            classes=tuple(given.get("classes", ())),
            slices={c: slice_labels(frame[c]) for c in given.get("slices", ())},
            groups={c: slice_labels(frame[c]) for c in given.get("groups", ())},
        )
        return score_rows(rows, metric, models, {role: f"the {role} m v{v}" for v, role in enumerate(models, 1)})

    return make
