"""Operator that runs behavioural tests on a registered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.execution.steps.parameters import candidate_name
from airflow_mlops.operators.base import ReportingOperator, resolve_features
from airflow_mlops.operators.callable_fields import CallableField

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.core.model_tests import ModelUnderTest
    from airflow_mlops.store.tables import Version

MAX_ROWS = 2_000


class SelfTestModelOperator(ReportingOperator):
    """Run built-in and custom model tests on a registered model. Returns a ``ReportRef``.

    Pass the report to the gate, which rejects a model that failed a test: ``EvaluationGateOperator(self_tests=...)``.
    The model is loaded with digest verification. At most 2,000 of the rows are sampled.

    :param version: ``ModelVersionRef`` of the model.
    :param rows: labelled rows that the model was not fitted on, such as the validation rows: a ``SnapshotRef`` or
        ``dataset@partition``. The version's gate rows are refused.
    :param target: column to predict.
    :param features: model input columns. Default: the contract's features.
    :param contract: contract of the rows: its path or content. Default: the contract registered with the version.
    :param self_tests: module with the team's own tests, such as ``include.churn.self_tests``. Default: none.
    :param build: function, or its import path, that returns an unfitted model of the same kind, for the test that fits
        one. Default: an unfitted copy of the model.
    :param model_params: keyword arguments for ``build``. Default: none.
    :param metric: primary metric; it also sets the task type. Default: ``roc_auc``.
    :param trusted_types: the project's own types that the model may contain. Default: none.
    :param when_failed: ``fail`` (default): a failed test fails the task after the report is published. ``warn``: it
        only logs a warning, and the gate decides.
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
        self.build = CallableField.wrap(build)
        self.model_params = model_params
        self.metric = metric
        self.trusted_types = trusted_types

    def step(self, context: Context) -> dict[str, Any]:
        """Load the model, run the tests and publish the report; a model that cannot be tested also gets a report."""
        from airflow_mlops.common.errors import MlopsError
        from airflow_mlops.common.refs import ModelVersionRef
        from airflow_mlops.core.model_tests import CustomTests, report_load_failure, run_model_tests
        from airflow_mlops.store import versions

        ref = ModelVersionRef.from_dict(self.version)
        digest = None
        try:
            version = versions.get(self.database, ref.model, ref.version)
            digest = version.digest
            custom_tests = CustomTests.load(self.self_tests) if self.self_tests else None
            report = run_model_tests(self._subject(version), custom_tests, model_name=str(ref), digest=digest)
        except MlopsError as error:
            self.publish(report_load_failure(str(ref), digest, error), context)
            raise
        return self.conclude(report, context)

    def _subject(self, version: Version) -> ModelUnderTest:
        """Load the model and draw the rows."""
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.model_tests import ModelUnderTest
        from airflow_mlops.core.models.loading import load_version
        from airflow_mlops.core.training.candidate import Candidate, sample_labelled_rows, snapshot_label
        from airflow_mlops.core.training.fit import build_estimator
        from airflow_mlops.hooks.model_loading import loading_options

        contract = self.contract or version.contract
        # In this process, because the tests copy, serialise and inspect the model.
        loading = replace(loading_options(self.mlflow_hook), in_process=True)
        rows = self._rows(version)
        candidate = Candidate(
            name=version.candidate if self.build is None else candidate_name(CallableField.unwrap(self.build)),
            build="" if self.build is None else CallableField.unwrap(self.build),
            features=resolve_features(contract, self.features),
            target=self.target,
            metric=self.metric,
            params=self.model_params or {},
        )
        features, target = sample_labelled_rows(candidate, rows, MAX_ROWS)
        return ModelUnderTest.from_model(
            load_version(version, self.mlflow.tracking_uri, tuple(self.trusted_types), loading),
            features,
            target,
            metric=self.metric,
            contract=None if contract is None else Contract.load(contract),
            build=None if self.build is None else partial(build_estimator, candidate),
            trusted=tuple(self.trusted_types),
            where=snapshot_label(rows),
        )

    def _rows(self, version: Version) -> Snapshot:
        """Open the rows.

        :raises BadInput: when they are the version's gate rows: fixing a model by them would be selection on them.
        """
        from airflow_mlops.common.errors import BadInput

        rows = self.open_snapshot(self.rows)
        if rows.ref.id == (version.data.get("test") or {}).get("id"):
            raise BadInput(
                "rows are the gate rows of the version",
                where=rows.name,
                hint="use the validation rows: split.output['validation']",
            )
        return rows
