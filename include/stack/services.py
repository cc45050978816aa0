"""Data services of the production stack, from its Airflow connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from include.demo.services import DemoServices

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class StackServices(DemoServices):
    """Locations of the stack's databases and folders. One-shot services of the stack prepare them.

    :param snapshot_root: the snapshot root.
    :param login: MLflow user.
    :param password: MLflow password.
    """

    snapshot_root: str = ""
    login: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> StackServices:
        """Create it from the Airflow connections in the environment.

        :param environment: with ``AIRFLOW_CONN_MLOPS_STORE_DEFAULT`` and ``AIRFLOW_CONN_MLFLOW_DEFAULT``.
        """
        store = json.loads(environment["AIRFLOW_CONN_MLOPS_STORE_DEFAULT"])
        mlflow = json.loads(environment["AIRFLOW_CONN_MLFLOW_DEFAULT"])
        return cls(
            folder=Path("/data"),
            store_url=_url(store),
            tracking_uri=mlflow["extra"]["tracking_uri"],
            snapshot_root=store["extra"]["snapshots"],
            login=mlflow["login"],
            password=mlflow["password"],
        )

    @property
    def snapshot_uri(self) -> str:
        """The snapshot root."""
        return self.snapshot_root

    @property
    def mlflow(self) -> MlflowClient:
        """An MLflow client."""
        from airflow_mlops.core.tracking import Access, connect

        return connect(Access(self.tracking_uri, login=self.login, password=self.password))


def _url(store: Mapping[str, Any]) -> str:
    login = f"{quote(store['login'], safe='')}:{quote(store['password'], safe='')}"
    return f"postgresql+psycopg2://{login}@{store['host']}:{store['port']}/{store['schema']}"
