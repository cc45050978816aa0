"""Evaluation: challenger and champion on the same unseen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import ReportingOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class EvaluateModelOperator(ReportingOperator):
    """Score the gate rows with challenger and champion and keep the evidence; gives a ``ReportRef``.

    Both models are loaded through the verified path and score the very same rows; each row's scores are kept as a
    snapshot, so that the gate's comparison is paired. The report says how many of the rows each model has
    seen before.

    :param challenger: the ``ModelVersionRef`` of the version that wants to be champion.
    :param test: the gate rows: rows in no training, tuning or selection data of either model.
    :param target: the column to predict.
    :param key: the columns that name a row.
    :param split_key: the column that the split went by; rows that share it belong together. Default: the first of
        ``key``.
    :param features: the columns that the models get; default: the contract's features.
    :param contract: the contract that names them.
    :param metric: the task's main figure.
    :param trusted_types: the project's own types that the models may contain.
    """

    template_fields: Sequence[str] = (
        "challenger",
        "test",
        "target",
        "key",
        "split_key",
        "features",
        "contract",
        "metric",
        "trusted_types",
    )

    def __init__(
        self,
        *,
        challenger: Mapping[str, Any],
        test: str | Mapping[str, Any],
        target: str,
        key: Sequence[str],
        split_key: str | None = None,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        trusted_types: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger
        self.test = test
        self.target = target
        self.key = key
        self.split_key = split_key
        self.features = features
        self.contract = contract
        self.metric = metric
        self.trusted_types = trusted_types

    def step(self, context: Context) -> dict[str, Any]:
        """Load both, score, count seen rows, publish."""
        from airflow_mlops.core.refs import ModelVersionRef
        from airflow_mlops.core.registry.comparison import Rows, compare

        report = compare(
            self.database,
            self.snapshots,
            challenger=ModelVersionRef.from_dict(self.challenger),
            rows=Rows(
                snapshot=self.open(self.test),
                key=[self.key] if isinstance(self.key, str) else list(self.key),
                split_key=self.split_key,
                target=self.target,
                features=features_of(self.contract, self.features),
            ),
            metric=self.metric,
            tracking_uri=self.mlflow.tracking_uri,
            trusted=tuple(self.trusted_types),
        )
        return self.publish(report, context)
