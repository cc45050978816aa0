"""A store that triggers reach through Airflow's connections, and the state that Airflow keeps for a watched asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import episodes
from airflow_mlops.store.database import Database


class AssetState:
    """What Airflow keeps for a watched asset, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def aget(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)


@pytest.fixture
def asset_state() -> AssetState:
    return AssetState()


@pytest.fixture(autouse=True)
def connections(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The store's connection; the list has who asked for it."""
    values = connection_dict(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    found = Connection(
        conn_id="mlops_store_default",
        conn_type=values["conn_type"],
        schema=values["schema"],
        extra=json.dumps(values["extra"]),
    )
    requested: list[str] = []

    async def aget_connection(conn_id: str) -> Connection:
        requested.append(conn_id)
        assert conn_id == "mlops_store_default"
        return found

    monkeypatch.setattr(BaseHook, "aget_connection", aget_connection)
    return requested


@pytest.fixture
def ask(database: Database) -> Any:
    """Opens an episode and asks for its retraining."""

    def asking(model: str = "churn") -> None:
        episode = episodes.open_episode(database, model=model, version=1, change_partition="2026-05-04", report=None)
        assert episode is not None
        assert episodes.request(database, episode.id, partition="2026-06-01", cutoff="2026-05-18")

    return asking
