"""Splitting by a stable key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class SplitDatasetOperator(LifecycleOperator):
    """Split a snapshot into ``train``, ``validation`` and ``test``; gives a ``SnapshotRef`` for each.

    The part of a row follows from the hash of its key alone: a test row stays a test row over all retrainings.
    Use the outputs by name: ``split.output["test"]``.

    :param snapshot: a ``SnapshotRef``, or ``dataset@partition``.
    :param key: the column that decides; rows with the same value stay together.
    :param test: the share of gate rows, 0 to 1.
    :param validation: the share of rows to choose candidates on, 0 to 1.
    :param seed: another seed gives another split.
    :param stratify: give each value of this column the same shares (needs one row a key).
    """

    template_fields: Sequence[str] = ("snapshot", "key", "test", "validation", "seed", "stratify")

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any],
        key: str,
        test: float = 0.25,
        validation: float = 0.15,
        seed: int = 0,
        stratify: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.key = key
        self.test = test
        self.validation = validation
        self.seed = seed
        self.stratify = stratify

    def step(self, context: Context) -> dict[str, Any]:
        """Assign each row to a part and commit the three parts as snapshots."""
        from airflow_mlops.core.training.split import Shares, split

        refs = split(
            self.snapshots,
            self.open(self.snapshot),
            key=self.key,
            shares=Shares(float(self.test), float(self.validation)),
            seed=int(self.seed),
            stratify=self.stratify,
        )
        for part, ref in refs.items():
            self.log.info("%s: %s rows (%s)", part, ref.rows, ref.id)
        return {part: ref.to_dict() for part, ref in refs.items()}
