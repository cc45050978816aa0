"""Batch scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class ScoreDatasetOperator(LifecycleOperator):
    """Score a snapshot with the champion; gives the ``SnapshotRef`` of the scores.

    The champion is the one of ``champion_at`` in the ledger, so that a backfill scores each week with the model that
    was in production then. Where there was none yet, the task is skipped.

    :param model: the model's name.
    :param snapshot: the rows: a ``SnapshotRef``, or ``dataset@partition``.
    :param dataset: the name of the scores' dataset; default ``<model>_scores``.
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

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve the champion, load it verified, score file by file, commit."""
        from airflow_mlops.core.monitoring.scoring import score
        from airflow_mlops.core.registry.comparison import load_version
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.hooks.model_loading import loading_of
        from airflow_mlops.store import catalogue, versions

        champion = champion_at(self.database, self.model, self.champion_at)
        if champion is None:
            raise AirflowSkipException(f"{self.model} has no champion at {self.champion_at or 'present'}")
        ref = score(
            self.snapshots,
            self.dataset or f"{self.model}_scores",
            self.open(self.snapshot),
            load_version(champion, self.mlflow.tracking_uri, tuple(self.trusted_types), loading_of(self.mlflow_hook)),
            versions.ref(champion),
            key=[self.key] if isinstance(self.key, str) else list(self.key),
            features=features_of(self.contract, self.features),
        )
        if ref.partition is not None:
            catalogue.record(self.database, ref)
        self.log.info("%s rows scored by %s v%s", ref.rows, self.model, champion.version)
        return ref.to_dict()
