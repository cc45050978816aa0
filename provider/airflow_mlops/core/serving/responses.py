"""Responses: predictions in the form that batch scoring would store."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def format_predictions(scores: np.ndarray[Any, Any], classes: list[str]) -> list[Any]:
    """Return one prediction for each row: a number, or for three or more classes the label and the probabilities.

    :param scores: n scores, or n x k probabilities.
    :param classes: the names of the k classes.
    :return: n numbers, or n objects ``{"score": name, "score_0": probability, ...}``; a non-finite value is ``None``.
    """
    if scores.ndim == 1:
        return [_finite(value) for value in scores.tolist()]
    result = []
    for row_probabilities in scores.tolist():
        is_complete = not any(math.isnan(p) for p in row_probabilities)
        likeliest = (
            classes[max(range(len(row_probabilities)), key=row_probabilities.__getitem__)] if is_complete else None
        )
        result.append(
            {"score": likeliest, **{f"score_{i}": _finite(value) for i, value in enumerate(row_probabilities)}}
        )
    return result


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
