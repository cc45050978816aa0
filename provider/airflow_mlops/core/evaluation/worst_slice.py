"""Search for the slice of the rows with the highest loss of the challenger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.model_scoring import ScoredRows
from airflow_mlops.core.evaluation.slicing import slice_labels
from airflow_mlops.core.metrics import Array, Resampling

WORST_SLICE = "worst slice"
MIN_ROWS, MIN_FRACTION, MAX_FRACTION = 100, 0.02, 0.5
MAX_ROWS = 20_000
MAX_BINS = 12
MAX_FEATURES = 30


@dataclass(frozen=True, slots=True, eq=False)
class _BinnedFeature:
    """A binned feature: the bin number of each row, and the labels of the bins."""

    name: str
    bins: Array
    labels: Array


@dataclass(frozen=True, slots=True, eq=False)
class _SliceCandidate:
    """A slice that was searched: the lower bound of its loss, its features, and its cell among their bins."""

    loss_bound: float
    features: tuple[_BinnedFeature, ...]
    cell: int

    @property
    def members(self) -> Array:
        return np.asarray(_cells(self.features)[0] == self.cell)

    @property
    def label(self) -> str:
        bins = np.unravel_index(self.cell, [len(f.labels) for f in self.features])
        return " and ".join(_label(f.name, f.labels[i]) for f, i in zip(self.features, bins, strict=True))


def find_worst_slice(scored: ScoredRows, *, seed: int = 0) -> Check:
    """Find the slice with the highest mean loss of the challenger, among single features and pairs of them.

    Numbers are cut into quartiles. The search uses half of the clusters, and the other half measures the slice: on the
    rows that selected it, its loss would be overestimated. A slice has at least 100 rows, 2 % to 50 % of all.
    """
    losses = {role: scored.rows.losses(scores) for role, scores in scored.scores.items()}
    if not np.isfinite(losses["challenger"]).all():
        return _inconclusive("the challenger's losses are not finite")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(scored.rows))[:MAX_ROWS])
    clusters = np.unique(scored.rows.cluster_numbers()[rows], return_inverse=True)[1]
    searched = (rng.permutation(int(clusters.max()) + 1) % 2 == 0)[clusters]
    min_rows = max(MIN_ROWS, MIN_FRACTION * len(rows)) / 2
    if min(searched.sum(), (~searched).sum()) < 2 * min_rows:
        return _inconclusive(f"{len(rows)} rows are too few to search one half and measure on the other")
    features = [
        _bin_feature(scored.rows.challenger_features[name].iloc[rows], name)
        for name in scored.rows.challenger_features.columns
    ]
    worst = _search(features, losses["challenger"][rows], searched, min_rows)
    if worst is None:
        return _inconclusive("no feature splits the rows into large enough slices")
    held_out = {role: values[rows][~searched] for role, values in losses.items()}
    return _measure(worst, worst.members[~searched], held_out, clusters[~searched])


def _search(features: list[_BinnedFeature], losses: Array, searched: Array, min_rows: float) -> _SliceCandidate | None:
    """Search single features, then pairs of the most promising ones; return the worst slice."""
    single = [(f, list(_candidates((f,), losses, searched, min_rows))) for f in features if len(f.labels) > 1]
    single.sort(key=lambda pair: -max((c.loss_bound for c in pair[1]), default=-np.inf))
    candidates = [c for _, of_feature in single for c in of_feature]
    for pair in combinations([feature for feature, _ in single[:MAX_FEATURES]], 2):
        candidates += _candidates(pair, losses, searched, min_rows)
    return max(candidates, key=lambda c: c.loss_bound, default=None)


def _candidates(
    features: tuple[_BinnedFeature, ...], losses: Array, searched: Array, min_rows: float
) -> Iterator[_SliceCandidate]:
    """Yield the slices that are large enough. They are ranked by mean loss minus one standard error, because the mean
    alone would favour the smallest slices.
    """
    cells, count = _cells(features)
    rows, held_out = (np.bincount(cells[half], minlength=count) for half in (searched, ~searched))
    large = (np.minimum(rows, held_out) >= min_rows) & (rows <= MAX_FRACTION * searched.sum())
    if not large.any():
        return
    sums, squares = (np.bincount(cells[searched], weights=w[searched], minlength=count) for w in (losses, losses**2))
    for cell in np.flatnonzero(large):
        mean = sums[cell] / rows[cell]
        variance = max(0.0, squares[cell] / rows[cell] - mean**2)
        yield _SliceCandidate(float(mean - np.sqrt(variance / rows[cell])), features, int(cell))


def _measure(worst: _SliceCandidate, inside: Array, losses: dict[str, Array], clusters: Array) -> Check:
    """Measure the slice on the rows that the search did not use."""
    draws = Resampling(len(inside), clusters)

    def loss_difference(role: str, rows: Array) -> Any:
        member, loss = inside[rows].astype(float), losses[role][rows]

        def weighted(weights: Array) -> Array:
            within, outside = weights * member, weights * (1 - member)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray((within @ loss) / within.sum(-1) - (outside @ loss) / outside.sum(-1))

        return weighted

    all_rows = np.arange(len(inside))
    difference = float(loss_difference("challenger", all_rows)(np.ones(len(inside))))
    statistic = loss_difference("challenger", draws.index)
    sample_value = float(statistic(np.ones(len(draws.index))))
    low, high = draws.interval(draws.evaluate([statistic])[0], sample_value, difference)
    observed = {
        "rows": int(inside.sum()),
        "loss": float(losses["challenger"][inside].mean()),
        "other_loss": float(losses["challenger"][~inside].mean()),
        "difference": difference,
        "low": low,
        "high": high,
        "champion": float(losses["champion"][inside].mean()) if "champion" in losses else None,
    }
    significance = "significantly worse" if low > 0 else "not significantly worse"
    message = (
        f"mean loss {observed['loss']:.4f} in {worst.label}, {observed['other_loss']:.4f} in all other rows: "
        f"{significance}"
    )
    return Check(WORST_SLICE, "pass", "info", observed, None, f"slice {worst.label}", message)


def _label(feature: str, value: str) -> str:
    return f"{feature} {value}" if value.startswith(("<", ">")) else f"{feature}={value}"


def _bin_feature(column: Any, name: str) -> _BinnedFeature:
    labels, bins = np.unique(slice_labels(column, MAX_BINS).astype(str), return_inverse=True)
    return _BinnedFeature(name, bins, labels)


def _cells(features: tuple[_BinnedFeature, ...]) -> tuple[Array, int]:
    """Return the cell number of each row, and the number of cells."""
    shape = [len(f.labels) for f in features]
    return np.ravel_multi_index([f.bins for f in features], shape), int(np.prod(shape))


def _inconclusive(reason: str) -> Check:
    return Check(WORST_SLICE, "inconclusive", "info", None, None, None, reason)
