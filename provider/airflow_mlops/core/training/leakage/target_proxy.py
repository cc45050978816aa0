"""Target proxies: single features that predict the target almost perfectly, by leakage or because the task is easy.

For each feature, the target's mean is learned on training rows per value, or per narrow bin of a numeric feature; for
numbers also by interpolation. Missing is a value of its own. The result is measured on held-out rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.report import Check
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.leakage.rows import LeakageRows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

PROXY_THRESHOLD = 0.99
"""The metric value from which a single feature is reported as a target proxy."""
MIN_ROWS = 30
MIN_CLASS_ROWS = 8
"""On held-out rows: with fewer, a feature can be perfect by chance."""
MAX_DISCRETE = 50
"""Numeric features with at most this many values are treated as discrete."""
ROWS_PER_CELL = 20
MAX_CELLS = 1000
MAX_LISTED = 10
STRENGTH_METRICS = {"binary": "ROC AUC", "number": "R²", "classes": "fraction of errors avoided"}
CHECK_NAME = "target proxy"


def check_target_proxies(train: LeakageRows, held_out: LeakageRows, strengths: Mapping[str, float]) -> Iterator[Check]:
    """Return a failed check for each target proxy, and one passed check for all other features.

    :param strengths: feature -> strength, as :func:`strengths` returns it.
    """
    metric_name = STRENGTH_METRICS[train.kind]
    if reason := find_unsuitability(train, held_out):
        yield Check(CHECK_NAME, "inconclusive", "error", None, None, None, reason)
        return
    for name, value in strengths.items():
        if value >= PROXY_THRESHOLD:
            message = f"feature {name} alone predicts {train.name}: {metric_name} {value:.4f} on held-out rows"
            yield Check(CHECK_NAME, "fail", "error", {metric_name: value}, f"< {PROXY_THRESHOLD}", name, message)
        elif not math.isfinite(value):
            message = f"its {metric_name} is not a number"
            yield Check(
                CHECK_NAME, "inconclusive", "error", {metric_name: value}, f"< {PROXY_THRESHOLD}", name, message
            )
    if passed := {name: value for name, value in strengths.items() if value < PROXY_THRESHOLD}:
        first = max(passed, key=lambda name: passed[name])
        message = f"of {len(passed)} features {first} is the strongest: {metric_name} {passed[first]:.3f}"
        yield Check(CHECK_NAME, "pass", "error", {metric_name: passed[first]}, f"< {PROXY_THRESHOLD}", None, message)


def strength_table(kind: str, strengths: Mapping[str, float]) -> dict[str, Any]:
    """Return the strongest features with their metric on held-out rows, as a table of the report."""
    first = sorted(strengths.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_LISTED]
    return {
        "title": "Strength of each feature alone",
        "head": ["Feature", STRENGTH_METRICS[kind]],
        "rows": [[name, round(value, 4)] for name, value in first],
        "note": "On held-out rows, predicted by the target's means on training rows.",
    }


def find_unsuitability(train: LeakageRows, held_out: LeakageRows) -> str:
    """Return why relations with the target cannot be checked; empty when they can."""
    import numpy as np

    if min(len(train.target), len(held_out.target)) < MIN_ROWS:
        counts = f"{len(train.target)} training rows and {len(held_out.target)} held-out rows"
        return f"{counts} have a target; {MIN_ROWS} are needed"
    if train.kind == "binary":
        class_counts = [(int(side.target.sum()), len(side.target)) for side in (train, held_out)]
        smallest = min(min(positives, rows - positives) for positives, rows in class_counts)
        return f"one class has {smallest} rows; {MIN_CLASS_ROWS} are needed" if smallest < MIN_CLASS_ROWS else ""
    spread = held_out.target.argmax(1) if train.kind == "classes" else held_out.target
    return f"{train.name!r} is constant" if np.ptp(spread) == 0 else ""


def compute_strengths(train: LeakageRows, held_out: LeakageRows) -> dict[str, float]:
    """Return feature -> strength on held-out rows, where 1 is perfect; empty where the rows are unsuitable."""
    if find_unsuitability(train, held_out):
        return {}
    result = {}
    for name in train.features.columns:
        variants = _predict_variants(train, train.features[name], held_out.features[name])
        values = [_measure(held_out, predictions) for predictions in variants]
        result[str(name)] = max((value for value in values if math.isfinite(value)), default=float("nan"))
    return result


def _predict_variants(train: LeakageRows, column: pd.Series[Any], test_values: pd.Series[Any]) -> Iterator[Array]:
    """Predict the target from one feature, in one or two ways."""
    import numpy as np

    train_values, test_numbers = _to_numbers(column), _to_numbers(test_values)
    if train_values is None or test_numbers is None:
        yield _predict_by_value(train.target, _to_text(column), _to_text(test_values))
        return
    if len(np.unique(train_values[np.isfinite(train_values)])) <= MAX_DISCRETE:
        yield _predict_by_value(train.target, train_values, test_numbers)
        return
    finite = train_values[np.isfinite(train_values)]
    count = int(np.clip(len(finite) // ROWS_PER_CELL, 2, MAX_CELLS))
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, count + 1)))
    cells = [
        np.where(np.isfinite(v), np.searchsorted(edges[1:-1], v, side="right") + 1, 0)
        for v in (train_values, test_numbers)
    ]
    yield _predict_by_cell(train.target, cells[0], cells[1], len(edges) + 1)
    yield _interpolate(train.target, train_values, test_numbers)


def _to_numbers(column: pd.Series[Any]) -> Array | None:
    """Return a column as floats; missing values are infinite. ``None`` when it is neither numeric nor datetime."""
    import numpy as np
    import pandas as pd

    if column.dtype.kind == "M":
        times = column.to_numpy().astype("datetime64[us]").astype("int64").astype(float)
        return np.where(column.isna(), np.inf, times)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return None
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.inf)


def _to_text(column: pd.Series[Any]) -> Array:
    """Return a column as text; missing values get a text of their own."""
    import numpy as np

    return np.where(column.isna(), "\x00", column.astype(object).map(str)).astype(object)


def _predict_by_value(target: Array, train_values: Array, test_values: Array) -> Array:
    """Return the mean target of each test row's value; the overall mean for an unknown value."""
    import pandas as pd

    codes, values = pd.factorize(train_values)
    return _predict_by_cell(target, codes, pd.Index(values).get_indexer(pd.Index(test_values)), len(values))


