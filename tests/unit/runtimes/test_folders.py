"""Which folders a container on the same machine gets."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.run.places import Told
from airflow_mlops.runtimes.folders import local_folders


def told(url: str, snapshots: str, uri: str, artifacts: str | None = None, **databases: str) -> Told:
    mlflow: dict[str, Any] = {"access": {"uri": uri}, "artifact_location": artifacts}
    return Told.load({"store": {"url": url, "snapshots": snapshots}, "mlflow": mlflow, "databases": databases})


@pytest.mark.parametrize(
    ("places", "folders"),
    [
        (told("postgresql+psycopg2://u:p@db/mlops", "s3://b/s", "https://mlflow"), []),
        (
            told("sqlite:////kept/store.db", "file:///snap%20shots", "sqlite:////ml/flow.db", "file:///models"),
            ["/kept", "/ml", "/models", "/snap shots"],
        ),
        (told("sqlite:////kept/store.db", "file:///kept/snapshots", "sqlite:////kept/ml/flow.db"), ["/kept"]),
        (told("postgresql+psycopg2://u@/mlops?host=/run/pg", "/data", "https://mlflow"), ["/data", "/run/pg"]),
        (told("postgresql+psycopg2://db/m", "s3://b", "https://m", shop="sqlite:////shop/s.db"), ["/shop"]),
    ],
    ids=["served", "files", "nested", "socket", "a table's"],
)
def test_a_container_gets_the_folders_in_which_something_is_kept_and_no_others(
    places: Told, folders: list[str]
) -> None:
    assert local_folders(places) == folders
