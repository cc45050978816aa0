"""Importance: how much worse a model does when a feature's values are shuffled among the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.scoring import Scored, scores_of
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.metrics import metric as metric_of

MOST_ROWS = 2_000
REPEATS = 4
MOST_TOLD = 20
RESAMPLES = 100
SECONDS = 30.0
_LEAST_ROWS = 200
_SURE = 1.96


def importance(scored: Scored, role: str, *, seed: int = 0) -> list[list[Any]]:
    """Permute one raw feature at a time (Breiman 2001, on rows that the model has not seen).

    At most 2,000 rows are used, each feature is shuffled four times; fewer when the model would take longer than half a
    minute. Features that tell the same share their importance between them: shuffling one leaves the other.

    :returns: for the twenty most important features the name, the drop of the metric (above 0: worse without it) and
        its 95 % interval (bootstrap standard error over rows); nothing when the metric has no value here.
    """
    metric, rows = metric_of(scored.metric), scored.rows
    sample, repeats = _affordable(len(rows), len(rows.own.columns), scored.seconds[role], seed)
    target, scores = rows.target[sample], scored.scores[role][sample]
    if not np.isfinite(metric.value(target, scores)):
        return []
    draws = Resampling(len(sample), rows.numbered()[sample], resamples=RESAMPLES, seed=seed)

    def of(given: Array) -> tuple[float, Array]:
        figure = metric.prepare(target, given)
        return float(figure(np.ones(len(sample)))), draws.values([figure])[0]

    base = of(scores)
    found: list[list[Any]] = []
    for column, permuted in _permuted(scored, role, sample, repeats, seed):
        if not all(metric.defined(target, given) for given in permuted):
            continue
        shuffled = [of(given) for given in permuted]
        drop = float(np.mean([metric.gain(base[0], once) for once, _ in shuffled]))
        drops = np.mean([metric.gain(base[1], resampled) for _, resampled in shuffled], axis=0)
        error = _SURE * float(np.std(drops[np.isfinite(drops)])) if np.isfinite(drops).any() else float("nan")
        found.append([str(column), drop, drop - error, drop + error])
    found.sort(key=lambda told: (-told[1], told[0]))
    return found[:MOST_TOLD]


def _affordable(rows: int, features: int, seconds: float, seed: int) -> tuple[Array, int]:
    """Draw as many rows, and so many repeats, as the time allows; ``seconds`` is what scoring all rows took."""
    count = min(rows, MOST_ROWS)
    once = seconds / max(1, rows) * count * max(1, features)
    repeats = max(1, min(REPEATS, int(SECONDS / max(once, 1e-9))))
    if once > SECONDS:
        count = max(min(count, _LEAST_ROWS), int(count * SECONDS / once))
    drawn = np.random.default_rng(seed).choice(rows, count, replace=False)
    return np.sort(drawn), repeats


def _permuted(scored: Scored, role: str, sample: Array, repeats: int, seed: int) -> Any:
    """Give for each feature its name and the scores of each shuffling: one call of the model a feature."""
    rows, count = scored.rows, len(sample)
    rng = np.random.default_rng(seed)
    plain = np.tile(sample, repeats)
    stacked = rows.own.iloc[plain].reset_index(drop=True)
    for column in rows.own.columns:
        shuffled = np.concatenate([rng.permutation(sample) for _ in range(repeats)])
        changed = stacked.assign(**{column: rows.features[column].iloc[shuffled].array})
        scores = scores_of(
            scored.models[role], changed, rows.task, rows.classes, called=f"{scored.called[role]}, {column!r} shuffled,"
        )
        yield column, [scores[i * count : (i + 1) * count] for i in range(repeats)]
