"""Evidence for the gate: the predictions of one model on the gate rows, and facts about the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_mlops.core.metrics import Array


@dataclass(frozen=True, slots=True)
class Evidence:
    """Predictions of one model on the gate rows.

    :param subject: the model's name and version.
    :param snapshot: the id of the snapshot with the gate rows.
    :param keys: n row keys, in the order of the rows.
    :param target: n true values; 0 and 1 in a binary task.
    :param scores: n predictions: the positive class's probability, or the value; n x k probabilities of k classes.
    :param seen_rows: number of gate rows in the model's training, tuning or selection data; ``None`` when unknown,
        which blocks.
    :param clusters: n values; rows with the same value are dependent.
    :param facts: measurements for the budgets, such as ``bytes``.
    :param slices: column -> n values, the slices in which the challenger must not be worse.
    :param groups: protected attribute -> n values, for the fairness bounds.
    :param self_tests: test -> ``pass``, ``fail`` or ``inconclusive``; ``None`` when no model tests were run.
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
