"""Local folders that a container on the same machine mounts."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.execution.runtimes.local_folders import local_folders
from airflow_mlops.execution.steps.resources import ResourceConfig


def config(url: str, snapshots: str, uri: str, artifacts: str | None = None, **databases: str) -> ResourceConfig:
    mlflow: dict[str, Any] = {"access": {"uri": uri}, "artifact_location": artifacts}
    return ResourceConfig.load(
        {"store": {"url": url, "snapshots": snapshots}, "mlflow": mlflow, "databases": databases}
    )


@pytest.mark.parametrize(
    ("resources", "folders"),
    [
        (config("postgresql+psycopg2://u:p@db/mlops", "s3://b/s", "https://mlflow"), []),
        (
            config("sqlite:////data2/store.db", "file:///snap%20shots", "sqlite:////ml/flow.db", "file:///models"),
            ["/data2", "/ml", "/models", "/snap shots"],
        ),
        (config("sqlite:////data2/store.db", "file:///data2/snapshots", "sqlite:////data2/ml/flow.db"), ["/data2"]),
        (config("postgresql+psycopg2://u@/mlops?host=/run/pg", "/data", "https://mlflow"), ["/data", "/run/pg"]),
        (config("postgresql+psycopg2://db/m", "s3://b", "https://m", shop="sqlite:////shop/s.db"), ["/shop"]),
    ],
    ids=["served", "files", "nested", "socket", "a table's"],
)
def test_only_folders_with_local_resources_are_mounted(resources: ResourceConfig, folders: list[str]) -> None:
    assert local_folders(resources) == folders
