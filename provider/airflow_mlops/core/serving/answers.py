"""What a request is answered: a prediction for each row, as batch scoring would give it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def predictions(scores: np.ndarray[Any, Any], classes: list[str]) -> list[Any]:
    """Give what a score set would have: a number for each row, or of three classes or more the likeliest and chances.

    :param scores: n scores, or n x k chances.
    :param classes: the names of the k classes.
    :returns: n numbers, or n objects ``{"score": name, "score_0": chance, ...}``; what is not finite is ``None``.
    """
    if scores.ndim == 1:
        return [_number(value) for value in scores.tolist()]
    found = []
    for chances in scores.tolist():
        known = not any(math.isnan(chance) for chance in chances)
        likeliest = classes[max(range(len(chances)), key=chances.__getitem__)] if known else None
        found.append({"score": likeliest, **{f"score_{i}": _number(value) for i, value in enumerate(chances)}})
    return found


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
