"""How sure a calibration error is: by the smallest and the largest true one that would show one like this.

A calibration error is never negative, so noise alone makes one, and a bootstrap of it adds noise to noise: the interval
of a model that is calibrated never holds the truth. Here the test is turned round (Carpenter 1999). What the bins miss
is a sum over many rows. So a true error is supposed, spread over the bins as the one seen, normal noise as large as
that of the rows is added, and it is asked how often an error comes out as large, or as small, as the one seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.binary import calibration_bins
from airflow_mlops.core.metrics.metric import Array
from airflow_mlops.core.metrics.units import Units

_DRAWS = 2000
_MOST_PARTS = 5000  # of which the noise is measured
_HALVINGS = 40
_BEYOND = 10.0  # standard errors


def calibration_ends(target: Array, scores: Array, units: Units, confidence: float) -> tuple[float, float]:
    """Give the ends of an interval of the calibration error.

    :param target: n classes, 0 or 1.
    :param scores: n probabilities of class 1.
    :param units: of these rows.
    """
    bins, part = calibration_bins(scores), units.dealt(_MOST_PARTS)
    b, parts = int(bins.max()) + 1, int(part.max()) + 1
    missed = np.bincount(part * b + bins, scores - target, minlength=parts * b).reshape(parts, b) / units.rows
    means = missed.sum(axis=0)
    seen = float(np.abs(means).sum())
    noise = _noise(missed - np.outer(np.bincount(part) / units.rows, means))
    shape = means / seen if seen > 0 else np.full(len(means), 1 / len(means))
    tail = (1 - confidence) / 2

    def chance_of_less(true: float) -> float:
        """How often no more than what is seen comes out; falls as the true error grows."""
        return float((np.abs(true * shape + noise).sum(axis=1) <= seen).mean())

    most = seen + _BEYOND * float(np.sqrt((noise**2).mean(axis=0)).sum())
    return _where(chance_of_less, 1 - tail, most), _where(chance_of_less, tail, most)


def _noise(parts: Array) -> Array:
    """Draw normal noise with the covariance of a sum over parts.

    :param parts: what each of k adds to each of b bins.
    :returns: draws x b.
    """
    k, b = parts.shape
    away = parts - parts.mean(axis=0)
    covariance = np.einsum("ui,uj->ij", away, away) * k / (k - 1)
    root = np.linalg.cholesky(covariance + (1e-10 * np.trace(covariance) + 1e-300) * np.eye(b))
    return np.asarray(np.einsum("di,ji->dj", np.random.default_rng(0).normal(size=(_DRAWS, b)), root))


def _where(falling: Callable[[float], float], goal: float, most: float) -> float:
    """Give the least number from 0 to ``most`` at which a falling function is no more than ``goal``."""
    low, high = 0.0, most
    if falling(low) <= goal:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > goal else (low, middle)
    return high