def _predict_by_cell(target: Array, cells: Array, test_values: Array, count: int) -> Array:
    """Return the mean target of each test row's cell; the overall mean for an empty or unknown cell."""
    import numpy as np

    columns = np.atleast_2d(target.T)
    rows = np.bincount(cells, minlength=count)
    predictions = []
    for column in columns:
        sums = np.bincount(cells, weights=column, minlength=count)
        means = np.where(rows > 0, sums / np.maximum(rows, 1), column.mean())
        predictions.append(np.where(test_values >= 0, means[test_values], column.mean()))
    return np.stack(predictions, axis=-1) if target.ndim == 2 else predictions[0]


def _interpolate(target: Array, train_values: Array, test_values: Array) -> Array:
    """Interpolate the target between neighbouring values; a missing value gets the mean of the missing rows."""
    import numpy as np

    present = np.isfinite(train_values)
    values, positions = np.unique(train_values[present], return_inverse=True)
    predictions = []
    for column in np.atleast_2d(target.T):
        means = np.bincount(positions, weights=column[present]) / np.bincount(positions)
        absent = column[~present].mean() if not present.all() else column.mean()
        predictions.append(
            np.where(np.isfinite(test_values), np.interp(np.nan_to_num(test_values), values, means), absent)
        )
    return np.stack(predictions, axis=-1) if target.ndim == 2 else predictions[0]


def _measure(held_out: LeakageRows, predictions: Array) -> float:
    """Return how well the target is predictions; 1 is perfect."""
    import numpy as np

    if held_out.kind == "binary":
        return get_metric("roc_auc").value(held_out.target, predictions)
    if held_out.kind == "number":
        total = float(((held_out.target - held_out.target.mean()) ** 2).sum())
        return 1 - float(((held_out.target - predictions) ** 2).sum()) / total
    error_rate = float((held_out.target.argmax(1) != predictions.argmax(1)).mean())
    baseline_rate = 1 - float(np.bincount(held_out.target.argmax(1)).max()) / len(held_out.target)
    return 1 - error_rate / baseline_rate
