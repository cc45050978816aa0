"""Options of an evaluation beyond the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_mlops.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Options of an evaluation.

    :param slices: columns of the gate rows to evaluate slice by slice.
    :param groups: columns with protected attributes; they need not be features.
    :param threshold: decision threshold of the fairness checks, between 0 and 1.
    :param importance: whether to compute permutation importance.
    :param cost: whether to measure latency, memory and loading time.
    :param train_sample: number of training rows for the overfitting check; 0 skips it.
    """

    slices: Sequence[str] = ()
    groups: Sequence[str] = ()
    threshold: float = 0.5
    importance: bool = False
    cost: bool = False
    train_sample: int = 0

    def __post_init__(self) -> None:
        """Validate the values."""
        if not 0 < self.threshold < 1:
            raise BadInput(f"threshold={self.threshold:g} is out of range", hint="use a number between 0 and 1")
        if self.train_sample < 0:
            raise BadInput(f"train_sample={self.train_sample} is negative", hint="use 0 to skip the check")
