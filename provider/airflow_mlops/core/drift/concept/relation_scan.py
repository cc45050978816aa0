"""Computation of a relation in one scan, with Polars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.frames import LazyTable, open_table
from airflow_mlops.core.data.profiles.names import hash_names
from airflow_mlops.core.data.profiles.sketch import ClusterSketch
from airflow_mlops.core.drift.concept.label_relation import LabelRelation, RelationTask, Strata, StratumBins

SAMPLE_ROWS = 200_000
SCORE_STRATA = 20
FEATURE_STRATA = 10
MAX_NAMES = 20
_LABEL, _PREDICTION, _WRONG, _STRATUM, _KEY = (
    f"\0{name}" for name in ("label", "prediction", "wrong", "stratum", "key")
)


def scan_relation(
    data: Any,
    *,
    label: str,
    score: str,
    features: Sequence[str],
    like: LabelRelation | None,
    cluster: str | None,
) -> LabelRelation:
    """Compute a relation; see :func:`airflow_mlops.core.drift.concept.relate`."""
    table = open_table(data)
    cluster = like.cluster if like is not None and cluster is None else cluster
    names = list(like.features) if like is not None else list(features)
    _check_columns(table, [label, score, *names, *([cluster] if cluster else [])])
    task = _infer_task(table, label, score) if like is None else like.task
    bins = {n: s.bins for n, s in like.features.items()} if like else _choose_bins(table, names, FEATURE_STRATA)
    scores = like.score.bins if like else _choose_bins(table, [score], SCORE_STRATA)[score]
    total = LabelRelation(
        task, 0, 0, 0.0, 0.0, Strata.empty(scores), {n: Strata.empty(b) for n, b in bins.items()}, cluster,
        ClusterSketch() if cluster else None,
    )  # fmt: skip
    for piece in table.slices():
        columns = [_as_stratum(score, table, scores).alias(f"{_STRATUM}score")]
        columns += [_as_stratum(name, table, b).alias(f"{_STRATUM} {name}") for name, b in bins.items()]
        columns += [pl.col(cluster).cast(pl.String).alias(_KEY)] if cluster else []
        rows = piece.collect(piece.frame.select(*_target(table, task, label, score), *columns))
        total = total.merge(_sum_slice(rows, total, table.where))
    return total


def _check_columns(table: LazyTable, names: Sequence[str]) -> None:
    if missing := [name for name in dict.fromkeys(names) if name not in table.schema]:
        raise BadInput(f"missing columns {missing[:5]}", where=table.where, hint=f"it has {list(table.schema)[:30]}")


def _infer_task(table: LazyTable, label: str, score: str) -> RelationTask:
    """Infer the task: class names for both columns are classes, labels 0 and 1 with numeric scores are binary."""
    kinds = [table.schema[name].is_numeric() or table.schema[name] == pl.Boolean for name in (label, score)]
    if kinds == [False, False]:
        return "classes"
    if kinds != [True, True]:
        raise BadInput(
            f"labels are {table.schema[label]}, predictions {table.schema[score]}",
            where=table.where,
            hint="provide both as numbers, or both as class names",
        )
    values = table.sample([label], SAMPLE_ROWS)[label].cast(pl.Float64).drop_nulls().drop_nans().unique().to_list()
    return "binary" if set(values) <= {0.0, 1.0} else "regression"


def _target(table: LazyTable, task: RelationTask, label: str, score: str) -> list[pl.Expr]:
    if task == "classes":
        wrong = (pl.col(label).cast(pl.String) != pl.col(score).cast(pl.String)).cast(pl.Float64)
        return [wrong.alias(_LABEL), pl.lit(0.0).alias(_PREDICTION)]
    both = [pl.col(name).cast(pl.Float64) for name in (label, score)]
    finite = [pl.when(column.is_finite()).then(column) for column in both]
    return [finite[0].alias(_LABEL), finite[1].alias(_PREDICTION)]


def _choose_bins(table: LazyTable, names: Sequence[str], strata: int) -> dict[str, StratumBins]:
    """Choose strata of about equal size from a sample of the data."""
    if not names:
        return {}
    sample = table.sample(list(dict.fromkeys(names)), SAMPLE_ROWS)
    return {name: _bins(sample[name], strata) for name in names}


def _bins(values: pl.Series, strata: int) -> StratumBins:
    if values.dtype.is_temporal():
        values = values.to_physical()
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).to_numpy()
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return StratumBins(edges=())
        first, last = float(numbers.min()), float(np.nextafter(numbers.max(), np.inf))
        inner = np.unique(np.quantile(numbers, np.arange(1, strata) / strata, method="inverted_cdf"))
        return StratumBins(edges=(first, *(float(edge) for edge in inner if edge > first), last))
    counted = values.cast(pl.String).drop_nulls().value_counts(name="\0rows")
    frequent = counted.sort(["\0rows", values.name], descending=[True, False]).head(MAX_NAMES)
    return StratumBins(names=tuple(frequent[values.name].to_list()))


def _as_stratum(name: str, table: LazyTable, bins: StratumBins) -> pl.Expr:
    """Return the index of each row's stratum."""
    column, dtype, last = pl.col(name), table.schema[name], bins.count - 1
    if bins.edges is not None:
        if dtype.is_temporal():
            column = column.to_physical()
        value = column.cast(pl.Float64, strict=False)
        edges = pl.lit(pl.Series(list(bins.edges), dtype=pl.Float64))
        index = edges.search_sorted(value, side="right") if bins.edges else pl.lit(0)
        return pl.when(value.is_finite()).then(index).otherwise(last).cast(pl.Int64)
    names = list(bins.names or ())
    text = column.cast(pl.String)
    index = text.replace_strict(names, list(range(len(names))), default=len(names), return_dtype=pl.Int64)
    return pl.when(text.is_not_null()).then(index).otherwise(last)


