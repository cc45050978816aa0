"""What can be said about where a step runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.settings import Settings

IN_PROCESS = "in_process"


class Elsewhere(Settings):
    """What all runtimes but the task's own process share.

    :param project: the folder, where the step runs, from which the team's modules and files are found; default: the
        root of the DAG's bundle. Where mounts are made by default, and it is a folder here, it is mounted read-only.
    :param environment: variables for the step. They are told to its process, and stand in no container's configuration.
    :param pass_environment: names of variables of the worker that the step gets, too.
    """

    project: str | None = None
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    pass_environment: tuple[str, ...] = ()


class ExternalPython(Elsewhere):
    """Another environment on the same machine. It needs this package in the same version, and no Airflow.

    :param python: the path of its interpreter.
    """

    kind: Literal["external_python"] = "external_python"
    python: str


class Docker(Elsewhere):
    """A container. Its image needs this package in the same version, and no Airflow.

    :param image: the image.
    :param python: the interpreter in it.
    :param mounts: ``source:target`` or ``source:target:ro``, of volumes by name, or of folders of the engine's machine.
        Default, for an engine on the worker's own machine: the project's folder, and whatever of snapshots, artifacts
        and databases is kept in files, each under the path that it has here.
    :param memory: how much it may use, such as ``4g``; no swap beside it.
    :param cpus: how many processors' time it may use, such as 1.5.
    :param shm: the size of ``/dev/shm``, such as ``1g``.
    :param gpus: how many GPUs it gets, or ``all``.
    :param network: the network that it is in; default: the engine's bridge.
    :param extra_hosts: name -> address, for its ``/etc/hosts``.
    :param user: ``uid:gid``; default: the worker's own where folders are mounted by default, else the image's.
    :param pull: when the image is fetched: ``missing``, ``always`` or ``never``.
    :param engine: the engine's address; default: ``DOCKER_HOST``, or the local socket.
    :param docker_conn_id: the Airflow connection to the registry that the image is pulled from.
    """

    kind: Literal["docker"] = "docker"
    image: str
    python: str = "python"
    mounts: tuple[str, ...] | None = None
    memory: str | int | None = None
    cpus: float | None = Field(default=None, gt=0)
    shm: str | int | None = None
    gpus: int | Literal["all"] | None = None
    network: str | None = None
    extra_hosts: dict[str, str] = Field(default_factory=dict)
    user: str | None = None
    pull: Literal["missing", "always", "never"] = "missing"
    engine: str | None = None
    docker_conn_id: str | None = None


KINDS: Mapping[str, type[Elsewhere]] = {"docker": Docker, "external_python": ExternalPython}


def chosen(value: str | Mapping[str, Any] | Elsewhere | None, defaults: Mapping[str, Any]) -> Elsewhere | None:
    """Read what an operator's ``runtime`` says; ``None``: in the task's own process.

    :param value: a name, a mapping with ``kind`` and settings, or the settings themselves.
    :param defaults: for each kind: what the installation says; the operator's own words beat it.
    :raises BadInput: when there is no such runtime, or a setting is wrong or missing.
    """
    given = _mapping(value)
    kind = str(given.get("kind", ""))
    if kind == IN_PROCESS:
        return None
    if kind not in KINDS:
        raise BadInput(
            f"there is no runtime {kind!r}",
            where=f"runtime={value!r}"[:200],
            mend=f"known are {', '.join([IN_PROCESS, *KINDS])}",
        )
    return KINDS[kind].load({**(defaults.get(kind) or {}), **given}, where=f"runtime {kind}")


def _mapping(value: str | Mapping[str, Any] | Elsewhere | None) -> dict[str, Any]:
    if isinstance(value, Elsewhere):
        return {**value.to_dict(), "kind": getattr(value, "kind", "")}
    if isinstance(value, Mapping):
        return dict(value)
    return {"kind": str(value or IN_PROCESS).strip()}
