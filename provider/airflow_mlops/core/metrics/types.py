"""Types of metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Direction = Literal["higher", "lower"]
Task = Literal["binary", "multiclass", "regression"]
WeightedStatistic = Callable[[Array], Array]
"""A function of weights (n, or k x n) that returns a value, or k of them."""
InfluenceFunction = Callable[[Array, Array], Array]
