"""Description of a DAG's tasks, to compare two DAGs."""

from __future__ import annotations

import gc
import runpy
from inspect import signature
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.execution.steps.parameters import EvaluateParameters

REPO = Path(__file__).parents[2]


def describe_dag(dag: DAG) -> dict[str, Any]:
    """Return the relevant attributes of each task, by task id."""
    return {task.task_id: _describe_task(task) for task in dag.tasks}


def load_bundle_dag(dag_id: str) -> DAG:
    """Load a DAG of the bundle from its file."""
    before = {id(dag) for dag in _dags()}
    namespace = runpy.run_path(str(REPO / "dags" / f"{dag_id}.py"))
    (loaded,) = (dag for dag in _dags() if id(dag) not in before and dag.dag_id == dag_id)
    del namespace
    return loaded


def _dags() -> list[DAG]:
    """List all live DAGs: those of a file are not bound to names."""
    return [item for item in gc.get_objects() if isinstance(item, DAG)]


def _describe_task(task: Any) -> dict[str, Any]:
    fields = {name: getattr(task, name) for name in task.template_fields if hasattr(task, name)}
    if task.is_mapped:
        defaults = {name: p.default for name, p in signature(task.operator_class.__init__).parameters.items()}
        arguments = {**defaults, **task.partial_kwargs, "over": task.expand_input.value}
        own = {*task.operator_class.template_fields, "max_active_tis_per_dag", "over"}
        fields = {name: value for name, value in arguments.items() if name in own}
    if fields.get("evaluation") and isinstance(fields["evaluation"], dict):
        known = {name: field.get_default() for name, field in EvaluateParameters.model_fields.items()}
        fields["evaluation"] = {name: _to_text(value) for name, value in {**known, **fields["evaluation"]}.items()}
    return {
        "does": getattr(task, "task_type", None),
        "after": sorted(task.upstream_task_ids),
        "when": str(task.trigger_rule),
        "teardown": task.is_teardown,
        "outlets": [repr(outlet) for outlet in task.outlets],
        "tells": len(task.on_success_callback or ()),
        "fields": {name: _to_text(value) for name, value in fields.items()},
    }


def _to_text(value: Any) -> str:
    """Return a value as text; all empty values are equal."""
    value = list(value) if isinstance(value, (list, tuple)) else value
    return "nothing" if value is None or value in ([], "") else repr(value)
