"""Base class of the runtimes of a step, and the extension point that finds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.common.settings import Settings
from airflow_mlops.execution.runtimes.local_folders import local_folders
from airflow_mlops.execution.runtimes.process import StepProcess
from airflow_mlops.execution.steps.resources import ResourceConfig

IN_PROCESS = "in_process"


@dataclass(frozen=True, slots=True)
class RemoteStep:
    """A step of a task that runs outside the task's process.

    :param key: the task's key in the store, the same in every try.
    :param store: the store's address, without its password.
    :param resources: the store, MLflow and databases that the step uses. They contain secrets, and reach the step by
        its message: a runtime needs them only to make them reachable.
    :param project: the folder with the team's code.
    """

    key: str
    store: str
    resources: ResourceConfig
    project: str | None = None

    @property
    def folders(self) -> Sequence[str]:
        """The local folders that the step reads and writes: snapshots, artifacts and file databases."""
        return local_folders(self.resources)


class RemoteRuntime(Settings):
    """A place outside the task's process where a step runs. The fields of a subclass are its settings.

    ``kind`` names the option in the section ``[mlops]`` of Airflow's configuration that has the project-wide defaults
    of the settings, as JSON.

    :param project: the folder, at the runtime, with the team's modules and files; default: the root of the DAG's
        bundle. With default mounts, a folder of this machine is mounted read-only.
    :param environment: environment variables of the step. They are sent to its process, and are not in the container's
        configuration.
    :param pass_environment: names of the worker's environment variables to pass to the step.
    """

    kind: ClassVar[str] = ""

    project: str | None = None
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    pass_environment: tuple[str, ...] = ()

    def create_process(self, step: RemoteStep) -> StepProcess:
        """Return the process of a step, not yet started.

        :raises BadInput: when the settings cannot work, such as a program that does not exist.
        """
        raise NotImplementedError

    def label(self) -> str:
        """Return a short description for the MLflow tag of the run, without secrets."""
        return self.kind or type(self).__name__


def _problem_of(value: Any) -> str | None:
    """Return why an object is not a runtime."""
    if not isinstance(value, type) or not issubclass(value, RemoteRuntime):
        return "it is not a subclass of airflow_mlops.api.RemoteRuntime"
    return "it has no create_process" if value.create_process is RemoteRuntime.create_process else None


RUNTIMES: ExtensionPoint[type[RemoteRuntime]] = ExtensionPoint(
    kind="runtime",
    group="runtimes",
    builtin={
        "docker": "airflow_mlops.execution.runtimes.docker:Docker",
        "external_python": "airflow_mlops.execution.runtimes.external_python:ExternalPython",
    },
    check=_problem_of,
)


def resolve_runtime(
    value: str | Mapping[str, Any] | RemoteRuntime | None, defaults: Callable[[str], Mapping[str, Any]]
) -> RemoteRuntime | None:
    """Load an operator's ``runtime``; ``None`` means the task's own process.

    :param value: a name, an import path, a mapping with ``kind`` and settings, or the runtime itself.
    :param defaults: returns the project-wide defaults of a kind; the operator's settings take precedence.
    :raises BadInput: when the runtime is unknown, or a setting is invalid or missing.
    """
    if isinstance(value, RemoteRuntime):
        runtime, settings, name = type(value), value.to_dict(), value.kind or type(value).__name__
    else:
        settings = dict(value) if isinstance(value, Mapping) else {"kind": value or IN_PROCESS}
        name = str(settings.pop("kind", "")).strip()
        if name == IN_PROCESS:
            return None
        if name not in RUNTIMES:
            names = ", ".join([IN_PROCESS, *RUNTIMES.names()])
            raise BadInput(
                f"unknown runtime {name!r}",
                where="runtime=",
                hint=f"available: {names}, or an import path 'package.module:Class'",
            )
        runtime = RUNTIMES.get(name)
    inherited = defaults(runtime.kind) if runtime.kind else {}
    return runtime.load({**inherited, **settings}, where=f"runtime {name}")
