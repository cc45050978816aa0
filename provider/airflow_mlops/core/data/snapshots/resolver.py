"""Snapshot addresses such as ``churn_features@2026-04-06``: a dataset and a partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database


def resolve_snapshot(database: Database, value: str | Mapping[str, Any] | SnapshotRef) -> SnapshotRef:
    """Return the snapshot that a task parameter refers to.

    :param value: a reference, its dict, or ``dataset@partition``, the partition's current snapshot in the catalogue.
    :raises BadInput: when it is none of these.
    :raises NotFound: when the catalogue has no such partition.
    """
    if not isinstance(value, str):
        return SnapshotRef.from_dict(value)
    dataset, separator, partition = value.partition("@")
    if not (dataset and separator and partition) or partition == "None":
        raise BadInput(
            f"{value!r} is not a snapshot's address",
            hint="write dataset@partition, for example churn_features@2026-04-06, or pass another task's output",
        )
    return catalogue.current(database, dataset, partition)
