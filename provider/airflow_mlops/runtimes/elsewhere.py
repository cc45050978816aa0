"""An operator's step where its ``runtime`` says: in this process, or told to another one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.run.message import Message
from airflow_mlops.run.places import Told
from airflow_mlops.run.spec import Spec
from airflow_mlops.runtimes.folders import local_folders
from airflow_mlops.runtimes.process import StepProcess
from airflow_mlops.runtimes.settings import Docker, Elsewhere, ExternalPython

if TYPE_CHECKING:
    from collections.abc import Callable

KIND_TAG = "mlops.runtime"
_OF_DAGS = ("unusual_prefix_", "__main__")  # modules that Airflow makes of DAG files: no other process has them


def process_of(where: Elsewhere, told: Told, key: str, *, store: str, project: str | None) -> StepProcess:
    """Give the process that a step is to run in, not yet started.

    :param where: what the operator says.
    :param told: where everything is.
    :param key: what the task is known by in the store.
    :param store: the store's address, without its password.
    :param project: the folder with the team's code, on this machine.
    """
    if isinstance(where, Docker):
        from airflow_mlops.runtimes.container import Wanted
        from airflow_mlops.runtimes.docker import DockerStep

        return DockerStep(Wanted(where, key, store, local_folders(told), where.project or project))
    from airflow_mlops.runtimes.external_python import ExternalPythonStep

    assert isinstance(where, ExternalPython)
    return ExternalPythonStep(where)


def message_of(where: Elsewhere, spec: Spec, told: Told, *, project: str | None) -> Message:
    """Give all that a step elsewhere is told.

    :raises BadInput: when a parameter cannot travel, or a variable is not there.
    """
    if missing := [name for name in where.pass_environment if name not in os.environ]:
        raise BadInput(f"the worker has no variable {missing[0]}", mend="set it, or take it out of pass_environment")
    passed = {name: os.environ[name] for name in where.pass_environment}
    folder = where.project or project
    return Message(
        spec.model_copy(update={"tags": {**spec.tags, KIND_TAG: named(where)}}),
        told,
        {**passed, **where.environment},
        [] if folder is None else [folder],
    )


def named(where: Elsewhere) -> str:
    """Name a runtime, for the tag of a run."""
    return f"docker {where.image}" if isinstance(where, Docker) else f"external_python {getattr(where, 'python', '')}"


def importable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give parameters whose callables are named by the import paths that other processes know them by.

    :raises BadInput: when one has no import path: it is a lambda, a partial, or of the DAG's file.
    """
    return {name: path_of(value, name) if callable(value) else value for name, value in parameters.items()}


def path_of(function: Callable[..., Any], parameter: str) -> str:
    """Give the import path of a function or a class.

    :param parameter: what it was given as, for the error.
    :raises BadInput: when it has none.
    """
    module, name = getattr(function, "__module__", "") or "", getattr(function, "__qualname__", "")
    found: Any = None if module.startswith(_OF_DAGS) else sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not function:
        raise BadInput(
            f"{parameter} is a function that other processes cannot import",
            where=f"{module}:{name or type(function).__name__}",
            mend=f"put it into a module, and give its import path: {parameter}='include.churn.model:build'",
        )
    return f"{module}:{name}"


def project_of(bundle: Any, file: str | None) -> str | None:
    """Give the folder from which the team's modules are found: the bundle's, or the one above that of the DAG's file.

    :param bundle: Airflow's bundle, if there is one.
    :param file: the DAG's file.
    """
    if path := getattr(bundle, "path", None):
        return str(path)
    above = [] if file is None else Path(file).resolve().parents
    roots = {Path(p).resolve() for p in sys.path if p}
    return next((str(folder) for folder in above if folder in roots), None)
