"""Intervals that respect where a figure can lie: drawn on a scale on which its error is about the same everywhere.

A share of few rows, an area near one, a mean of losses of which some are large: their errors lean to one side, and an
interval of the same reach to both sides is wrong on one of them. Quantiles are Student's, as the error is estimated.
"""

from __future__ import annotations

import math

from airflow_mlops.core.metrics import student
from airflow_mlops.core.metrics.estimate import Estimate

Ends = tuple[float, float]
_MOST = 700.0  # more would overflow


def of_share(estimate: Estimate, trials: int, confidence: float) -> Ends:
    """Give the ends for a share of rows, such as accuracy: Wilson's score interval (1927).

    Its number of trials is the one at which a share of independent trials had the estimate's error, as for surveys
    whose rows come in clusters (Korn and Graubard 1998).

    :param estimate: between 0 and 1.
    :param trials: how many there were; used where none differs, and the error says nothing.
    """
    share, t = min(1.0, max(0.0, estimate.value)), _reach(estimate, confidence)
    varies = estimate.error > 0 and 0 < share < 1
    n = share * (1 - share) / estimate.error**2 if varies else trials
    middle = (n * share + t * t / 2) / (n + t * t)
    half = t * math.sqrt(n * share * (1 - share) + t * t / 4) / (n + t * t)
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def of_area(estimate: Estimate, trials: int, confidence: float) -> Ends:
    """Give the ends for an area under a curve: on the log-odds (Pepe 2003, section 5.2; Boyd, Eng and Page 2013).

    :param estimate: between 0 and 1.
    :param trials: rows of the smaller class; used where none differs, as for a share.
    """
    area = estimate.value
    if not (estimate.error > 0 and 0 < area < 1):
        return of_share(estimate, trials, confidence)
    odds, reach = math.log(area / (1 - area)), _reach(estimate, confidence) * estimate.error / (area * (1 - area))
    return _from_odds(odds - reach), _from_odds(odds + reach)


def of_f1(estimate: Estimate, trials: int, confidence: float) -> Ends:
    """Give the ends for F1, by those for the share that it follows from (Lam, Gopal and Qian 2023, Wilson indirect).

    Of the rows that are positive or decided so, F1 / (2 - F1) are both.

    :param trials: how many these rows are; used where none differs.
    """
    value = estimate.value
    share = Estimate(value / (2 - value), 2 * estimate.error / (2 - value) ** 2, estimate.freedom)
    low, high = of_share(share, trials, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def of_loss(estimate: Estimate, confidence: float) -> Ends:
    """Give the ends for a mean of losses, or its root: on the logarithm."""
    if estimate.error == 0:
        return estimate.value, estimate.value
    times = math.exp(min(_MOST, _reach(estimate, confidence) * estimate.error / estimate.value))
    return estimate.value / times, estimate.value * times


def of_explained(estimate: Estimate, confidence: float) -> Ends:
    """Give the ends for R2: by those for the share that is not explained, which is a mean of losses over another."""
    low, high = of_loss(Estimate(1 - estimate.value, estimate.error, estimate.freedom), confidence)
    return 1 - high, 1 - low


def _reach(estimate: Estimate, confidence: float) -> float:
    return student.quantile((1 + confidence) / 2, estimate.freedom)


def _from_odds(odds: float) -> float:
    part = math.exp(-min(_MOST, abs(odds)))
    return 1 / (1 + part) if odds >= 0 else part / (1 + part)
