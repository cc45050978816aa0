"""Whether two profiles count the same."""

from __future__ import annotations

import math
from typing import Any

from airflow_mlops.core.data import Profile


def alike(one: Profile, other: Profile) -> bool:
    """Say whether both are equal in everything that is counted, and in sums of floats to the last digits."""
    return _alike(one.to_dict(), other.to_dict())


def _alike(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-6)
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(_alike(x[key], y[key]) for key in x)
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(_alike(i, j) for i, j in zip(x, y, strict=True))
    return bool(x == y)
