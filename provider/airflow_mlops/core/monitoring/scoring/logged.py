"""Scores that stand in a prediction log, to be joined with the labels when they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.store.predictions import PredictionLog

if TYPE_CHECKING:
    import pandas as pd


def current(log: PredictionLog, model: str) -> dict[str, str]:
    """Give the snapshots that a model's scores in a log are those of.

    :returns: partition -> id, of the version that scored it last; empty when there is no such table.
    """
    try:
        return {by.partition: by.snapshot_id for by in log.versions(model)}
    except NotFound:
        return {}


class LoggedScores:
    """The scores that a version gave to a partition, as a snapshot of them gives them.

    What judges predictions (:mod:`airflow_mlops.core.monitoring.performance`) takes these and snapshots alike.

    :param log: the table.
    :param model: the model's name.
    :param partition: the partition.
    :param version: the version; default: the one that scored it last.
    :raises NotFound: when there are none.
    """

    def __init__(self, log: PredictionLog, model: str, partition: str, version: int | None = None) -> None:
        found = [by for by in log.versions(model, partition) if version in (None, by.version)]
        if not found:
            raise NotFound(
                f"{model} has no scores of {partition}" + ("" if version is None else f" by version {version}"),
                where=log.where,
                mend="run (or backfill) the task that scores it into this table",
            )
        self.log, self.by = log, found[-1]
        self.ref = SnapshotRef(log.name, self.by.snapshot_id, log.where, log.count(self.by), partition)

    @property
    def name(self) -> str:
        """What to call them."""
        return f"{self.log.name} {self.ref.partition}"

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        """
        return self.log.read(self.by, columns)
