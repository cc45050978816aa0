"""Keys of Airflow tasks and DAG runs in the lifecycle store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context


def task_key(context: Context | Mapping[str, Any]) -> str:
    """Return the task's key in the store: ``dag_id/run_id/task_id/map_index``, the same in every try."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"


def run_key(context: Context | Mapping[str, Any]) -> str:
    """Return the DAG run's key in the store: ``dag_id/run_id``."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.run_id}"


def run_type(context: Context | Mapping[str, Any]) -> str:
    """Return the DAG run's type as text: ``manual``, ``scheduled``, ``backfill``, ``asset_triggered``."""
    kind = context["dag_run"].run_type
    return str(getattr(kind, "value", kind))
