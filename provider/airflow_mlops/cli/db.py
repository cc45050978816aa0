"""What the commands ``airflow mlops db ...`` do."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from airflow_mlops.cli.output import or_exit
from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.database import Database


def upgrade(args: Namespace) -> None:
    """Create or migrate the store's tables."""
    from airflow_mlops.store.database import Database

    database = or_exit(lambda: Database(LifecycleStoreHook(args.store_conn_id).url()))
    or_exit(database.upgrade)
    print(f"lifecycle store: {database.address} has schema {database.version()}")


def status(args: Namespace) -> None:
    """Say where the store is, whether it can be used, what it has, and where MLflow says otherwise."""
    hook = LifecycleStoreHook(args.store_conn_id)
    good, message = hook.test_connection()
    if not good:
        raise SystemExit(message)
    database = hook.database
    said, found = _agreement(database, args.mlflow_conn_id)
    facts: dict[str, Any] = {
        "store": database.address,
        "schema": database.version(),
        "snapshots": hook.connection.extra_dejson.get("snapshots"),
        "rows": database.row_counts(),
        "mlflow": said,
        "agreement": [report.to_dict() for report in found],
    }
    print(json.dumps(facts, indent=1) if args.output == "json" else _in_words(facts, found))


def _in_words(facts: dict[str, Any], found: list[Report]) -> str:
    width = max(len(name) for name in facts["rows"])
    return "\n".join(
        [
            f"lifecycle store: {facts['store']}",
            f"schema: {facts['schema']}",
            f"snapshots: {facts['snapshots'] or 'the connection names no place'}",
            "rows:",
            *(f"  {name:<{width}} {count:>10}" for name, count in facts["rows"].items()),
            f"mlflow: {facts['mlflow']}",
            *(report.summary() for report in found if report.verdict != "pass"),
        ]
    )


def _agreement(database: Database, mlflow_conn_id: str) -> tuple[str, list[Report]]:
    """Hold the store against MLflow, if there is a connection to one that answers; gives what came of it in a line."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from airflow_mlops.core.registry.agreement import disagreements
    from airflow_mlops.hooks.mlflow import MlflowHook
    from airflow_mlops.store import models

    hook = MlflowHook(mlflow_conn_id)
    try:
        good, message = hook.test_connection()
    except AirflowNotFoundException:
        return f"not compared: there is no connection {mlflow_conn_id}", []
    if not good:
        return f"not compared: {message}", []
    found = or_exit(lambda: [disagreements(hook.client, database, model) for model in models.names(database)])
    differ = sum(report.verdict != "pass" for report in found)
    return f"{len(found)} models compared, {differ} differ", found
