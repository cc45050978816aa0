"""Batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.runtimes.settings import Elsewhere


class ScoreDatasetOperator(LifecycleOperator):
    """Score a snapshot with the champion; gives the ``SnapshotRef`` of the scores.

    The champion is the one of ``champion_at`` in the ledger, so that a backfill scores each week with the model that
    was in production then. Where there was none yet, the task is skipped.

    :param model: the model's name.
    :param snapshot: the rows: a ``SnapshotRef``, or ``dataset@partition``.
    :param dataset: the name of the scores' dataset; default ``<model>_scores``.
    :param conn_id: the connection of a PostgreSQL or SQLite database that gets the scores, too.
    :param table: the table there, ``table`` or ``schema.table``; it is made when it is not there.
    :param batch_rows: how many rows are in memory at a time.
    :param key: the columns that name a row, kept beside the score.
    :param features: the columns that the model gets; default: the contract's features.
    :param contract: the contract that names them.
    :param champion_at: an ISO date or date-time on the data's clock; default: the champion now.
    :param trusted_types: the project's own types that the model may contain.
    :param runtime: where it runs: ``in_process`` (the default), ``docker``, ``external_python``, or a mapping with
        ``kind`` and settings, or :class:`airflow_mlops.runtimes.Docker` and its like.
    """

    template_fields: Sequence[str] = (
        "model",
        "snapshot",
        "dataset",
        "key",
        "features",
        "contract",
        "champion_at",
        "trusted_types",
        "conn_id",
        "table",
        "batch_rows",
        "runtime",
    )

    def __init__(
        self,
        *,
        model: str,
        snapshot: str | Mapping[str, Any],
        key: Sequence[str],
        dataset: str | None = None,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        champion_at: str | None = None,
        trusted_types: Sequence[str] = (),
        conn_id: str | None = None,
        table: str | None = None,
        batch_rows: int | str = 250_000,
        runtime: str | Mapping[str, Any] | Elsewhere | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.snapshot = snapshot
        self.key = key
        self.dataset = dataset
        self.features = features
        self.contract = contract
        self.champion_at = champion_at
        self.trusted_types = trusted_types
        self.conn_id = conn_id
        self.table = table
        self.batch_rows = batch_rows
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve the champion, load it verified, score batch by batch, publish."""
        given = self.carry_out("score", context)
        if given is None:
            raise AirflowSkipException(f"{self.model} has no champion at {self.champion_at or 'present'}")
        return given