def _sum_slice(rows: pl.DataFrame, like: LabelRelation, where: str) -> LabelRelation:
    """Return the relation of one slice."""
    labelled = rows.filter(pl.col(_LABEL).is_not_null() & pl.col(_PREDICTION).is_not_null())
    labels, predictions = labelled[_LABEL].to_numpy(), labelled[_PREDICTION].to_numpy()
    if like.task == "binary" and len(labels):
        _check_probabilities(labels, predictions, where)
    residuals = labels - predictions

    def strata(column: str, bins: StratumBins) -> Strata:
        index = labelled[column].to_numpy()
        weights = np.ones(len(index)), labels, residuals, residuals**2
        return Strata(bins, *(np.bincount(index, weights=w, minlength=bins.count).astype(np.float64) for w in weights))

    return LabelRelation(
        like.task,
        labelled.height,
        rows.height - labelled.height,
        float(labels.sum()),
        float((labels**2).sum()),
        strata(f"{_STRATUM}score", like.score.bins),
        {name: strata(f"{_STRATUM} {name}", s.bins) for name, s in like.features.items()},
        like.cluster,
        _clusters(labelled[_KEY]) if like.cluster else None,
    )


def _clusters(keys: pl.Series) -> ClusterSketch:
    sketch = ClusterSketch()
    counted = keys.drop_nulls().value_counts(name="rows")
    sketch.add(hash_names(counted[keys.name].to_list()), counted["rows"].to_numpy())
    sketch.alone += keys.null_count()
    return sketch


def _check_probabilities(labels: np.ndarray[Any, Any], predictions: np.ndarray[Any, Any], where: str) -> None:
    """Raise BadInput when labels are not 0 and 1, or scores are not probabilities."""
    if not np.isin(labels, (0.0, 1.0)).all():
        raise BadInput("labels must be 0 and 1, as in the reference", where=where, hint="use the same encoding")
    if predictions.min() < 0 or predictions.max() > 1:
        raise BadInput(
            f"scores of a binary task must be probabilities; got {predictions.min():g} to {predictions.max():g}",
            where=where,
            hint="pass predicted probabilities (predict_proba), not margins or classes",
        )
