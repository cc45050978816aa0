"""Running an operator's step: what Airflow's connections and settings say, made into what any process understands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_of
from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.run.places import Told
from airflow_mlops.runtimes.settings import KINDS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.core.registry.loading import Loading
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.database import Database

SECTION = "mlops"


@dataclass(frozen=True)
class Here:
    """The places of a step in the task's own process: Airflow's connections, opened when they are needed.

    :param store: the hook of the lifecycle store.
    :param fenced: the store, as this attempt may use it.
    :param mlflow_hook: the hook of MLflow.
    :param published: publishes a report.
    """

    store: LifecycleStoreHook
    fenced: Database
    mlflow_hook: MlflowHook
    published: Callable[[Report], dict[str, Any]]

    @property
    def database(self) -> Database:
        """The lifecycle store, as this attempt may use it."""
        return self.fenced

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
        """Where a new experiment keeps its artifacts."""
        return self.mlflow_hook.artifact_location

    @property
    def loading(self) -> Loading:
        """How models are loaded."""
        return loading_of(self.mlflow_hook)

    def engine(self, name: str) -> Engine:
        """Give the engine of a connection."""
        from airflow_mlops.hooks.source import engine

        return engine(name)

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report."""
        return self.published(report)


def told_by(store: LifecycleStoreHook, mlflow: MlflowHook, conn_id: str | None) -> Told:
    """Give what connections say, for another process.

    :param conn_id: one more, of a database that the step writes to.
    """
    how = loading_of(mlflow)
    access = {name: value for name, value in asdict(mlflow.access).items() if value is not None}
    databases = {}
    if conn_id is not None:
        from airflow_mlops.hooks.source import engine

        databases[conn_id] = engine(conn_id).url.render_as_string(hide_password=False)
    return Told.load(
        {
            "store": {
                "url": store.url().render_as_string(hide_password=False),
                "snapshots": store.snapshots.uri,
                "snapshot_options": store.options_of("snapshot_options"),
            },
            "mlflow": {
                "access": access,
                "artifact_location": mlflow.artifact_location,
                "load_in_process": how.in_process,
                "allow_pickle": how.allow_pickle,
            },
            "databases": databases,
        }
    )


def defaults() -> Mapping[str, Any]:
    """Give what the installation says about runtimes: ``[mlops] docker`` and ``[mlops] external_python``, JSON each.

    :raises BadInput: when it is no JSON object.
    """
    from airflow.sdk.configuration import conf

    found = {}
    for kind in KINDS:
        text = conf.get(SECTION, kind, fallback="") or "{}"
        try:
            found[kind] = json.loads(text)
        except ValueError:
            found[kind] = None
        if not isinstance(found[kind], dict):
            raise BadInput(
                "a runtime's setting is no JSON object",
                where=f"[{SECTION}] {kind} of airflow.cfg, or AIRFLOW__{SECTION.upper()}__{kind.upper()}",
                mend='write {"image": "…"}, for example',
            )
    return found
