"""Operator that builds the training set of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class BuildTrainingSetOperator(LifecycleOperator):
    """Join features and labels of the partitions from ``first`` to ``cutoff``. Returns a ``SnapshotRef``.

    Only partitions in the catalogue are read. The labels of a partition appear there once they have matured, so no
    label from after the cutoff can leak in. A column ``partition`` is added.

    :param dataset: name of the training set.
    :param features: name of the features dataset.
    :param labels: name of the labels dataset.
    :param key: column that joins both, unique within a partition.
    :param first: first partition. ``None``: the oldest.
    :param cutoff: last partition.
    """

    template_fields: Sequence[str] = ("dataset", "features", "labels", "key", "first", "cutoff")

    def __init__(
        self, *, dataset: str, features: str, labels: str, key: str, first: str | None, cutoff: str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.features = features
        self.labels = labels
        self.key = key
        self.first = first
        self.cutoff = cutoff

    def step(self, context: Context) -> dict[str, Any]:
        """Join the rows and commit the snapshot."""
        from airflow_mlops.core.data.snapshots.training_set import join_labels
        from airflow_mlops.store import catalogue

        features, labels = (
            catalogue.partitions(self.database, dataset, self.first, self.cutoff)
            for dataset in (self.features, self.labels)
        )
        ref = self.snapshots.write(
            self.dataset,
            join_labels(self.snapshots, features, labels, self.key),
            partition=self.cutoff,
            source={"features": [r.id for r in features], "labels": [r.id for r in labels]},
        )
        self.log.info("%s: %s labelled rows of %s to %s", self.dataset, ref.rows, self.first, self.cutoff)
        return ref.to_dict()
