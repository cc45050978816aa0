"""What all lifecycle operators share: connections, the task's key, publishing a report, errors that do not retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.database import Database


class LifecycleOperator(BaseOperator):
    """A step of the lifecycle. Subclasses write :meth:`step`; everything they decide stands in ``core``.

    :param store_conn_id: the connection to the lifecycle store.
    :param mlflow_conn_id: the connection to MLflow.
    """

    ui_color = "#e8f3ec"

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
        """Run the step. What a retry cannot mend (bad input, a guard's refusal) fails at once."""
        from airflow_mlops.core.errors import BadInput, NotFound, Refused

        try:
            return self.step(context)
        except (BadInput, NotFound, Refused) as error:
            raise AirflowFailException(str(error)) from error

    def step(self, context: Context) -> Any:
        """Do the work and give what goes to XCom."""
        raise NotImplementedError

    @cached_property
    def store(self) -> LifecycleStoreHook:
        """The hook of the lifecycle store."""
        return LifecycleStoreHook(self.store_conn_id)

    @property
    def database(self) -> Database:
        """The lifecycle store."""
        return self.store.database

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

    def publish(self, report: Report, context: Context) -> dict[str, Any]:
        """Keep a report, say it in the log, and give its reference. Done before a task raises or branches."""
        from airflow_mlops.store import reports

        reports.publish(self.database, report, actor=task_key(context))
        said = self.log.info if report.verdict == "pass" else self.log.warning
        said("%s", report.summary())
        return report.ref().to_dict()


def features_of(contract: str | Mapping[str, Any] | None, features: Sequence[str] | None) -> list[str]:
    """Give the feature columns: those named, or the contract's.

    :raises BadInput: when there is neither.
    """
    from airflow_mlops.core.errors import BadInput

    if features:
        return list(features)
    if contract is None:
        raise BadInput("no feature columns are known", mend="give features=[...] or contract='.../contract.yaml'")
    from airflow_mlops.core.data.contracts import Contract

    return list(Contract.load(contract).features)
