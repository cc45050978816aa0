"""What the gate judges by: one model's predictions on the gate rows, and what is known of the model beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_mlops.core.metrics import Array


@dataclass(frozen=True, slots=True)
class Evidence:
    """How one model did on the gate rows.

    :param subject: the model's name and version.
    :param snapshot: the id of the snapshot with the gate rows.
    :param keys: n row keys, in the order of the rows.
    :param target: n true values; 0 and 1 in a binary task.
    :param scores: n predictions: the positive class's probability, or the value; n x k probabilities of k classes.
    :param seen_rows: how many of the gate rows are in the model's training, tuning or selection data. ``None``
        when that is not known, which blocks.
    :param clusters: n values; rows with the same one belong together.
    :param facts: what budgets are held against, such as ``bytes``.
    :param slices: column -> n values, the slices in which the challenger must not be worse.
    :param groups: protected attribute -> n values, for the bounds on fairness.
    :param self_tests: test -> ``pass``, ``fail`` or ``not_judged``; ``None`` when none were run.
    """

    subject: str
    snapshot: str
    keys: Array
    target: Array
    scores: Array
    seen_rows: int | None
    clusters: Array | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    slices: Mapping[str, Array] = field(default_factory=dict)
    groups: Mapping[str, Array] = field(default_factory=dict)
    self_tests: Mapping[str, str] | None = None
