"""Resources of a step: store, snapshots, MLflow and databases, from Airflow's connections or a file of secrets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.models.loading import LoadingOptions
    from airflow_mlops.store.database import Database


class StepResources(Protocol):
    """Resources that a step uses."""

    @property
    def database(self) -> Database:
        """The lifecycle store, fenced to this attempt."""

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""

    @property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""

    @property
    def artifact_location(self) -> str | None:
        """The artifact location of new experiments; ``None``: the server's default."""

    @property
    def loading(self) -> LoadingOptions:
        """The options for loading models."""

    def engine(self, name: str) -> Engine:
        """Return the engine of a database that the step writes to, by the name of its connection."""

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report, and return its reference."""


class StoreConfig(Settings):
    """Configuration of the lifecycle store.

    :param url: the SQLAlchemy URL, with its password.
    :param snapshots: the URI of the snapshot root.
    :param snapshot_options: fsspec options for the snapshot root.
    """

    url: str = Field(repr=False)
    snapshots: str
    snapshot_options: dict[str, Any] = Field(default_factory=dict, repr=False)


class MlflowConfig(Settings):
    """Configuration of MLflow.

    :param access: ``uri``, and other parameters of :class:`airflow_mlops.core.tracking.Access`.
    :param artifact_location: the artifact location of new experiments.
    :param load_in_process: whether models are loaded in the step's own process.
    :param allow_pickle: whether adopted models stored as pickle may be loaded.
    """

    access: dict[str, Any] = Field(repr=False)
    artifact_location: str | None = None
    load_in_process: bool = False
    allow_pickle: bool = False


class ResourceConfig(Settings):
    """Configuration of all resources, for another process. It has secrets, so it is never part of a specification.

    :param store: the lifecycle store.
    :param mlflow: MLflow.
    :param databases: connection id -> SQLAlchemy URL, of databases that a step writes to.
    """

    store: StoreConfig
    mlflow: MlflowConfig
    databases: dict[str, str] = Field(default_factory=dict, repr=False)


class ConfiguredResources:
    """Resources of a step that runs without Airflow.

    :param config: their configuration.
    :param key: the task's key in the store.
    :param attempt: the token of the attempt that may publish; default: a new attempt begins.
    :param try_number: the number of the try, for a new attempt.
    """

    def __init__(
        self, config: ResourceConfig, key: str, *, attempt: str | None = None, try_number: int | None = None
    ) -> None:
        self._config, self._key, self._attempt, self._try = config, key, attempt, try_number
        self.published: list[Report] = []

    @cached_property
    def database(self) -> Database:
        """The lifecycle store, checked and fenced to this attempt."""
        from airflow_mlops.store import attempts
        from airflow_mlops.store.database import Database

        database = Database(self._config.store.url)
        database.check()
        token = self._attempt or attempts.begin(database, self._key, try_number=self._try)
        return database.fenced(self._key, token)

    @cached_property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""
        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

        return SnapshotRoot(self._config.store.snapshots, self._config.store.snapshot_options or None)

    @cached_property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""
        from airflow_mlops.core.tracking import Access, connect

        try:
            access = Access(**self._config.mlflow.access)
        except TypeError as error:
            raise BadInput(f"mlflow.access is not valid: {error}", hint="give uri, login, password, token") from None
        return connect(access)

    @property
    def artifact_location(self) -> str | None:
        """The artifact location of new experiments."""
        return self._config.mlflow.artifact_location

    @property
    def loading(self) -> LoadingOptions:
        """The options for loading models."""
        from airflow_mlops.core.models.loading import LoadingOptions

        config = self._config.mlflow
        return LoadingOptions(in_process=config.load_in_process, allow_pickle=config.allow_pickle, client=self.mlflow)

    def engine(self, name: str) -> Engine:
        """Return the engine of a database.

        :raises BadInput: when no URL is configured for it.
        """
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        databases = self._config.databases
        if name not in databases:
            raise BadInput(
                f"no URL is configured for database {name!r}",
                where=f"databases: {sorted(databases)}",
                hint='add "databases": {"' + name + '": "postgresql+psycopg2://…"} to the resources',
            )
        return create_engine(databases[name], poolclass=NullPool)

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report, and add it to ``published`` for the calling task."""
        from airflow_mlops.store import reports

        reports.publish(self.database, report, actor=self._key)
        self.published.append(report)
        return report.ref().to_dict()
