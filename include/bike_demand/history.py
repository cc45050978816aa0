"""Ingested months: which are missing, and their combination into a training set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database
from include.bike_demand.source import months_up_to

if TYPE_CHECKING:
    import pandas as pd


def months_to_ingest(database: Database, dataset: str, month: str) -> list[str]:
    """List the months to ingest before training: the given month, and earlier months that are missing.

    A backfill in order ingests one month per run; a manual run on an empty store ingests all.
    """
    ingested = {ref.partition for ref in catalogue.partitions(database, dataset, last=month)}
    return [m for m in months_up_to(month) if m == month or m not in ingested]


def build_history(database: Database, root: SnapshotRoot, dataset: str, month: str) -> SnapshotRef:
    """Combine all months up to the given one into a snapshot; later months are ignored.

    :raises NotFound: when a month is missing.
    """
    refs = {ref.partition: ref for ref in catalogue.partitions(database, dataset, last=month)}
    if missing := [m for m in months_up_to(month) if m not in refs]:
        raise NotFound(
            f"{dataset!r} has no rows of {missing[:3]}", where=f"months up to {month}", hint="run the ingest again"
        )

    def frames() -> Iterator[pd.DataFrame]:
        for m in months_up_to(month):
            yield from root.open(refs[m]).batches()

    source = {"months": {m: refs[m].id for m in months_up_to(month)}}
    return root.write(f"{dataset}_history", frames(), partition=month, source=source)
