"""Verdicts from profiles are those of exact tests on the rows: 20 seeds, four sizes, drift and none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from airflow_mlops.common.statistics import significance
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.drift.data import distances, drift_signals

SHIFTS = {"same": (1.0, 0.0), "little": (1.0, 0.06), "more": (1.0, 0.2), "wider": (1.3, 0.0)}
SHARES = {"same": [0.5, 0.3, 0.2], "little": [0.53, 0.29, 0.18], "more": [0.4, 0.3, 0.3], "wider": [0.2, 0.3, 0.5]}


def columns(rng: np.random.Generator, n: int, change: str) -> dict[str, np.ndarray]:
    scale, shift = SHIFTS[change]
    numbers = {
        "normal": rng.normal(size=n) * scale + shift,
        "lognormal": rng.lognormal(0, 0.7, n) * scale + shift,
        "bimodal": np.where(rng.random(n) < 0.3, rng.normal(-3, 1, n), rng.normal(2, 0.5, n)) * scale + 3 * shift,
        "whole": np.rint(rng.poisson(30, n) * scale + 6 * shift),
    }
    return {**numbers, "names": np.array(["a", "b", "c"])[rng.choice(3, n, p=SHARES[change])]}


def profiled(reference: dict[str, np.ndarray], current: dict[str, np.ndarray]) -> tuple[Profile, Profile]:
    before = profile(pl.DataFrame(reference))
    return before, profile(pl.DataFrame(current), like=before)


def decisions(rows: int, seed: int) -> Iterator[tuple[str, bool, bool]]:
    """Give (method, our verdict, that of the exact test on the rows) for each column of one stream."""
    rng = np.random.default_rng(seed)
    reference, current = columns(rng, rows, "same"), columns(rng, rows, list(SHIFTS)[seed % 4])
    before, now = profiled(reference, current)
    for name, old in reference.items():
        new, x, y = current[name], before.columns[name], now.columns[name]
        if x.categories and y.categories:
            counts = [[int((side == letter).sum()) for letter in "abc"] for side in (old, new)]
            ours = distances.jensen_shannon(*drift_signals.align_categories(x.categories, y.categories))
            yield "jensenshannon", ours >= 0.1, jensenshannon(*counts, base=2) >= 0.1
        if x.numbers and y.numbers:
            exact = stats.wasserstein_distance(old, new) / old.std()
            yield "wasserstein", distances.wasserstein(x.numbers, y.numbers) / x.std >= 0.1, exact >= 0.1
            p_value = significance.ks_p_value(distances.kolmogorov_smirnov(x.numbers, y.numbers), rows, rows)
            yield "ks", p_value < 0.05, bool(stats.ks_2samp(old, new).pvalue < 0.05)


@pytest.fixture(scope="module")
def decided() -> dict[str, list[tuple[bool, bool]]]:
    found: dict[str, list[tuple[bool, bool]]] = {}
    for rows in (100, 1_000, 10_000, 100_000):
        for seed in range(20):
            for method, ours, exact in decisions(rows, seed):
                found.setdefault(method, []).append((ours, exact))
    return found


@pytest.mark.parametrize("method", ["wasserstein", "jensenshannon"])
def test_distances_come_to_the_verdict_of_the_rows_every_time(
    method: str, decided: dict[str, list[tuple[bool, bool]]]
) -> None:
    assert len({exact for _, exact in decided[method]}) == 2  # there is drift among them, and none
    assert [pair for pair in decided[method] if pair[0] != pair[1]] == []


def test_kolmogorov_smirnov_on_cells_comes_to_the_exact_verdict_in_99_of_100(
    decided: dict[str, list[tuple[bool, bool]]],
) -> None:
    assert len({exact for _, exact in decided["ks"]}) == 2
    assert sum(ours != exact for ours, exact in decided["ks"]) <= 0.01 * len(decided["ks"])
