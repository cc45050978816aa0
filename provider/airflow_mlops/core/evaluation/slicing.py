"""Slicing: assigns each row to a slice by the value, or the value range, of a column."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.metrics import Array

if TYPE_CHECKING:
    import pandas as pd

MISSING, OTHER = "missing", "other"
MAX_LABELS = 50
MAX_INTEGER_LABELS = 10
_MAX_LABEL_LENGTH = 80


def slice_labels(column: pd.Series[Any], max_labels: int = MAX_LABELS) -> Array:
    """Return the slice label of each row.

    Numbers and timestamps are cut into quartiles of these rows. At most ten distinct integers, such as a class or a
    flag, are labels themselves. Of more than ``most`` labels the rarest become ``other``. Missing values form a slice.

    :param column: n values.
    :param max_labels: the largest number of labels.
    :returns: n texts.
    """
    import pandas as pd

    missing = column.isna().to_numpy()
    labels = np.full(len(column), MISSING, dtype=object)
    present = column[~missing]
    if not len(present):
        return labels
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        seconds = present.to_numpy().astype("datetime64[s]").astype("int64")
        labels[~missing] = _quartile_labels(seconds, timestamps=True)
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        numbers = present.to_numpy(dtype="float64")
        few = len(np.unique(numbers)) <= MAX_INTEGER_LABELS and bool((numbers % 1 == 0).all())
        labels[~missing] = [str(int(v)) for v in numbers] if few else _quartile_labels(numbers)
    else:
        texts = present.astype(str).str.slice(0, _MAX_LABEL_LENGTH)
        labels[~missing] = _merge_rare(texts.to_numpy(dtype=object), max_labels)
    return labels


def _quartile_labels(values: Array, *, timestamps: bool = False) -> Array:
    """Cut numbers at their quartiles; a value on an edge belongs to the lower range."""
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf"))
    texts = [str(np.datetime64(int(e), "s")) for e in edges] if timestamps else _format_edges(edges)
    names = [f"<= {texts[0]}", *(f"> {a} to {b}" for a, b in pairwise(texts)), f"> {texts[-1]}"]
    return np.asarray(names, dtype=object)[np.searchsorted(edges, values)]


def _format_edges(edges: Array) -> list[str]:
    """Format edges with the fewest digits that keep them distinct."""
    for digits in range(4, 17):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(edges) and np.allclose([float(t) for t in texts], edges, rtol=1e-3, atol=0):
            return texts
    return [repr(float(edge)) for edge in edges]


def _merge_rare(values: Array, most: int) -> Array:
    names, rows = np.unique(values.astype(str), return_counts=True)
    if len(names) > most:
        frequent = set(names[np.lexsort((names, -rows))][: most - 1])
        return np.array([v if v in frequent else OTHER for v in values], dtype=object)
    return values
