"""Telling what a DAG consists of, so that two can be compared."""

from __future__ import annotations

import gc
import runpy
from inspect import signature
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.operators.promote import evaluation_of

REPO = Path(__file__).parents[2]


def described(dag: DAG) -> dict[str, Any]:
    """Give task id -> all of a task that decides what a run does."""
    return {task.task_id: _told(task) for task in dag.tasks}


def of_bundle(dag_id: str) -> DAG:
    """Give a DAG of the bundle as its file makes it."""
    before = {id(dag) for dag in _dags()}
    kept = runpy.run_path(str(REPO / "dags" / f"{dag_id}.py"))
    (made,) = (dag for dag in _dags() if id(dag) not in before and dag.dag_id == dag_id)
    del kept
    return made


def _dags() -> list[DAG]:
    """Find the DAGs that there are: those of a file are in none of its names."""
    return [found for found in gc.get_objects() if isinstance(found, DAG)]


def _told(task: Any) -> dict[str, Any]:
    fields = {name: getattr(task, name) for name in task.template_fields if hasattr(task, name)}
    if task.is_mapped:
        defaults = {name: p.default for name, p in signature(task.operator_class.__init__).parameters.items()}
        given = {**defaults, **task.partial_kwargs, "over": task.expand_input.value}
        own = {*task.operator_class.template_fields, "max_active_tis_per_dag", "over"}
        fields = {name: value for name, value in given.items() if name in own}
    if fields.get("evaluation") and isinstance(fields["evaluation"], dict):
        fields["evaluation"] = {name: _shown(value) for name, value in evaluation_of(fields["evaluation"]).items()}
    return {
        "does": getattr(task, "task_type", None),
        "after": sorted(task.upstream_task_ids),
        "when": str(task.trigger_rule),
        "teardown": task.is_teardown,
        "outlets": [repr(outlet) for outlet in task.outlets],
        "tells": len(task.on_success_callback or ()),
        "fields": {name: _shown(value) for name, value in fields.items()},
    }


def _shown(value: Any) -> str:
    """Give a value as text; nothing is nothing, however it is written."""
    value = list(value) if isinstance(value, (list, tuple)) else value
    return "nothing" if value is None or value in ([], "") else repr(value)
