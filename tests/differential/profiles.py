"""Comparison of two profiles."""

from __future__ import annotations

import math
from typing import Any

from airflow_mlops.core.data.profiles import Profile


def profiles_equal(one: Profile, other: Profile) -> bool:
    """Check whether both have equal counts, and equal sums up to rounding."""
    return _equal(one.to_dict(), other.to_dict())


def _equal(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-6)
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(_equal(x[key], y[key]) for key in x)
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(_equal(i, j) for i, j in zip(x, y, strict=True))
    return bool(x == y)
