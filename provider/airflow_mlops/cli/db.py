"""Commands ``airflow mlops db ...``."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from airflow_mlops.cli.output import run_or_exit
from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow_mlops.common.report import Report
    from airflow_mlops.store.database import Database


def upgrade(args: Namespace) -> None:
    """Create or migrate the store's tables."""
    from airflow_mlops.store.database import Database

    database = run_or_exit(lambda: Database(LifecycleStoreHook(args.store_conn_id).url()))
    run_or_exit(database.upgrade)
    print(f"lifecycle store: {database.address} has schema {database.version()}")


def status(args: Namespace) -> None:
    """Print the store's address, schema and row counts, and its inconsistencies with MLflow."""
    hook = LifecycleStoreHook(args.store_conn_id)
    usable, message = hook.test_connection()
    if not usable:
        raise SystemExit(message)
    database = hook.database
    summary, reports = _check_consistency(database, args.mlflow_conn_id)
    facts: dict[str, Any] = {
        "store": database.address,
        "schema": database.version(),
        "snapshots": hook.connection.extra_dejson.get("snapshots"),
        "rows": database.row_counts(),
        "mlflow": summary,
        "consistency": [report.to_dict() for report in reports],
    }
    print(json.dumps(facts, indent=1) if args.output == "json" else _to_text(facts, reports))


def _to_text(facts: dict[str, Any], reports: list[Report]) -> str:
    width = max(len(name) for name in facts["rows"])
    return "\n".join(
        [
            f"lifecycle store: {facts['store']}",
            f"schema: {facts['schema']}",
            f"snapshots: {facts['snapshots'] or 'none configured'}",
            "rows:",
            *(f"  {name:<{width}} {count:>10}" for name, count in facts["rows"].items()),
            f"mlflow: {facts['mlflow']}",
            *(report.summary() for report in reports if report.verdict != "pass"),
        ]
    )


def _check_consistency(database: Database, mlflow_conn_id: str) -> tuple[str, list[Report]]:
    """Compare the store with MLflow if it is reachable; return a one-line summary and the reports."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from airflow_mlops.core.registry.consistency import check_consistency
    from airflow_mlops.hooks.mlflow import MlflowHook
    from airflow_mlops.store import models

    hook = MlflowHook(mlflow_conn_id)
    try:
        usable, message = hook.test_connection()
    except AirflowNotFoundException:
        return f"not compared: connection {mlflow_conn_id} does not exist", []
    if not usable:
        return f"not compared: {message}", []
    reports = run_or_exit(lambda: [check_consistency(hook.client, database, model) for model in models.names(database)])
    different = sum(report.verdict != "pass" for report in reports)
    return f"{len(reports)} models compared, {different} differ", reports
