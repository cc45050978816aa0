"""Features that tell the target all by themselves, so that there is nothing left to learn: a leak, or an easy task.

Each feature is given every chance: the target's mean is learned on training rows for each of its values, or for fine
cells of a number, and for numbers also between neighbours; missing is a value. What counts is how well that does on
rows that were held out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.metrics import metric
from airflow_mlops.core.report import Check
from airflow_mlops.core.training.leakage.rows import Labelled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

BOUND = 0.99
"""From here on a single feature is said to tell the target."""
MIN_ROWS = 30
MIN_OF_CLASS = 8
"""Held out: with fewer, a feature can be perfect by chance."""
FEW = 50
"""A number with at most so many values is taken value by value."""
ROWS_A_CELL = 20
MOST_CELLS = 1000
MOST_TOLD = 10
FIGURE = {"binary": "ROC AUC", "number": "R²", "classes": "share of errors avoided"}
NAME = "tells the target"


def checks(train: Labelled, held: Labelled, found: Mapping[str, float]) -> Iterator[Check]:
    """Give a failed check for each feature that tells the target, and one for all others.

    :param found: feature -> how well it tells the target, as :func:`strengths` gives it.
    """
    figure = FIGURE[train.kind]
    if why := unfit(train, held):
        yield Check(NAME, "not_judged", "error", None, None, None, why)
        return
    for name, value in found.items():
        if value >= BOUND:
            said = (
                f"feature {name} alone tells {train.name}: {figure} {value:.4f} on rows held out; is it known before?"
            )
            yield Check(NAME, "fail", "error", {figure: value}, f"< {BOUND}", name, said)
        elif not math.isfinite(value):
            said = f"its {figure} is no number"
            yield Check(NAME, "not_judged", "error", {figure: value}, f"< {BOUND}", name, said)
    if quiet := {name: value for name, value in found.items() if value < BOUND}:
        first = max(quiet, key=lambda name: quiet[name])
        said = f"of {len(quiet)} features {first} tells most: {figure} {quiet[first]:.3f}"
        yield Check(NAME, "pass", "error", {figure: quiet[first]}, f"< {BOUND}", None, said)


def table(kind: str, found: Mapping[str, float]) -> dict[str, Any]:
    """Give the features that tell most, with their figure on rows held out, as a table of the report."""
    first = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_TOLD]
    return {
        "title": "What each feature tells alone",
        "head": ["Feature", FIGURE[kind]],
        "rows": [[name, round(value, 4)] for name, value in first],
        "note": "On rows held out, of the target's means that were learned on training rows.",
    }


def unfit(train: Labelled, held: Labelled) -> str:
    """Say why nothing can be said about relations with the target; empty when something can."""
    import numpy as np

    if min(len(train.target), len(held.target)) < MIN_ROWS:
        return f"{len(train.target)} training rows and {len(held.target)} others have a target, {MIN_ROWS} are needed"
    if train.kind == "binary":
        ones = [(int(side.target.sum()), len(side.target)) for side in (train, held)]
        fewest = min(min(one, rows - one) for one, rows in ones)
        return f"one class has {fewest} rows, {MIN_OF_CLASS} are needed" if fewest < MIN_OF_CLASS else ""
    spread = held.target.argmax(1) if train.kind == "classes" else held.target
    return f"{train.name!r} is constant" if np.ptp(spread) == 0 else ""


def strengths(train: Labelled, held: Labelled) -> dict[str, float]:
    """Give feature -> how well it tells the target of the rows held out; 1 is perfectly. None where that is unfit."""
    if unfit(train, held):
        return {}
    found = {}
    for name in train.features.columns:
        ways = _predictions(train, train.features[name], held.features[name])
        figures = [_figure(held, predicted) for predicted in ways]
        found[str(name)] = max((f for f in figures if math.isfinite(f)), default=float("nan"))
    return found


def _predictions(train: Labelled, column: pd.Series[Any], asked: pd.Series[Any]) -> Iterator[Array]:
    """Predict the target from one feature, in one way or two."""
    import numpy as np

    known, wanted = _as_numbers(column), _as_numbers(asked)
    if known is None or wanted is None:
        yield _by_value(train.target, _as_text(column), _as_text(asked))
        return
    if len(np.unique(known[np.isfinite(known)])) <= FEW:
        yield _by_value(train.target, known, wanted)
        return
    inside = known[np.isfinite(known)]
    count = int(np.clip(len(inside) // ROWS_A_CELL, 2, MOST_CELLS))
    edges = np.unique(np.quantile(inside, np.linspace(0, 1, count + 1)))
    cells = [np.where(np.isfinite(v), np.searchsorted(edges[1:-1], v, side="right") + 1, 0) for v in (known, wanted)]
    yield _by_cell(train.target, cells[0], cells[1], len(edges) + 1)
    yield _between_neighbours(train.target, known, wanted)


def _as_numbers(column: pd.Series[Any]) -> Array | None:
    """Give a column's numbers, of moments their time; infinite where there is none. None when it is of another kind."""
    import numpy as np
    import pandas as pd

    if column.dtype.kind == "M":
        times = column.to_numpy().astype("datetime64[us]").astype("int64").astype(float)
        return np.where(column.isna(), np.inf, times)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return None
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.inf)


def _as_text(column: pd.Series[Any]) -> Array:
    """Give a column's values as text; that of a missing one is no other's."""
    import numpy as np

    return np.where(column.isna(), "\x00", column.astype(object).map(str)).astype(object)


def _by_value(target: Array, known: Array, asked: Array) -> Array:
    """Give the mean target of each asked row's value; of an unknown one the mean of all."""
    import pandas as pd

    codes, values = pd.factorize(known)
    return _by_cell(target, codes, pd.Index(values).get_indexer(pd.Index(asked)), len(values))


def _by_cell(target: Array, cells: Array, asked: Array, count: int) -> Array:
    """Give the mean target of each asked row's cell; of an empty or unknown one the mean of all."""
    import numpy as np

    columns = np.atleast_2d(target.T)
    rows = np.bincount(cells, minlength=count)
    predicted = []
    for column in columns:
        sums = np.bincount(cells, weights=column, minlength=count)
        means = np.where(rows > 0, sums / np.maximum(rows, 1), column.mean())
        predicted.append(np.where(asked >= 0, means[asked], column.mean()))
    return np.stack(predicted, axis=-1) if target.ndim == 2 else predicted[0]


def _between_neighbours(target: Array, known: Array, asked: Array) -> Array:
    """Give the target that lies between those of the nearest values; of a missing one the mean of the missing."""
    import numpy as np

    there = np.isfinite(known)
    values, place = np.unique(known[there], return_inverse=True)
    predicted = []
    for column in np.atleast_2d(target.T):
        means = np.bincount(place, weights=column[there]) / np.bincount(place)
        absent = column[~there].mean() if not there.all() else column.mean()
        predicted.append(np.where(np.isfinite(asked), np.interp(np.nan_to_num(asked), values, means), absent))
    return np.stack(predicted, axis=-1) if target.ndim == 2 else predicted[0]


def _figure(held: Labelled, predicted: Array) -> float:
    """Say how well the target is told: 1 is perfectly."""
    import numpy as np

    if held.kind == "binary":
        return metric("roc_auc").value(held.target, predicted)
    if held.kind == "number":
        total = float(((held.target - held.target.mean()) ** 2).sum())
        return 1 - float(((held.target - predicted) ** 2).sum()) / total
    wrong = float((held.target.argmax(1) != predicted.argmax(1)).mean())
    plain = 1 - float(np.bincount(held.target.argmax(1)).max()) / len(held.target)
    return 1 - wrong / plain
