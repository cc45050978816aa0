"""What all lifecycle operators share: connections, errors that do not retry, publishing reports."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops import figures
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.keys import run_key, task_key
from airflow_mlops.links.report import PUBLISHED, ReportLink
from airflow_mlops.run.parameters import features_of

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context
    from mlflow import MlflowClient

    from airflow_mlops.core.data.profiles import Profile
    from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
    from airflow_mlops.core.report import Report
    from airflow_mlops.run.spec import Code, Spec
    from airflow_mlops.runtimes.process import StepProcess
    from airflow_mlops.runtimes.settings import Elsewhere
    from airflow_mlops.store.database import Database

__all__ = ["LifecycleOperator", "ReportingOperator", "code_of", "features_of", "moment_of"]


class LifecycleOperator(BaseOperator):
    """A step of the lifecycle. Subclasses write :meth:`step`; everything they decide stands in ``core``.

    :param store_conn_id: the connection to the lifecycle store.
    :param mlflow_conn_id: the connection to MLflow.
    """

    ui_color = "#e8f3ec"
    runtime: Any = None
    _fenced: Database | None = None
    _attempt: str | None = None
    _elsewhere: StepProcess | None = None

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
        """Run the step as the one attempt of its task that may publish.

        What a retry cannot mend (bad input, a guard's refusal, a later attempt beside it) fails at once.
        """
        from airflow_mlops.core.errors import BadInput, NotFound, Refused, Superseded

        ti = context["ti"]
        try:
            self._fenced = self._begin(context)
            with figures.timed(type(self).__name__, dag_id=ti.dag_id, task_id=ti.task_id):
                return self.step(context)
        except (BadInput, NotFound, Refused, Superseded) as error:
            raise AirflowFailException(str(error)) from error

    def _begin(self, context: Context) -> Database:
        """Begin an attempt, and give the store as only this attempt may use it."""
        from airflow_mlops.store import attempts

        key, ti, database = task_key(context), context["ti"], self.store.database
        number, id_ = getattr(ti, "try_number", None), getattr(ti, "id", None)
        self._attempt = attempts.begin(database, key, try_number=number, try_id=None if id_ is None else str(id_))
        return database.fenced(key, self._attempt)

    def step(self, context: Context) -> Any:
        """Do the work and give what goes to XCom."""
        raise NotImplementedError

    def carry_out(self, step: str, context: Context, **known: Any) -> dict[str, Any] | None:
        """Do a step that runs model code, where ``runtime`` says; gives the reference to what was made.

        :param step: which, of :mod:`airflow_mlops.run.steps`. Its parameters are the template fields, as rendered.
        :param known: parameters that are not what their field holds.
        """
        from airflow_mlops.run.spec import Spec
        from airflow_mlops.run.steps import execute
        from airflow_mlops.runtimes.running import Here, defaults
        from airflow_mlops.runtimes.settings import IN_PROCESS, chosen

        parameters = {name: getattr(self, name) for name in self.template_fields if name != "runtime"} | known
        spec = Spec(key=task_key(context), parameters=parameters, code=code_of(context))
        asked = self.runtime
        where = None if asked in (None, "", IN_PROCESS) else chosen(asked, defaults())
        if where is None:
            here = Here(self.store, self.database, self.mlflow_hook, lambda report: self.publish(report, context))
            return execute(step, spec, here)
        return self._told(step, spec, where, context)

    def _told(self, step: str, spec: Spec, where: Elsewhere, context: Context) -> dict[str, Any] | None:
        """Have a step done by another process, and be told how it ended."""
        from airflow_mlops.runtimes.elsewhere import importable, message_of, process_of, project_of
        from airflow_mlops.runtimes.running import told_by

        places = told_by(self.store, self.mlflow_hook, spec.parameters.get("conn_id"))
        spec = spec.model_copy(update={"attempt": self._attempt, "parameters": importable(spec.parameters)})
        project = project_of(getattr(context["ti"], "bundle_instance", None), next(iter(spec.code.files), None))
        message = message_of(where, spec, places, project=project)
        self._elsewhere = process_of(where, places, spec.key, store=self.database.address, project=project)
        outcome = self._elsewhere.run(step, message.to_line())
        for report in outcome.published:
            self.tell(report, context)
        if outcome.error is not None:
            raise outcome.error
        return outcome.given

    def on_kill(self) -> None:
        """End what runs elsewhere, too."""
        if self._elsewhere is not None:
            self._elsewhere.kill()

    def publish(self, report: Report, context: Context) -> dict[str, Any]:
        """Keep a report, and tell it; gives its reference."""
        from airflow_mlops.store import reports

        reports.publish(self.database, report, actor=task_key(context))
        return self.tell(report, context)

    def tell(self, report: Report, context: Context) -> dict[str, Any]:
        """Say a published report in the log, leave its reference for the link, and give it."""
        figures.tell(report, dag_id=context["ti"].dag_id, task_id=context["ti"].task_id)
        said = self.log.info if report.verdict == "pass" else self.log.warning
        said("%s", report.summary())
        ref = report.ref().to_dict()
        context["ti"].xcom_push(PUBLISHED, ref)
        return ref

    @cached_property
    def store(self) -> LifecycleStoreHook:
        """The hook of the lifecycle store."""
        return LifecycleStoreHook(self.store_conn_id)

    @property
    def database(self) -> Database:
        """The lifecycle store, as this attempt may use it."""
        return self._fenced or self.store.database

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""
        return self.store.snapshots

    @cached_property
    def mlflow_hook(self) -> MlflowHook:
        """The hook of MLflow."""
        return MlflowHook(self.mlflow_conn_id)

    @property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""
        return self.mlflow_hook.client

    def open(self, value: str | Mapping[str, Any]) -> Snapshot:
        """Open the snapshot that a parameter means: a reference, or ``dataset@partition``."""
        from airflow_mlops.core.address import snapshot_at

        return self.snapshots.open(snapshot_at(self.database, value))

    def data_of(
        self, snapshot: str | Mapping[str, Any] | None, conn_id: str | None, table: str | None
    ) -> tuple[Any, str]:
        """Give what is to be judged, and what to call it: a snapshot, or a table that stays in its database.

        :raises BadInput: when it is neither or both.
        """
        from airflow_mlops.core.errors import BadInput

        if (snapshot is None) == (conn_id is None) or (conn_id is None) != (table is None):
            raise BadInput(
                "it is not clear which rows are meant", mend="give snapshot=..., or conn_id=... and table=..."
            )
        if snapshot is not None:
            opened = self.open(snapshot)
            return opened, opened.name
        from airflow_mlops.core.data.database import DatabaseTable
        from airflow_mlops.hooks.source import engine

        assert conn_id is not None
        assert table is not None
        return DatabaseTable(engine(conn_id), table), " ".join(table.split())[:100]

    def profile_of(self, value: str | Mapping[str, Any]) -> Profile:
        """Give the profile that a parameter means: a ``ProfileRef``, or that of a snapshot."""
        from airflow_mlops.core.data import profile
        from airflow_mlops.core.data.profiles import storage
        from airflow_mlops.core.refs import ProfileRef

        if isinstance(value, Mapping) and value.get("kind") == ProfileRef.kind:
            return storage.get(self.snapshots, ProfileRef.from_dict(value))
        return profile(self.open(value))


class ReportingOperator(LifecycleOperator):
    """A step that judges. Its report is published before the task ends in any way, so that no failure is mute.

    :param when_failed: ``fail``: a failed report fails the task, without retries; ``warn``: it only says so.
    """

    operator_extra_links = (ReportLink(),)

    def __init__(self, *, when_failed: Literal["fail", "warn"] = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.when_failed = when_failed

    def conclude(self, report: Report, context: Context) -> dict[str, Any]:
        """Publish, then fail if the report failed and that is what the operator is told."""
        return self.fail_if_told(report, self.publish(report, context))

    def fail_if_told(self, report: Report, ref: dict[str, Any]) -> dict[str, Any]:
        """Fail if a published report failed and that is what the operator is told; else give its reference."""
        if report.verdict == "fail" and self.when_failed == "fail":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        return ref


def code_of(context: Context) -> Code:
    """Give where the code of a task is from."""
    from airflow_mlops.run.spec import Code

    bundle = getattr(context["ti"], "bundle_instance", None)
    file = getattr(context.get("dag"), "fileloc", None)
    return Code(
        dag_run=run_key(context),
        bundle=getattr(bundle, "name", None),
        version=getattr(bundle, "version", None),
        files=(file,) if file else (),
    )


def moment_of(parameter: str, text: str | None) -> datetime | None:
    """Read a moment that a parameter gives as text; nothing gives ``None``.

    :raises BadInput: when it is no moment.
    """
    from airflow_mlops.core.errors import BadInput
    from airflow_mlops.store.clock import from_iso

    try:
        return from_iso(text) if text else None
    except ValueError:
        raise BadInput(f"{parameter} is no moment: {text!r}", mend="write 2026-04-06 or 2026-04-06T14:00") from None
