"""How two profiles are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.core.data import Profile

Same = Callable[[Profile, Profile], bool]


def _alike(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return bool(x == pytest.approx(y, rel=1e-9, abs=1e-6))
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(_alike(x[key], y[key]) for key in x)
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(_alike(i, j) for i, j in zip(x, y, strict=True))
    return bool(x == y)


@pytest.fixture(scope="session")
def same() -> Same:
    """Equal in everything that is counted; sums of floats to the last digits."""
    return lambda a, b: _alike(a.to_dict(), b.to_dict())
