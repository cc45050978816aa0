"""Sensor for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.store_wait import LabelledRowsTrigger


class LabelSensor(StoreSensor):
    """Wait until a partition has enough labelled rows. Returns the labels' ``SnapshotRef``.

    Each load of labels makes a new snapshot; the rows of the current one count.

    :param dataset: name of the labels dataset.
    :param partition: partition key, such as ``2026-05-04``.
    :param min_rows: minimum number of labelled rows. Default: 1.
    """

    template_fields: Sequence[str] = ("dataset", "partition", "min_rows")

    def __init__(self, *, dataset: str, partition: str, min_rows: int | str = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.min_rows = min_rows
        self.enable_start_from_trigger()

    def build_trigger(self) -> LabelledRowsTrigger:
        """Return the trigger that waits for the same labels."""
        return LabelledRowsTrigger(self.dataset, self.partition, self.min_rows, **self.trigger_arguments)
