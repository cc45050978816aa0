"""Student's t distribution without SciPy, for degrees of freedom that need not be whole."""

from __future__ import annotations

import math

_TINY = 1e-300
_MOST_STEPS = 10_000


def tail(t: float, freedom: float) -> float:
    """Give P(T > t); NaN when either is not a number.

    It is half of the regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2)
    (Abramowitz and Stegun 1964, 26.7.1).

    :param t: any number, infinite ones too.
    :param freedom: degrees of freedom, above 0.
    """
    if math.isnan(t) or math.isnan(freedom) or freedom <= 0:
        return math.nan
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    square = t * t
    half = _beta(freedom / (freedom + square), freedom / 2, 0.5, square / (freedom + square)) / 2
    return half if t >= 0 else 1 - half


def quantile(chance: float, freedom: float) -> float:
    """Give the t that is exceeded with a chance of 1 - ``chance``.

    Newton's method from 0 on: the tail is convex there, so that each step stays on this side of the root.

    :param chance: at least 0.5, and below 1.
    """
    t, wanted = 0.0, 1 - chance
    for _ in range(_MOST_STEPS):
        step = (tail(t, freedom) - wanted) / _density(t, freedom)
        t += step
        if step <= 1e-13 * t:
            break
    return t


def _density(t: float, freedom: float) -> float:
    front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(front - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def _beta(x: float, a: float, b: float, rest: float) -> float:
    """Give the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction where it converges fast.

    :param rest: 1 - x, which may be known better than by subtracting.
    """
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(rest, b, a, x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MOST_STEPS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _off_zero(1 + step * d)
            c = _off_zero(1 + step / c)
            fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * fraction / a


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
