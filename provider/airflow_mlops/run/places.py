"""Where a step finds the store, the snapshots and MLflow: told by Airflow's connections, or by a file of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.core.registry.loading import Loading
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.database import Database


class Places(Protocol):
    """What a step needs of the world around it."""

    @property
    def database(self) -> Database:
        """The lifecycle store, as this attempt may use it."""

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""

    @property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""

    @property
    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artifacts; ``None`` leaves it to the server."""

    @property
    def loading(self) -> Loading:
        """How models are loaded."""

    def engine(self, name: str) -> Engine:
        """Give the engine of a database that a step writes to, by the name of its connection."""

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report; gives its reference."""


class Store(Settings):
    """The lifecycle store.

    :param url: SQLAlchemy's URL, with its password.
    :param snapshots: the URI of the snapshot root.
    :param snapshot_options: fsspec's options for it.
    """

    url: str = Field(repr=False)
    snapshots: str
    snapshot_options: dict[str, Any] = Field(default_factory=dict, repr=False)


class Mlflow(Settings):
    """MLflow.

    :param access: how it is reached: ``uri``, and any other parameter of :class:`airflow_mlops.core.tracking.Access`.
    :param artifact_location: where a new experiment keeps its artifacts.
    :param load_in_process: whether models live in the step's own process.
    :param allow_pickle: whether adopted models that are kept as pickle may be loaded.
    """

    access: dict[str, Any] = Field(repr=False)
    artifact_location: str | None = None
    load_in_process: bool = False
    allow_pickle: bool = False


class Told(Settings):
    """Where everything is, as it is told to another process. It has secrets: it is never part of a spec.

    :param store: the lifecycle store.
    :param mlflow: MLflow.
    :param databases: the name of a connection -> SQLAlchemy's URL, of databases that a step writes to.
    """

    store: Store
    mlflow: Mlflow
    databases: dict[str, str] = Field(default_factory=dict, repr=False)


class ToldPlaces:
    """The places of a step that runs where there is no Airflow.

    :param told: where they are.
    :param key: what the task is known by in the store.
    :param attempt: the token of the attempt that may publish; without it one is begun.
    :param try_number: the number of the try, for an attempt that is begun here.
    """

    def __init__(self, told: Told, key: str, *, attempt: str | None = None, try_number: int | None = None) -> None:
        self._told, self._key, self._attempt, self._try = told, key, attempt, try_number
        self.published: list[Report] = []

    @cached_property
    def database(self) -> Database:
        """The lifecycle store, checked, as this attempt may use it."""
        from airflow_mlops.store import attempts
        from airflow_mlops.store.database import Database

        database = Database(self._told.store.url)
        database.check()
        token = self._attempt or attempts.begin(database, self._key, try_number=self._try)
        return database.fenced(self._key, token)

    @cached_property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root."""
        from airflow_mlops.core.data.snapshot import SnapshotRoot

        return SnapshotRoot(self._told.store.snapshots, self._told.store.snapshot_options or None)

    @cached_property
    def mlflow(self) -> MlflowClient:
        """The MLflow client."""
        from airflow_mlops.core.tracking import Access, connect

        try:
            access = Access(**self._told.mlflow.access)
        except TypeError as error:
            raise BadInput(f"mlflow.access cannot be read: {error}", mend="give uri, login, password, token") from None
        return connect(access)

    @property
    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artifacts."""
        return self._told.mlflow.artifact_location

    @property
    def loading(self) -> Loading:
        """How models are loaded."""
        from airflow_mlops.core.registry.loading import Loading

        how = self._told.mlflow
        return Loading(in_process=how.load_in_process, allow_pickle=how.allow_pickle, client=self.mlflow)

    def engine(self, name: str) -> Engine:
        """Give the engine of a database.

        :raises BadInput: when nobody told where it is.
        """
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        if name not in self._told.databases:
            known: Mapping[str, str] = self._told.databases
            raise BadInput(
                f"nobody told where the database {name!r} is",
                where=f"databases: {sorted(known)}",
                mend='add "databases": {"' + name + '": "postgresql+psycopg2://…"} to the places',
            )
        return create_engine(self._told.databases[name], poolclass=NullPool)

    def publish(self, report: Report) -> dict[str, Any]:
        """Publish a report; what has been published is told to whoever asked for the step."""
        from airflow_mlops.store import reports

        reports.publish(self.database, report, actor=self._key)
        self.published.append(report)
        return report.ref().to_dict()
