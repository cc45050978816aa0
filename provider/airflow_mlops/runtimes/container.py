"""The configuration of a step's container: nothing secret is in it, and nothing that a step does not need."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.runtimes.settings import Docker

if TYPE_CHECKING:
    from docker.types import Mount


TASK, STORE = "airflow_mlops.task", "airflow_mlops.store"
"""Labels by which the containers of a task are found again."""
PROGRAM = ("-P", "-u", "-m", "airflow_mlops.run")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a step's container is to be.

    :param settings: what the operator says.
    :param key: what the task is known by in the store.
    :param store: the address of the store, without its password.
    :param folders: the folders that it gets where the operator names no mounts, to read and to write.
    :param project: the folder with the team's code: mounted where it is one of this machine, else the image has it.
    """

    settings: Docker
    key: str
    store: str
    folders: Sequence[str] = ()
    project: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Whose it is: of which task, and of which of the installations that share an engine."""
        return {TASK: self.key, STORE: hashlib.sha256(self.store.encode()).hexdigest()[:16]}

    @property
    def mounts(self) -> list[tuple[str, str, bool]]:
        """Source, target, and whether it is only read."""
        if self.settings.mounts is not None:
            return [parsed_mount(text) for text in self.settings.mounts]
        writable = [(folder, folder, False) for folder in self.folders]
        if self.project is None or not Path(self.project).is_dir() or self._is_writable(Path(self.project)):
            return writable
        return [(self.project, self.project, True), *writable]

    def _is_writable(self, folder: Path) -> bool:
        """Tell whether a folder is there already, as one of those to be written, or inside one."""
        return any(Path(other) in (folder, *folder.parents) for other in self.folders)

    @property
    def user(self) -> str | None:
        """Who it is: what it writes into this worker's folders is to be this worker's."""
        if self.settings.user is not None or self.settings.mounts is not None:
            return self.settings.user
        return f"{os.getuid()}:{os.getgid()}"


def create(client: Any, wanted: Wanted, step: str) -> str:
    """Make the container, not yet started; gives its id."""
    settings = wanted.settings
    host = client.create_host_config(
        auto_remove=True,  # by the engine itself: also when the worker is gone
        mounts=_mounts(wanted),
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
    made = client.create_container(
        settings.image,
        entrypoint=[settings.python],
        command=[*PROGRAM, step, "-"],
        environment={"HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},  # noqa: S108  # the user may have none there
        working_dir="/tmp",  # noqa: S108
        user=wanted.user,
        labels=wanted.labels,
        stdin_open=True,  # and once: its end, when whoever attached is gone, ends the step
        tty=False,
        host_config=host,
    )
    return str(made["Id"])


def parsed_mount(text: str) -> tuple[str, str, bool]:
    """Read ``source:target`` or ``source:target:ro``.

    :raises BadInput: when it is neither.
    """
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not source or not target.startswith("/") or mode not in ("", "ro", "rw"):
        raise BadInput(f"{text!r} is no mount", mend="write volume:/target, or /source:/target:ro")
    return source, target, mode == "ro"


def _mounts(wanted: Wanted) -> list[Mount]:
    from docker.types import Mount

    if wanted.settings.mounts is None:
        for folder in wanted.folders:
            Path(folder).mkdir(parents=True, exist_ok=True)  # such as the artifacts' before the first of them
    return [
        Mount(target, source, type="bind" if source.startswith("/") else "volume", read_only=read_only)
        for source, target, read_only in wanted.mounts
    ]


def _gpus(count: int | str | None) -> list[Any] | None:
    from docker.types import DeviceRequest

    if count is None:
        return None
    return [DeviceRequest(count=-1 if count == "all" else int(count), capabilities=[["gpu"]])]
