"""Answers of MLflow lost after the commit, twenty times for each call that makes something."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import pytest

from airflow_mlops.store.database import Database
from tests.faults.proxy import AFTER_COMMIT, FaultProxy
from tests.faults.server import mlflow_server
from tests.faults.task import CREATING, Task, check_lost_response

pytestmark = pytest.mark.system
TIMES = 20


def test_each_is_found_out_by_the_next_attempt(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    database.upgrade()
    with mlflow_server(tmp_path / "mlflow.db") as server, FaultProxy(server) as proxy:
        for call in CREATING:
            for number, fault in enumerate(islice(cycle(AFTER_COMMIT), TIMES)):
                name = f"{call.replace('/', '_')}-{fault}-{number}"
                check_lost_response(Task(proxy, database, tmp_path, name), proxy, server, call, fault)
