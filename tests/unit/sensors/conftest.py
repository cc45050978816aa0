"""A store that sensors reach through Airflow's connections."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store.database import Database


@pytest.fixture
def watched(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    values = connection_dict(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", json.dumps(values))
    return database
