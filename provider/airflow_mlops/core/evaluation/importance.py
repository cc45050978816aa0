"""Permutation importance of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.model_scoring import ScoredRows, predict_scores
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.metrics import get_metric as metric_of

MAX_ROWS = 2_000
REPEATS = 4
MAX_FEATURES = 20
RESAMPLES = 100
SECONDS = 30.0
_MIN_ROWS = 200
_Z_95 = 1.96


def permutation_importance(scored: ScoredRows, role: str, *, seed: int = 0) -> list[list[Any]]:
    """Compute permutation importance of the raw features on the gate rows (Breiman 2001).

    It uses at most 2,000 rows and four permutations of each feature, and fewer for a model that would take longer than
    30 seconds. Correlated features share their importance: when one is shuffled, the other still has the information.

    :returns: for the twenty most important features the name, the drop of the metric (above 0: worse without it) and
        its 95 % interval (bootstrap standard error over rows); empty when the metric is undefined on these rows.
    """
    metric, rows = metric_of(scored.metric), scored.rows
    sample, repeats = _fit_time_budget(len(rows), len(rows.challenger_features.columns), scored.seconds[role], seed)
    target, scores = rows.target[sample], scored.scores[role][sample]
    if not np.isfinite(metric.value(target, scores)):
        return []
    draws = Resampling(len(sample), rows.cluster_numbers()[sample], resamples=RESAMPLES, seed=seed)

    def evaluate(values: Array) -> tuple[float, Array]:
        statistic = metric.prepare(target, values)
        return float(statistic(np.ones(len(sample)))), draws.evaluate([statistic])[0]

    base = evaluate(scores)
    drops: list[list[Any]] = []
    for column, permuted in _permuted_scores(scored, role, sample, repeats, seed):
        if not all(metric.is_defined(target, values) for values in permuted):
            continue
        results = [evaluate(values) for values in permuted]
        drop = float(np.mean([metric.gain(base[0], value) for value, _ in results]))
        resampled = np.mean([metric.gain(base[1], values) for _, values in results], axis=0)
        finite = resampled[np.isfinite(resampled)]
        margin = _Z_95 * float(np.std(finite)) if len(finite) else float("nan")
        drops.append([str(column), drop, drop - margin, drop + margin])
    drops.sort(key=lambda row: (-row[1], row[0]))
    return drops[:MAX_FEATURES]


def _fit_time_budget(rows: int, features: int, seconds: float, seed: int) -> tuple[Array, int]:
    """Return the sampled rows and the number of repeats that fit the time budget.

    :param seconds: the time that scoring all rows took.
    """
    count = min(rows, MAX_ROWS)
    one_repeat = seconds / max(1, rows) * count * max(1, features)
    repeats = max(1, min(REPEATS, int(SECONDS / max(one_repeat, 1e-9))))
    if one_repeat > SECONDS:
        count = max(min(count, _MIN_ROWS), int(count * SECONDS / one_repeat))
    drawn = np.random.default_rng(seed).choice(rows, count, replace=False)
    return np.sort(drawn), repeats


def _permuted_scores(scored: ScoredRows, role: str, sample: Array, repeats: int, seed: int) -> Any:
    """Yield for each feature its name and the scores of each permutation, with one model call per feature."""
    rows, count = scored.rows, len(sample)
    rng = np.random.default_rng(seed)
    stacked = rows.challenger_features.iloc[np.tile(sample, repeats)].reset_index(drop=True)
    for column in rows.challenger_features.columns:
        shuffled = np.concatenate([rng.permutation(sample) for _ in range(repeats)])
        changed = stacked.assign(**{column: rows.features[column].iloc[shuffled].array})
        scores = predict_scores(
            scored.models[role], changed, rows.task, rows.classes, label=f"{scored.labels[role]}, {column!r} shuffled,"
        )
        yield column, [scores[i * count : (i + 1) * count] for i in range(repeats)]
