"""Base classes of the lifecycle operators: connections, attempts, remote steps and report publishing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops import telemetry
from airflow_mlops.execution.steps.parameters import STEP_PARAMETERS, StepParameters, resolve_features
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.links.report import REPORT_KEY, ReportLink
from airflow_mlops.operators.callable_fields import CallableField
from airflow_mlops.task_keys import run_key, task_key

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context
    from mlflow import MlflowClient

    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.profiles import Profile
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
    from airflow_mlops.execution.runtimes.process import StepProcess
    from airflow_mlops.execution.steps.spec import CodeOrigin
    from airflow_mlops.store.database import Database

__all__ = ["LifecycleOperator", "ReportingOperator", "code_of", "parse_timestamp", "resolve_features"]


class LifecycleOperator(BaseOperator):
    """Base class of the lifecycle operators. Subclasses implement :meth:`step`; the logic itself lives in ``core``.

    :param store_conn_id: connection ID of the lifecycle store.
    :param mlflow_conn_id: connection ID of MLflow.
    """

    ui_color = "#e8f3ec"
    runtime: Any = None
    _fenced_database: Database | None = None
    _attempt: str | None = None
    _remote_step: StepProcess | None = None

    def __init__(
        self,
        *,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_conn_id = store_conn_id
        self.mlflow_conn_id = mlflow_conn_id

    def execute(self, context: Context) -> Any:
        """Run the step as the only attempt of its task that may publish.

        Errors that a retry cannot fix (bad input, a refusal, a later attempt) fail the task at once.
        """
        from airflow_mlops.common.errors import BadInput, NotFound, Refused, Superseded

        ti = context["ti"]
        try:
            self._fenced_database = self._begin(context)
            with telemetry.time_step(type(self).__name__, dag_id=ti.dag_id, task_id=ti.task_id):
                return self.step(context)
        except (BadInput, NotFound, Refused, Superseded) as error:
            raise AirflowFailException(str(error)) from error

    def _begin(self, context: Context) -> Database:
        """Begin an attempt and return the store, fenced so that only this attempt may write."""
        from airflow_mlops.store import attempts

        key, ti, database = task_key(context), context["ti"], self.store.database
        number, id_ = getattr(ti, "try_number", None), getattr(ti, "id", None)
        self._attempt = attempts.begin(database, key, try_number=number, try_id=None if id_ is None else str(id_))
        return database.fenced(key, self._attempt)

    def step(self, context: Context) -> Any:
        """Do the work and return the value for XCom."""
        raise NotImplementedError

    def set_parameters(self, model: type[StepParameters], arguments: Mapping[str, Any]) -> None:
        """Set the attributes of a step's parameters.

        :param model: the model of the parameters, which names them.
        :param arguments: the ``locals()`` of ``__init__``.
        """
        for name in model.model_fields:
            setattr(self, name, CallableField.wrap(arguments[name]))

    def rendered_parameters(self, model: type[StepParameters]) -> dict[str, Any]:
        """Return the rendered values of a step's parameters."""
        return {name: CallableField.unwrap(getattr(self, name)) for name in model.model_fields}

    def run_step(self, step: str, context: Context) -> dict[str, Any] | None:
        """Run a step that executes model code in the configured runtime; return the reference to its result.

        :param step: the step's name in :mod:`airflow_mlops.execution.steps.model_steps`.
        """
        from airflow_mlops.execution.runtimes.airflow_resources import AirflowResources
        from airflow_mlops.execution.runtimes.dispatch import run_step
        from airflow_mlops.execution.steps.spec import StepSpec

        parameters = self.rendered_parameters(STEP_PARAMETERS[step])
        spec = StepSpec(key=task_key(context), parameters=parameters, attempt=self._attempt, code=code_of(context))
        resources = AirflowResources(
            self.store, self.database, self.mlflow_hook, lambda report: self.publish(report, context)
        )
        return run_step(
            step,
            spec,
            self.runtime,
            resources,
            bundle=getattr(context["ti"], "bundle_instance", None),
            before_start=self._set_remote_step,
            on_report=lambda report: self.log_report(report, context),
        )

    def _set_remote_step(self, process: StepProcess) -> None:
        """Remember the process of a remote step, for :meth:`on_kill`."""
        self._remote_step = process

    def on_kill(self) -> None:
        """Stop the remote step, if one is running."""
        if self._remote_step is not None:
            self._remote_step.kill()

    def publish(self, report: Report, context: Context) -> dict[str, Any]:
        """Save a report, announce it, and return its reference."""
        from airflow_mlops.store import reports

        reports.publish(self.database, report, actor=task_key(context))
        return self.log_report(report, context)

    def log_report(self, report: Report, context: Context) -> dict[str, Any]:
        """Log a published report, emit its metrics, push its reference for the link, and return the reference."""
        telemetry.emit_report(report, dag_id=context["ti"].dag_id, task_id=context["ti"].task_id)
        log = self.log.info if report.verdict == "pass" else self.log.warning
        log("%s", report.summary())
        ref = report.ref().to_dict()
        context["ti"].xcom_push(REPORT_KEY, ref)
        return ref

    @cached_property
    def store(self) -> LifecycleStoreHook:
        """The hook of the lifecycle store."""
        return LifecycleStoreHook(self.store_conn_id)

    @property
    def database(self) -> Database:
        """The lifecycle store, fenced for this attempt while the task runs."""
        return self._fenced_database or self.store.database

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""
        return self.store.snapshots

    @cached_property
    def mlflow_hook(self) -> MlflowHook:
        """The MLflow hook."""
        return MlflowHook(self.mlflow_conn_id)

    @property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""
        return self.mlflow_hook.client

    def open_snapshot(self, value: str | Mapping[str, Any]) -> Snapshot:
        """Open a snapshot by ``SnapshotRef`` or ``dataset@partition``."""
        from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot

        return self.snapshots.open(resolve_snapshot(self.database, value))

    def resolve_data(
        self, snapshot: str | Mapping[str, Any] | None, conn_id: str | None, table: str | None
    ) -> tuple[Any, str]:
        """Return the input data and its name: a snapshot, or a table that stays in its database.

        :raises BadInput: when neither or both are set.
        """
        from airflow_mlops.common.errors import BadInput

        if (snapshot is None) == (conn_id is None) or (conn_id is None) != (table is None):
            raise BadInput(
                "exactly one input is required: a snapshot or a database table",
                hint="set snapshot=..., or conn_id=... and table=...",
            )
        if snapshot is not None:
            opened = self.open_snapshot(snapshot)
            return opened, opened.name
        from airflow_mlops.core.data.database import DatabaseTable
        from airflow_mlops.hooks.sql_source import sqlalchemy_engine

        assert conn_id is not None
        assert table is not None
        return DatabaseTable(sqlalchemy_engine(conn_id), table), " ".join(table.split())[:100]

    def load_profile(self, value: str | Mapping[str, Any]) -> Profile:
        """Load a profile by ``ProfileRef``, or compute that of a snapshot."""
        from airflow_mlops.common.refs import ProfileRef
        from airflow_mlops.core.data.profiles import profile, storage

        if isinstance(value, Mapping) and value.get("kind") == ProfileRef.kind:
            return storage.load_profile(self.snapshots, ProfileRef.from_dict(value))
        return profile(self.open_snapshot(value))


