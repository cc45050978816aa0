"""Self-tests of a registered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator, features_of
from airflow_mlops.operators.held import Held
from airflow_mlops.run.parameters import name_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.evaluation.self_tests import Subject
    from airflow_mlops.store.tables import Version

MOST_ROWS = 2_000


class SelfTestModelOperator(ReportingOperator):
    """Put a registered model to tests that every model has to pass, and to those of its team; gives a ``ReportRef``.

    Hand the report to the gate, which rejects a model that failed one: ``EvaluationGateOperator(self_tests=...)``.
    The model is loaded through the verified path, digest first. At most 2,000 of the rows are drawn.

    :param version: the ``ModelVersionRef`` of the model.
    :param rows: rows with their target that it was not fitted on, such as the validation rows: a ``SnapshotRef``, or
        ``dataset@partition``. The version's gate rows are refused: those are for the gate alone.
    :param target: the column to predict.
    :param features: the columns that the model gets; default: the contract's features.
    :param contract: what the rows promise; default: the contract that was registered with the version.
    :param self_tests: the module with the team's own tests, such as ``include.churn.self_tests``.
    :param build: a function (or its import path) that returns an unfitted model of the same kind, for the test that
        fits one; default: a copy of the model without its fit.
    :param model_params: keywords for ``build``.
    :param metric: the task's main figure; it fixes the task.
    :param trusted_types: the project's own types that the model may contain.
    :param when_failed: ``fail``: the task fails, after the report is published; ``warn``: it only says so, and the gate
        decides.
    """

    template_fields: Sequence[str] = (
        "version",
        "rows",
        "target",
        "features",
        "contract",
        "self_tests",
        "build",
        "model_params",
        "metric",
        "trusted_types",
    )

    def __init__(
        self,
        *,
        version: Mapping[str, Any],
        rows: str | Mapping[str, Any],
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        self_tests: str | None = None,
        build: str | Callable[..., Any] | None = None,
        model_params: Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        trusted_types: Sequence[str] = (),
        when_failed: Literal["fail", "warn"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.version = version
        self.rows = rows
        self.target = target
        self.features = features
        self.contract = contract
        self.self_tests = self_tests
        self.build = Held.of(build)
        self.model_params = model_params
        self.metric = metric
        self.trusted_types = trusted_types

    def step(self, context: Context) -> dict[str, Any]:
        """Load, test, publish, then fail if a test failed; what cannot be tested at all is published, too."""
        from airflow_mlops.core.errors import MlopsError
        from airflow_mlops.core.evaluation.self_tests import Written, self_test, untested
        from airflow_mlops.core.refs import ModelVersionRef
        from airflow_mlops.store import versions

        ref = ModelVersionRef.from_dict(self.version)
        digest = None
        try:
            version = versions.get(self.database, ref.model, ref.version)
            digest = version.digest
            written = Written.load(self.self_tests) if self.self_tests else None
            report = self_test(self._subject(version), written, called=str(ref), digest=digest)
        except MlopsError as error:
            self.publish(untested(str(ref), digest, error), context)
            raise
        return self.conclude(report, context)

    def _subject(self, version: Version) -> Subject:
        """Load the model and draw the rows."""
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.evaluation.self_tests import Subject
        from airflow_mlops.core.registry.loading import load_version
        from airflow_mlops.core.training.candidate import Candidate, said, sampled
        from airflow_mlops.core.training.fit import unfitted
        from airflow_mlops.hooks.model_loading import loading_of

        contract, how = self.contract or version.contract, replace(loading_of(self.mlflow_hook), in_process=True)
        rows = self._rows(version)
        candidate = Candidate(
            name=version.candidate if self.build is None else name_of(Held.free(self.build)),
            build="" if self.build is None else Held.free(self.build),
            features=features_of(contract, self.features),
            target=self.target,
            metric=self.metric,
            params=self.model_params or {},
        )
        features, target = sampled(candidate, rows, MOST_ROWS)
        return Subject.of(
            # Here, not in a process of its own: it is written, copied and looked into.
            load_version(version, self.mlflow.tracking_uri, tuple(self.trusted_types), how),
            features,
            target,
            metric=self.metric,
            contract=None if contract is None else Contract.load(contract),
            build=None if self.build is None else partial(unfitted, candidate),
            trusted=tuple(self.trusted_types),
            where=said(rows),
        )

    def _rows(self, version: Version) -> Snapshot:
        """Open the rows.

        :raises BadInput: when they are the version's gate rows: a test that is mended by them is a choice made on them.
        """
        from airflow_mlops.core.errors import BadInput

        rows = self.open(self.rows)
        if rows.ref.id == (version.data.get("test") or {}).get("id"):
            raise BadInput(
                "these are the gate rows of the version",
                where=rows.name,
                mend="give the validation rows: split.output['validation']",
            )
        return rows
