"""Rows scored by models whose quality is known, drawn without fitting any.

Binary scores are binormal: of class y a model sees d * y + noise, d = sqrt(2) * quantile(AUC), and gives the
probability that follows (Green & Swets 1966). Models share a part of the noise. With the same d they are exchangeable:
whatever sets them apart on some rows is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

Array = np.ndarray[Any, Any]
LEAST_OF_A_CLASS = 20  # as the gate asks for: with fewer it gives no verdict, which would flatter a study
SHARES = (0.5, 0.3, 0.2)  # of the three classes
MOST_TOGETHER = 30  # rows of one customer


@dataclass(frozen=True, slots=True)
class Rows:
    """Gate rows.

    :param target: n true values.
    :param scores: of each model n scores, or n x k.
    :param clusters: n customers; None where rows are independent.
    """

    target: Array
    scores: list[Array]
    clusters: Array | None = None


def noise(rng: np.random.Generator, models: int, shape: int | tuple[int, int], correlation: float) -> list[Array]:
    """Draw standard normal noise of models, which goes together with the given correlation."""
    shared = np.sqrt(correlation) * rng.standard_normal(shape)
    return [shared + np.sqrt(1 - correlation) * rng.standard_normal(shape) for _ in range(models)]


def binary(
    rng: np.random.Generator,
    rows: int,
    base_rate: float,
    aucs: Sequence[float],
    correlation: float,
    clustered: bool = False,
) -> Rows:
    """Draw rows of two classes, scored by a model of each AUC.

    :param clustered: a customer's rows are of one class, and nearly the same to each model.
    """
    customers = _customers(rng, rows) if clustered else np.arange(rows)
    while True:
        own = (rng.random(int(customers[-1]) + 1) < base_rate).astype(float)
        target = own[customers]
        if LEAST_OF_A_CLASS <= target.sum() <= rows - LEAST_OF_A_CLASS:
            break
    noises = noise(rng, len(aucs), len(own), correlation)
    if clustered:
        alone = noise(rng, len(aucs), rows, correlation)
        noises = [np.sqrt(0.8) * n[customers] + np.sqrt(0.2) * a for n, a in zip(noises, alone, strict=True)]
    scores = [_probability(auc, base_rate, target, n) for auc, n in zip(aucs, noises, strict=True)]
    return Rows(target, scores, customers if clustered else None)


@cache
def apart(auc: float) -> float:
    """Return how far the classes are apart, in standard deviations of the noise, for an AUC."""
    return float(np.sqrt(2) * stats.norm.ppf(auc))


def _probability(auc: float, base_rate: float, target: Array, seen: Array) -> Array:
    d = apart(auc)
    logit = d * (d * target + seen) - d**2 / 2 + np.log(base_rate / (1 - base_rate))
    return np.asarray(1 / (1 + np.exp(-logit)))


def _customers(rng: np.random.Generator, rows: int) -> Array:
    """Deal rows to customers: geometrically many each, 8 in the mean and 30 at most."""
    sizes = np.minimum(rng.geometric(1 / 8, rows), MOST_TOGETHER)
    return np.repeat(np.arange(rows), sizes)[:rows]


def classes(rng: np.random.Generator, rows: int, models: int, correlation: float, d: float = 1.5) -> Rows:
    """Draw rows of three classes of 50, 30 and 20 %, with each model's probabilities.

    :param d: how far a class stands out, in standard deviations of the noise.
    """
    target = rng.choice(len(SHARES), rows, p=SHARES)
    stands_out = d * (target[:, None] == np.arange(len(SHARES)))
    scores = []
    for seen in noise(rng, models, (rows, len(SHARES)), correlation):
        odds = np.exp(d * (stands_out + seen) + np.log(SHARES))
        scores.append(odds / odds.sum(axis=1, keepdims=True))
    return Rows(target.astype(float), scores)


def values(rng: np.random.Generator, rows: int, models: int, correlation: float, heavy: bool = False) -> Rows:
    """Draw positive values and each model's predictions of them.

    :param heavy: errors have Student's distribution with three degrees of freedom: now and then one is huge.
    """
    target = 10 + 3 * np.abs(rng.standard_normal(rows))
    errors = noise(rng, models, rows, correlation)
    if heavy:
        tail = np.sqrt(3 / rng.chisquare(3, (models, rows)))
        errors = [error * part for error, part in zip(errors, tail, strict=True)]
    return Rows(target, [target + error for error in errors])
