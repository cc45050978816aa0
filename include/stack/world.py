"""What the stack's DAGs work on, as its Airflow connections say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from include.demo.world import World

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class StackWorld(World):
    """Where everything is on the stack; what the demo prepares, one-shot services have prepared here.

    :param snapshots_at: the snapshot root.
    :param login: of MLflow.
    :param password: of MLflow.
    """

    snapshots_at: str = ""
    login: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> StackWorld:
        """Read the connections that every Airflow service of the stack has.

        :param environment: with ``AIRFLOW_CONN_MLOPS_STORE_DEFAULT`` and ``AIRFLOW_CONN_MLFLOW_DEFAULT``.
        """
        store = json.loads(environment["AIRFLOW_CONN_MLOPS_STORE_DEFAULT"])
        mlflow = json.loads(environment["AIRFLOW_CONN_MLFLOW_DEFAULT"])
        return cls(
            folder=Path("/data"),
            store_url=_url(store),
            tracking_uri=mlflow["extra"]["tracking_uri"],
            snapshots_at=store["extra"]["snapshots"],
            login=mlflow["login"],
            password=mlflow["password"],
        )

    @property
    def snapshot_uri(self) -> str:
        """The snapshot root."""
        return self.snapshots_at

    @property
    def mlflow(self) -> MlflowClient:
        """An MLflow client."""
        from airflow_mlops.core.tracking import Access, connect

        return connect(Access(self.tracking_uri, login=self.login, password=self.password))


def _url(store: Mapping[str, Any]) -> str:
    login = f"{quote(store['login'], safe='')}:{quote(store['password'], safe='')}"
    return f"postgresql+psycopg2://{login}@{store['host']}:{store['port']}/{store['schema']}"
