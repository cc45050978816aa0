"""Container configuration of a step: least privilege, and no secrets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes.base import RemoteRuntime
from airflow_mlops.execution.runtimes.process import PROGRAM

if TYPE_CHECKING:
    from docker.types import Mount


TASK_LABEL, STORE_LABEL = "airflow_mlops.task", "airflow_mlops.store"
"""Labels that identify the containers of a task."""


class ContainerSettings(RemoteRuntime):
    """The settings of a container.

    :param image: the image.
    :param python: the interpreter in the image.
    :param mounts: ``source:target`` or ``source:target:ro``, with named volumes or folders of the engine's machine.
        Default, for an engine on the worker's machine: the project's folder, and the local folders of snapshots,
        artifacts and databases, each under the same path.
    :param memory: the memory limit, such as ``4g``, without additional swap.
    :param cpus: the CPU limit, such as 1.5.
    :param shm: the size of ``/dev/shm``, such as ``1g``.
    :param gpus: the number of GPUs, or ``all``.
    :param network: the network; default: the engine's bridge.
    :param extra_hosts: name -> address, for ``/etc/hosts``.
    :param user: ``uid:gid``; default: the worker's user with default mounts, otherwise the image's.
    :param pull: when to pull the image: ``missing``, ``always`` or ``never``.
    :param engine: the engine's address; default: ``DOCKER_HOST``, or the local socket.
    :param docker_conn_id: the Airflow connection to the image's registry.
    """

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


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """Configuration of a step's container.

    :param settings: the operator's settings.
    :param key: the task's key in the store.
    :param store: the address of the store, without its password.
    :param folders: the folders to mount read-write when the operator sets no mounts.
    :param project: the folder with the team's code: mounted if it exists on this machine, otherwise in the image.
    """

    settings: ContainerSettings
    key: str
    store: str
    folders: Sequence[str] = ()
    project: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the task, and of the installation, since several may share an engine."""
        return {TASK_LABEL: self.key, STORE_LABEL: hashlib.sha256(self.store.encode()).hexdigest()[:16]}

    @property
    def mounts(self) -> list[tuple[str, str, bool]]:
        """Mounts as (source, target, read-only)."""
        if self.settings.mounts is not None:
            return [parse_mount(text) for text in self.settings.mounts]
        writable = [(folder, folder, False) for folder in self.folders]
        if self.project is None or not Path(self.project).is_dir() or self._is_writable(Path(self.project)):
            return writable
        return [(self.project, self.project, True), *writable]

    def _is_writable(self, folder: Path) -> bool:
        """Check whether a folder is one of the writable folders, or inside one."""
        return any(Path(writable) in (folder, *folder.parents) for writable in self.folders)

    @property
    def user(self) -> str | None:
        """The user: by default the worker's own, so that it owns the files written to its folders."""
        if self.settings.user is not None or self.settings.mounts is not None:
            return self.settings.user
        return f"{os.getuid()}:{os.getgid()}"


def create_container(client: Any, config: ContainerConfig, step: str) -> str:
    """Create the container without starting it, and return its id."""
    settings = config.settings
    host = client.create_host_config(
        auto_remove=True,  # by the engine, so also after the worker has died
        mounts=_mounts(config),
        mem_limit=settings.memory,
        memswap_limit=settings.memory,
        nano_cpus=None if settings.cpus is None else round(settings.cpus * 1e9),
        shm_size=settings.shm,
        network_mode=settings.network,
        extra_hosts=dict(settings.extra_hosts) or None,
        device_requests=_gpus(settings.gpus),
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
    )
    container = client.create_container(
        settings.image,
        entrypoint=[settings.python],
        command=[*PROGRAM, step, "-"],
        environment={"HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},  # noqa: S108  # the user may have no home in the image
        working_dir="/tmp",  # noqa: S108
        user=config.user,
        labels=config.labels,
        stdin_open=True,  # EOF, such as after the death of the task, ends the step
        tty=False,
        host_config=host,
    )
    return str(container["Id"])


def parse_mount(text: str) -> tuple[str, str, bool]:
    """Parse ``source:target`` or ``source:target:ro``.

    :raises BadInput: when the text is not a valid mount.
    """
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not source or not target.startswith("/") or mode not in ("", "ro", "rw"):
        raise BadInput(f"{text!r} is not a valid mount", hint="use volume:/target or /source:/target:ro")
    return source, target, mode == "ro"


def _mounts(config: ContainerConfig) -> list[Mount]:
    from docker.types import Mount

    if config.settings.mounts is None:
        for folder in config.folders:
            Path(folder).mkdir(parents=True, exist_ok=True)  # such as the artifact folder before the first artifact
    return [
        Mount(target, source, type="bind" if source.startswith("/") else "volume", read_only=read_only)
        for source, target, read_only in config.mounts
    ]


def _gpus(count: int | str | None) -> list[Any] | None:
    from docker.types import DeviceRequest

    if count is None:
        return None
    return [DeviceRequest(count=-1 if count == "all" else int(count), capabilities=[["gpu"]])]
