"""Step resources and runtime defaults from Airflow's connections and configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_options
from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.models.loading import LoadingOptions
    from airflow_mlops.store.database import Database

SECTION = "mlops"


@dataclass(frozen=True)
class AirflowResources:
    """Resources of a step in the task's own process, opened lazily from Airflow's connections.

    :param store: the hook of the lifecycle store.
    :param fenced_database: the store, fenced to this attempt.
    :param mlflow_hook: the hook of MLflow.
    :param publisher: publishes a report and returns its reference.
    """

    store: LifecycleStoreHook
    fenced_database: Database
    mlflow_hook: MlflowHook
    publisher: Callable[[Report], dict[str, Any]]

    @property
    def database(self) -> Database:
        """The lifecycle store, fenced to this attempt."""
        return self.fenced_database

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""
        return self.store.snapshots

    @property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""
        return self.mlflow_hook.client

    @property
    def artifact_location(self) -> str | None:
        """The artifact location of new experiments."""
        return self.mlflow_hook.artifact_location

    @property
    def loading(self) -> LoadingOptions:
        """The options for loading models."""
        return loading_options(self.mlflow_hook)

    def engine(self, name: str) -> Engine:
        """Return the SQLAlchemy engine of a connection."""
        from airflow_mlops.hooks.sql_source import sqlalchemy_engine

        return sqlalchemy_engine(name)

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report, and return its reference."""
        return self.publisher(report)


def resource_config(store: LifecycleStoreHook, mlflow: MlflowHook, conn_id: str | None) -> ResourceConfig:
    """Return the resource configuration for another process, from Airflow's connections.

    :param store: the hook of the lifecycle store.
    :param mlflow: the hook of MLflow.
    :param conn_id: the connection of a database that the step writes to.
    """
    loading = loading_options(mlflow)
    access = {name: value for name, value in asdict(mlflow.access).items() if value is not None}
    databases = {}
    if conn_id is not None:
        from airflow_mlops.hooks.sql_source import sqlalchemy_engine

        databases[conn_id] = sqlalchemy_engine(conn_id).url.render_as_string(hide_password=False)
    return ResourceConfig.load(
        {
            "store": {
                "url": store.url().render_as_string(hide_password=False),
                "snapshots": store.snapshots.uri,
                "snapshot_options": store.extra_options("snapshot_options"),
            },
            "mlflow": {
                "access": access,
                "artifact_location": mlflow.artifact_location,
                "load_in_process": loading.in_process,
                "allow_pickle": loading.allow_pickle,
            },
            "databases": databases,
        }
    )


def runtime_defaults(kind: str) -> Mapping[str, Any]:
    """Return the project-wide defaults of a runtime: the option ``[mlops] <kind>`` of Airflow's configuration, JSON.

    :raises BadInput: when the option is not a JSON object.
    """
    from airflow.sdk.configuration import conf

    text = conf.get(SECTION, kind, fallback="") or "{}"
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise BadInput(
            "the runtime's configuration is not a JSON object",
            where=f"[{SECTION}] {kind} of airflow.cfg, or AIRFLOW__{SECTION.upper()}__{kind.upper()}",
            hint='use, for example, {"image": "…"}',
        )
    return options
