"""Waiting for labels, inside a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.waiting import LabelledTrigger


class LabelSensor(StoreSensor):
    """Wait, deferred, until a partition has enough labelled rows; gives the labels' ``SnapshotRef``.

    Labels that come in several loads make a new snapshot each time; what counts is the current one.

    :param dataset: the dataset of labels.
    :param partition: the partition, such as ``2026-05-04``.
    :param min_rows: how many rows are enough.
    """

    template_fields: Sequence[str] = ("dataset", "partition", "min_rows")

    def __init__(self, *, dataset: str, partition: str, min_rows: int | str = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.min_rows = min_rows
        self.begin_in_trigger()

    def trigger(self) -> LabelledTrigger:
        """Give the trigger that waits for the same."""
        return LabelledTrigger(self.dataset, self.partition, self.min_rows, **self.arguments)
