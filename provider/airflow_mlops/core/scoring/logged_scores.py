"""Scores in a prediction log, to be joined with labels later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.scoring.prediction_log import PredictionLog

if TYPE_CHECKING:
    import pandas as pd


def current_snapshots(log: PredictionLog, model: str) -> dict[str, str]:
    """Return the snapshots behind a model's scores in a log.

    :return: partition -> id, of the version that scored it last; empty when the table does not exist.
    """
    try:
        return {by.partition: by.snapshot_id for by in log.versions(model)}
    except NotFound:
        return {}


class LoggedScores:
    """The scores of a partition in a prediction log, with the interface of a snapshot.

    Checks of predictions (:mod:`airflow_mlops.core.monitoring.performance`) accept these and snapshots.

    :param log: the table.
    :param model: the model's name.
    :param partition: the partition.
    :param version: the version; default: the last one that scored the partition.
    :raises NotFound: when there are no scores.
    """

    def __init__(self, log: PredictionLog, model: str, partition: str, version: int | None = None) -> None:
        scored_by = [by for by in log.versions(model, partition) if version in (None, by.version)]
        if not scored_by:
            raise NotFound(
                f"{model} has no scores of {partition}" + ("" if version is None else f" by version {version}"),
                where=log.where,
                hint="run (or backfill) the task that scores it into this table",
            )
        self.log, self.by = log, scored_by[-1]
        self.ref = SnapshotRef(log.name, self.by.snapshot_id, log.where, log.count(self.by), partition)

    @property
    def name(self) -> str:
        """The display name."""
        return f"{self.log.name} {self.ref.partition}"

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        """
        return self.log.read(self.by, columns)
