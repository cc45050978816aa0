"""Batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.store.predictions import PredictionLog
    from airflow_mlops.store.tables import Version


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

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve the champion, load it verified, score batch by batch, publish."""
        from airflow_mlops.core.monitoring.scoring import Job
        from airflow_mlops.core.monitoring.scoring.published import publish
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.store import versions

        champion = champion_at(self.database, self.model, self.champion_at)
        if champion is None:
            raise AirflowSkipException(f"{self.model} has no champion at {self.champion_at or 'present'}")
        job = Job(
            self.open(self.snapshot),
            versions.ref(champion),
            key=[self.key] if isinstance(self.key, str) else list(self.key),
            features=features_of(self.contract, self.features),
            dataset=self.dataset or f"{self.model}_scores",
            batch_rows=int(self.batch_rows),
        )
        log = self._prediction_log()
        ref = publish(
            self.database, self.snapshots, job, lambda: self._load(champion), actor=task_key(context), log=log
        )
        self.log.info("%s rows scored by %s v%s", ref.rows, self.model, champion.version)
        return ref.to_dict()

    def _load(self, champion: Version) -> Any:
        from airflow_mlops.core.registry.loading import load_version
        from airflow_mlops.hooks.model_loading import loading_of

        trusted = tuple(self.trusted_types)
        return load_version(champion, self.mlflow.tracking_uri, trusted, loading_of(self.mlflow_hook))

    def _prediction_log(self) -> PredictionLog | None:
        """Give the table that gets the scores, too, if there is one.

        :raises BadInput: when only one of connection and table is named.
        """
        from airflow_mlops.core.errors import BadInput

        if (self.conn_id is None) != (self.table is None):
            raise BadInput("a table needs its connection, and a connection its table", mend="give both or neither")
        if self.conn_id is None or self.table is None:
            return None
        from airflow_mlops.hooks.source import engine
        from airflow_mlops.store.predictions import PredictionLog

        return PredictionLog(engine(self.conn_id), self.table)
