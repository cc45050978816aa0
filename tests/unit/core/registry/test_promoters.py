"""Of many promoting processes one wins each epoch, in SQLite and in PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_mlops.store.database import Database
from tests.races import promoters


def test_of_several_promoting_processes_one_wins_each_epoch(
    each_database: Database, mlflow_client: Any, tmp_path: Path
) -> None:
    outcome = promoters.race(each_database, mlflow_client, tmp_path, promoters=3, epochs=12)
    promoters.check(outcome, each_database, mlflow_client, 12)