class ReportingOperator(LifecycleOperator):
    """Base class of operators that run checks. The report is always published before the task ends.

    :param when_failed: ``fail``: a failed report fails the task without retries. ``warn``: it only logs a warning.
    """

    operator_extra_links = (ReportLink(),)

    def __init__(self, *, when_failed: Literal["fail", "warn"] = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.when_failed = when_failed

    def conclude(self, report: Report, context: Context) -> dict[str, Any]:
        """Publish a report, then fail the task if the report failed and ``when_failed`` is ``fail``."""
        return self.enforce_verdict(report, self.publish(report, context))

    def enforce_verdict(self, report: Report, ref: dict[str, Any]) -> dict[str, Any]:
        """Fail the task if a published report failed and ``when_failed`` is ``fail``; else return its reference."""
        if report.verdict == "fail" and self.when_failed == "fail":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        return ref


def code_of(context: Context) -> CodeOrigin:
    """Return the origin of a task's code: its DAG run, bundle and file."""
    from airflow_mlops.execution.steps.spec import CodeOrigin

    bundle = getattr(context["ti"], "bundle_instance", None)
    file = getattr(context.get("dag"), "fileloc", None)
    return CodeOrigin(
        dag_run=run_key(context),
        bundle=getattr(bundle, "name", None),
        version=getattr(bundle, "version", None),
        files=(file,) if file else (),
    )


def parse_timestamp(parameter: str, text: str | None) -> datetime | None:
    """Parse a timestamp parameter; return ``None`` for empty text.

    :raises BadInput: when the text is not an ISO date or date-time.
    """
    from airflow_mlops.common.errors import BadInput
    from airflow_mlops.store.clock import from_iso

    try:
        return from_iso(text) if text else None
    except ValueError:
        raise BadInput(
            f"{parameter} is not a valid timestamp; got {text!r}", hint="write 2026-04-06 or 2026-04-06T14:00"
        ) from None
