"""Operator for batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.execution.steps.parameters import ScoreParameters
from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.execution.runtimes import RemoteRuntime


class ScoreDatasetOperator(LifecycleOperator):
    """Score a snapshot with the champion. Returns the ``SnapshotRef`` of the scores.

    The champion is that of ``champion_at`` in the ledger, so a backfill scores each week with the model that was in
    production then. If there was none yet, the task is skipped.

    :param model: name of the registered model.
    :param snapshot: rows to score: a ``SnapshotRef`` or ``dataset@partition``.
    :param dataset: name of the scores dataset. Default: ``<model>_scores``.
    :param conn_id: connection ID of a PostgreSQL or SQLite database to also write the scores to. Default: none.
    :param table: table in that database, ``table`` or ``schema.table``; created if missing.
    :param batch_rows: number of rows in memory at a time. Default: 250 000.
    :param key: columns that identify a row; saved next to the score.
    :param features: model input columns. Default: the contract's features.
    :param contract: contract that names the features: its path or content. Default: none.
    :param champion_at: ISO date or date-time on the data's clock. Default: the champion now.
    :param trusted_types: the project's own types that the model may contain. Default: none.
    :param runtime: where the step runs: ``in_process`` (default), ``docker``, ``external_python``, a mapping with
        ``kind`` and settings, or a runtime object such as :class:`airflow_mlops.execution.runtimes.Docker`.
    """

    template_fields: Sequence[str] = (*ScoreParameters.model_fields, "runtime")
    model: str
    champion_at: str | None

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
        runtime: str | Mapping[str, Any] | RemoteRuntime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_parameters(ScoreParameters, locals())
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve and load the champion, score in batches and publish the scores."""
        scores = self.run_step("score", context)
        if scores is None:
            missing = f"had no champion at {self.champion_at}" if self.champion_at else "has no champion now"
            raise AirflowSkipException(f"Skipping scoring: {self.model} {missing}")
        return scores
