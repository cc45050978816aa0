"""Student's t distribution, for any real degrees of freedom."""

from __future__ import annotations


def survival(t: float, degrees_of_freedom: float) -> float:
    """Return P(T > t); NaN when an argument is NaN, or the degrees of freedom are not above 0."""
    from scipy import special

    return float(special.stdtr(degrees_of_freedom, -t))


def quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return the value that T exceeds with probability 1 - ``probability``.

    :param probability: at least 0.5, and below 1.
    """
    from scipy import special

    return float(special.stdtrit(degrees_of_freedom, probability))
