"""Slices: the parts of the gate rows that share a value of a column, and how both models do in each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.evaluation.gate.slices import parts_of
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.metrics import metric as metric_of
from airflow_mlops.core.report import Check

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.core.evaluation.scoring import Scored

MISSING, OTHER = "missing", "other"
MOST_VALUES = 50
FEW_NUMBERS = 10
MIN_ROWS = 30
RESAMPLES = 200
_MOST_TEXT = 80


def labels_of(column: pd.Series[Any], most: int = MOST_VALUES) -> Array:
    """Name the slice of each row.

    Numbers and moments are cut into quarters of these rows; whole numbers of which there are few (a class, a flag) are
    names. The rarest of more than ``most`` names become ``other``, missing values are a slice of their own.

    :param column: n values.
    :returns: n texts.
    """
    import pandas as pd

    missing = column.isna().to_numpy()
    found = np.full(len(column), MISSING, dtype=object)
    present = column[~missing]
    if not len(present):
        return found
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        found[~missing] = _quarters(present.to_numpy().astype("datetime64[s]").astype("int64"), moments=True)
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        numbers = present.to_numpy(dtype="float64")
        few = len(np.unique(numbers)) <= FEW_NUMBERS and bool((numbers % 1 == 0).all())
        found[~missing] = [str(int(v)) for v in numbers] if few else _quarters(numbers)
    else:
        found[~missing] = _names(present.astype(str).str.slice(0, _MOST_TEXT).to_numpy(dtype=object), most)
    return found


def _quarters(values: Array, *, moments: bool = False) -> Array:
    """Cut numbers at their quartiles; a value on an edge belongs to its left."""
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf"))
    told = [str(np.datetime64(int(e), "s")) for e in edges] if moments else _told(edges)
    names = [f"<= {told[0]}", *(f"> {a} to {b}" for a, b in pairwise(told)), f"> {told[-1]}"]
    return np.asarray(names, dtype=object)[np.searchsorted(edges, values)]


def _told(edges: Array) -> list[str]:
    """Write edges with as few digits as tell them apart."""
    for digits in range(4, 17):
        told = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(told)) == len(edges) and np.allclose([float(t) for t in told], edges, rtol=1e-3, atol=0):
            return told
    return [repr(float(edge)) for edge in edges]


def _names(values: Array, most: int) -> Array:
    names, rows = np.unique(values.astype(str), return_counts=True)
    if len(names) > most:
        kept = set(names[np.lexsort((names, -rows))][: most - 1])
        return np.array([v if v in kept else OTHER for v in values], dtype=object)
    return values


def slice_checks(scored: Scored) -> list[Check]:
    """Tell how both models did in each slice. That is for people: whether a slice is too bad, the gate judges."""
    clusters = scored.rows.numbered()
    return [
        _check(scored, name, index, clusters[index])
        for column in sorted(scored.rows.slices)
        for name, index in parts_of(column, scored.rows.slices[column])
    ]


def _check(scored: Scored, name: str, index: Array, clusters: Array) -> Check:
    scores = {role: of[index] for role, of in scored.scores.items()}
    seen: dict[str, Any] = {"rows": len(index)}
    seen |= compared(scored.metric, scored.rows.target[index], scores, clusters)
    where = f"slice {name}"
    if len(index) < MIN_ROWS or not np.isfinite(seen["challenger"]):
        few = f"{len(index)} rows, at least {MIN_ROWS} are needed"
        said = few if len(index) < MIN_ROWS else f"{scored.metric} is not defined on these {len(index)} rows"
        return Check(scored.metric, "not_judged", "info", seen, None, where, said)
    said = f"{scored.metric} {seen['challenger']:.4f} on {len(index)} rows"
    if seen["champion"] is not None:
        said += f", the champion's {seen['champion']:.4f}: gain {seen['gain']:+.4f}"
        said += f", between {seen['low']:+.4f} and {seen['high']:+.4f}" if np.isfinite(seen["low"]) else ""
    return Check(scored.metric, "pass", "info", seen, None, where, said)


def compared(name: str, target: Array, scores: dict[str, Array], clusters: Array) -> dict[str, Any]:
    """Compare both models on some rows, each resample scoring both on the same rows.

    :param name: the metric.
    :param scores: role -> m scores, or m x k probabilities.
    :param clusters: m values; rows with the same one are drawn together.
    :returns: ``challenger``, ``champion`` and ``gain`` with its 95 % interval ``low`` to ``high``; without a champion
        these are ``None`` but for the interval, which is that of the challenger's own value.
    """
    metric, roles = metric_of(name), [r for r in ("challenger", "champion") if r in scores]
    values = {role: metric.value(target, scores[role]) for role in roles}
    found: dict[str, Any] = {"challenger": values["challenger"], "champion": values.get("champion"), "gain": None}
    found |= {"low": float("nan"), "high": float("nan")}
    if not all(np.isfinite(value) for value in values.values()) or len(target) < MIN_ROWS:
        if len(roles) > 1:
            found["gain"] = metric.gain(values["challenger"], values["champion"])
        return found
    draws = Resampling(len(target), clusters, resamples=RESAMPLES)
    rows = draws.index
    figures = [metric.prepare(target[rows], scores[role][rows]) for role in roles]
    parts, resampled = [float(figure(np.ones(len(rows)))) for figure in figures], draws.values(figures)
    if len(roles) == 1:
        found["low"], found["high"] = draws.ends(resampled[0], parts[0], values["challenger"])
        return found
    found["gain"] = metric.gain(values["challenger"], values["champion"])
    found["low"], found["high"] = draws.ends(metric.gain(*resampled), metric.gain(*parts), found["gain"])
    return found
