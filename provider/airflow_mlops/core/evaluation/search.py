"""Search: the part of the rows in which a model does worst, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.scoring import Scored
from airflow_mlops.core.evaluation.slices import labels_of
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.report import Check

NAME = "worst slice"
MIN_ROWS, MIN_SHARE, MAX_SHARE = 100, 0.02, 0.5
MOST_ROWS = 20_000
MOST_BINS = 12
MOST_FEATURES = 30


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A feature, cut: the number of each row's bin, and the bins' names."""

    name: str
    bins: Array
    names: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A slice that was looked at: how bad it looks, at least, and which rows are in it."""

    badness: float
    columns: tuple[_Column, ...]
    cell: int

    @property
    def members(self) -> Array:
        return np.asarray(_cells(self.columns)[0] == self.cell)

    @property
    def said(self) -> str:
        cells = np.unravel_index(self.cell, [len(c.names) for c in self.columns])
        return " and ".join(_named(c.name, c.names[i]) for c, i in zip(self.columns, cells, strict=True))


def worst_slice(scored: Scored, *, seed: int = 0) -> Check:
    """Find the slice with the highest mean loss of the challenger, among single features and pairs of them.

    Numbers are cut into quarters. Half of the rows (whole clusters) are searched, and the slice found there is measured
    on the other half: on the rows that chose it, it would look worse than it is. A slice has at least 100 rows
    and 2 % of them, and at most half.
    """
    losses = {role: scored.rows.losses(scores) for role, scores in scored.scores.items()}
    if not np.isfinite(losses["challenger"]).all():
        return _not_judged("the challenger's losses are not finite")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(scored.rows))[:MOST_ROWS])
    clusters = np.unique(scored.rows.numbered()[rows], return_inverse=True)[1]
    searched = (rng.permutation(int(clusters.max()) + 1) % 2 == 0)[clusters]
    least = max(MIN_ROWS, MIN_SHARE * len(rows)) / 2
    if min(searched.sum(), (~searched).sum()) < 2 * least:
        return _not_judged(f"{len(rows)} rows are too few to search one half and measure on the other")
    columns = [_cut(scored.rows.own[name].iloc[rows], name) for name in scored.rows.own.columns]
    found = _search(columns, losses["challenger"][rows], searched, least)
    if found is None:
        return _not_judged("no feature cuts the rows into slices that are large enough")
    measured = {role: of[rows][~searched] for role, of in losses.items()}
    return _measured(found, found.members[~searched], measured, clusters[~searched])


def _search(columns: list[_Column], losses: Array, searched: Array, least: float) -> _Candidate | None:
    """Look at single features, then at pairs of those whose bins differ most; give the slice that looks worst."""
    single = [(column, list(_looked_at((column,), losses, searched, least))) for column in columns if _cuts(column)]
    single.sort(key=lambda of: -max((c.badness for c in of[1]), default=-np.inf))
    candidates = [c for _, of in single for c in of]
    for pair in combinations([column for column, _ in single[:MOST_FEATURES]], 2):
        candidates += _looked_at(pair, losses, searched, least)
    return max(candidates, key=lambda c: c.badness, default=None)


def _looked_at(columns: tuple[_Column, ...], losses: Array, searched: Array, least: float) -> Iterator[_Candidate]:
    """Give the slices that are large enough. How bad one looks is its mean loss less one standard error: the mean
    alone would favour the smallest.
    """
    cells, count = _cells(columns)
    rows, others = (np.bincount(cells[part], minlength=count) for part in (searched, ~searched))
    fits = (np.minimum(rows, others) >= least) & (rows <= MAX_SHARE * searched.sum())
    if not fits.any():
        return
    sums, squares = (np.bincount(cells[searched], weights=w[searched], minlength=count) for w in (losses, losses**2))
    for cell in np.flatnonzero(fits):
        mean = sums[cell] / rows[cell]
        spread = max(0.0, squares[cell] / rows[cell] - mean**2)
        yield _Candidate(float(mean - np.sqrt(spread / rows[cell])), columns, int(cell))


def _measured(found: _Candidate, inside: Array, losses: dict[str, Array], clusters: Array) -> Check:
    """Tell how bad the slice is on rows that had no part in choosing it."""
    draws = Resampling(len(inside), clusters)

    def worse(role: str, rows: Array) -> Any:
        member, loss = inside[rows].astype(float), losses[role][rows]

        def weighted(weights: Array) -> Array:
            within, beside = weights * member, weights * (1 - member)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray((within @ loss) / within.sum(-1) - (beside @ loss) / beside.sum(-1))

        return weighted

    everything = np.arange(len(inside))
    gap = float(worse("challenger", everything)(np.ones(len(inside))))
    figure = worse("challenger", draws.index)
    low, high = draws.ends(draws.values([figure])[0], float(figure(np.ones(len(draws.index)))), gap)
    seen = {
        "rows": int(inside.sum()),
        "loss": float(losses["challenger"][inside].mean()),
        "elsewhere": float(losses["challenger"][~inside].mean()),
        "difference": gap,
        "low": low,
        "high": high,
        "champion": float(losses["champion"][inside].mean()) if "champion" in losses else None,
    }
    sure = "surely worse than elsewhere" if low > 0 else "not surely worse than elsewhere"
    said = f"mean loss {seen['loss']:.4f} in {found.said}, {seen['elsewhere']:.4f} elsewhere: {sure}"
    return Check(NAME, "pass", "info", seen, None, f"slice {found.said}", said)


def _named(column: str, value: str) -> str:
    return f"{column} {value}" if value.startswith(("<", ">")) else f"{column}={value}"


def _cut(column: Any, name: str) -> _Column:
    names, bins = np.unique(labels_of(column, MOST_BINS).astype(str), return_inverse=True)
    return _Column(name, bins, names)


def _cuts(column: _Column) -> bool:
    return len(column.names) > 1


def _cells(columns: tuple[_Column, ...]) -> tuple[Array, int]:
    """Give the number of each row's cell, and how many cells there are."""
    shape = [len(c.names) for c in columns]
    return np.ravel_multi_index([c.bins for c in columns], shape), int(np.prod(shape))


def _not_judged(why: str) -> Check:
    return Check(NAME, "not_judged", "info", None, None, None, why)
