"""Building the training set of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class BuildTrainingSetOperator(LifecycleOperator):
    """Join features with the labels of the same partitions, from ``first`` to ``cutoff``; gives a ``SnapshotRef``.

    Only what the catalogue has is read: a partition's labels are there once they have matured, so no label from after
    the cut-off can leak in. A column ``partition`` is added.

    :param dataset: the name of the training set.
    :param features: the dataset of features.
    :param labels: the dataset of labels.
    :param key: the column that both have, unique within a partition.
    :param first: the first partition.
    :param cutoff: the last partition.
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
        """Join, write, commit."""
        from airflow_mlops.core.data.training_set import labelled_rows
        from airflow_mlops.store import catalogue

        features, labels = (
            catalogue.partitions(self.database, dataset, self.first, self.cutoff)
            for dataset in (self.features, self.labels)
        )
        ref = self.snapshots.write(
            self.dataset,
            labelled_rows(self.snapshots, features, labels, self.key),
            partition=self.cutoff,
            source={"features": [r.id for r in features], "labels": [r.id for r in labels]},
        )
        self.log.info("%s: %s labelled rows of %s to %s", self.dataset, ref.rows, self.first, self.cutoff)
        return ref.to_dict()
