"""Run a step in its runtime: build the message, start the process, return the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes.airflow_resources import AirflowResources, resource_config, runtime_defaults
from airflow_mlops.execution.runtimes.base import RemoteRuntime, RemoteStep, resolve_runtime
from airflow_mlops.execution.steps.message import StepMessage
from airflow_mlops.execution.steps.model_steps import execute_step
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.execution.steps.spec import StepSpec

if TYPE_CHECKING:
    from airflow_mlops.common.report import Report
    from airflow_mlops.execution.runtimes.process import StepProcess

RUNTIME_TAG = "mlops.runtime"
_DAG_MODULES = ("unusual_prefix_", "__main__")  # Airflow's names for DAG files: no other process can import them


def run_step(
    step: str,
    spec: StepSpec,
    runtime: str | Mapping[str, Any] | RemoteRuntime | None,
    resources: AirflowResources,
    *,
    bundle: Any = None,
    before_start: Callable[[StepProcess], object] = lambda _: None,
    on_report: Callable[[Report], object] = lambda _: None,
) -> dict[str, Any] | None:
    """Run a step where its runtime says, and return the reference to its result.

    :param step: the step's name.
    :param spec: its specification, with the token of the attempt.
    :param runtime: the operator's ``runtime``.
    :param resources: the connections and clients (store, MLflow) of the task.
    :param bundle: Airflow's bundle of the DAG, if any.
    :param before_start: gets the process before a remote step starts: a step outside the task's process.
    :param on_report: gets each report that a remote step has published.
    :raises MlopsError: the error of the step.
    """
    resolved = resolve_runtime(runtime, runtime_defaults)
    if resolved is None:
        return execute_step(step, spec, resources)
    config = resource_config(resources.store, resources.mlflow_hook, spec.parameters.get("conn_id"))
    spec = spec.model_copy(update={"parameters": to_import_paths(spec.parameters)})
    project = resolved.project or find_project_root(bundle, next(iter(spec.code.files), None))
    message = build_message(resolved, spec, config, project=project)
    process = resolved.create_process(RemoteStep(spec.key, resources.store.database.address, config, project))
    before_start(process)
    outcome = process.run(step, message.to_line())
    for report in outcome.published:
        on_report(report)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def build_message(
    runtime: RemoteRuntime, spec: StepSpec, resources: ResourceConfig, *, project: str | None
) -> StepMessage:
    """Build the message for a remote step.

    :param runtime: the runtime.
    :param spec: the step's specification.
    :param resources: the resources of the step.
    :param project: the folder with the team's code; the runtime's own ``project`` takes precedence.
    :raises BadInput: when the worker lacks an environment variable.
    """
    if missing := [name for name in runtime.pass_environment if name not in os.environ]:
        raise BadInput(
            f"the worker has no environment variable {', '.join(missing)}",
            hint="set each, or remove it from pass_environment",
        )
    passed = {name: os.environ[name] for name in runtime.pass_environment}
    folder = runtime.project or project
    return StepMessage(
        spec.model_copy(update={"tags": {**spec.tags, RUNTIME_TAG: runtime.label()}}),
        resources,
        {**passed, **runtime.environment},
        [] if folder is None else [folder],
    )


def to_import_paths(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Replace callables in parameters with their import paths.

    :raises BadInput: when a callable has no import path: a lambda, a partial, or a function of the DAG file.
    """
    return {name: import_path_of(value, name) if callable(value) else value for name, value in parameters.items()}


def import_path_of(function: Callable[..., Any], parameter: str) -> str:
    """Return the import path of a function or a class.

    :param parameter: the parameter's name, for the error.
    :raises BadInput: when it has none.
    """
    module, name = getattr(function, "__module__", "") or "", getattr(function, "__qualname__", "")
    target: Any = None if module.startswith(_DAG_MODULES) else sys.modules.get(module)
    for part in name.split("."):
        target = getattr(target, part, None)
    if target is not function:
        raise BadInput(
            f"{parameter} cannot be imported by another process",
            where=f"{module}:{name or type(function).__name__}",
            hint=f"move it to a module and pass its import path: {parameter}='include.churn.model:build'",
        )
    return f"{module}:{name}"


def find_project_root(bundle: Any, file: str | None) -> str | None:
    """Find the root folder of the team's modules: the bundle's, or the nearest parent folder of the DAG
    file on ``sys.path``.

    :param bundle: Airflow's bundle, if any.
    :param file: the DAG file.
    """
    if path := getattr(bundle, "path", None):
        return str(path)
    parents = [] if file is None else Path(file).resolve().parents
    roots = {Path(p).resolve() for p in sys.path if p}
    return next((str(folder) for folder in parents if folder in roots), None)
