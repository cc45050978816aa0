"""The months that are there: which are missing, and all of them as one training set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database
from include.bike_demand.source import up_to

if TYPE_CHECKING:
    import pandas as pd


def wanted(database: Database, dataset: str, month: str) -> list[str]:
    """List the months to be read for a training up to one: itself, and those before it that are not there yet.

    A backfill in order reads one month a run; a run by hand on an empty store reads all.
    """
    there = {ref.partition for ref in catalogue.partitions(database, dataset, last=month)}
    return [m for m in up_to(month) if m == month or m not in there]


def gather(database: Database, root: SnapshotRoot, dataset: str, month: str) -> SnapshotRef:
    """Put all months up to one together as a snapshot; a later month is not looked at, even if it is there.

    :raises NotFound: when a month is missing.
    """
    refs = {ref.partition: ref for ref in catalogue.partitions(database, dataset, last=month)}
    if missing := [m for m in up_to(month) if m not in refs]:
        raise NotFound(
            f"{dataset!r} has no rows of {missing[:3]}", where=f"months up to {month}", mend="run the ingest again"
        )

    def frames() -> Iterator[pd.DataFrame]:
        for m in up_to(month):
            yield from root.open(refs[m]).batches()

    source = {"months": {m: refs[m].id for m in up_to(month)}}
    return root.write(f"{dataset}_history", frames(), partition=month, source=source)
