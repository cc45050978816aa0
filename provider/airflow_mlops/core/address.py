"""Addresses such as ``churn_features@2026-04-06``: a partition of a dataset, written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database


def snapshot_at(database: Database, value: str | Mapping[str, Any] | SnapshotRef) -> SnapshotRef:
    """Give the snapshot that a task parameter means.

    :param value: a reference, its dict, or ``dataset@partition``: what the catalogue has there now.
    :raises BadInput: when it is none of these.
    :raises NotFound: when the catalogue has no such partition.
    """
    if not isinstance(value, str):
        return SnapshotRef.from_dict(value)
    dataset, at, partition = value.partition("@")
    if not (dataset and at and partition) or partition == "None":
        raise BadInput(
            f"{value!r} is not a snapshot's address",
            mend="write dataset@partition, for example churn_features@2026-04-06, or pass another task's output",
        )
    return catalogue.current(database, dataset, partition)
