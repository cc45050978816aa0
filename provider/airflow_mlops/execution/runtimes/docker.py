"""Docker runtime: runs a step in a container.

The container gets its message on standard input and answers on standard output. So a remote engine works, and no
secret is in a file, in the container's configuration or in its log. The task keeps the input open: EOF ends the step,
even when the worker is killed.
"""

from __future__ import annotations

import logging
import select
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, ClassVar

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.execution.runtimes.base import RemoteStep
from airflow_mlops.execution.runtimes.container import ContainerConfig, ContainerSettings, create_container
from airflow_mlops.execution.runtimes.process import StepOutput, StepProcess
from airflow_mlops.execution.steps.outcome import StepOutcome
from airflow_mlops.execution.steps.supervisor import GRACE_SECONDS
from airflow_mlops.hooks.container_engine import connect_engine

log = logging.getLogger(__name__)
PROBE_INTERVAL = 20.0
"""Seconds without output after which the container's state is checked."""
_STDOUT, _HEADER = 1, struct.Struct(">BxxxL")  # frames of the engine's attach API


class Docker(ContainerSettings):
    """A container of the Docker engine. Its image needs the same version of this package, but no Airflow."""

    kind: ClassVar[str] = "docker"

    def create_process(self, step: RemoteStep) -> StepProcess:
        """Return the process of a step in a new container."""
        return DockerStep(ContainerConfig(self, step.key, step.store, step.folders, step.project))

    def label(self) -> str:
        """Return the runtime and its image."""
        return f"{self.kind} {self.image}"


class DockerStep:
    """A step in a container.

    :param config: the container's configuration.
    """

    def __init__(self, config: ContainerConfig) -> None:
        self._config = config
        self._client: Any | None = None
        self._id: str | None = None

    def run(self, step: str, message: bytes) -> StepOutcome:
        """Run the step in a new container and return its outcome.

        :raises BadInput: when the engine cannot create the container.
        :raises MlopsError: when the engine is unreachable, or the step ends without a result.
        """
        from docker.errors import APIError, DockerException

        settings, output = self._config.settings, StepOutput(lambda line: log.info("%s", line))
        image = settings.image
        try:
            engine = connect_engine(settings.engine, settings.docker_conn_id, unreachable_error=MlopsError)
            self._client = client = engine.client
            remove_orphans(client, self._config)
            engine.ensure_image(image, settings.pull)
            try:
                self._stream(client, step, message, output)
            finally:
                self._clean_up(client)
        except APIError as error:
            kind = BadInput if error.is_client_error() else MlopsError
            raise kind(f"the Docker engine rejected the request: {error.explanation}", where=image) from error
        except DockerException as error:
            raise MlopsError(f"the Docker engine cannot be used: {error}", where=image) from error
        return output.outcome(f"container of {image}")

    def kill(self) -> None:
        """Send SIGTERM; the step then has a grace period to finish."""
        from docker.errors import APIError

        if self._client is not None and self._id is not None:
            with suppress(APIError):
                self._client.kill(self._id, "SIGTERM")

    def _stream(self, client: Any, step: str, message: bytes, output: StepOutput) -> None:
        """Create and start the container, send the message, and read its output until it ends."""
        self._id = create_container(client, self._config, step)
        log.info("The step runs in container %s of %s", self._id[:12], self._config.settings.image)
        attached = client.attach_socket(self._id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        channel = getattr(attached, "_sock", attached)  # for a plain socket, docker-py returns its read-only wrapper
        try:
            channel.settimeout(None)
            client.start(self._id)
            with suppress(BrokenPipeError, ConnectionResetError):  # it has already ended; its output has the reason
                channel.sendall(message)
            for stream, data in _read_frames(channel, lambda: _is_running(client, str(self._id))):
                (output.feed_stdout if stream == _STDOUT else output.feed_stderr)(data)
        finally:
            attached.close()
            channel.close()

    def _clean_up(self, client: Any) -> None:
        """Stop and remove the container."""
        from docker.errors import APIError

        if self._id is None:
            return
        with suppress(APIError):  # already ended, and removed by the engine
            if _is_running(client, self._id):
                client.stop(self._id, timeout=round(GRACE_SECONDS) + 2)
            client.remove_container(self._id, force=True, v=True)


def remove_orphans(client: Any, config: ContainerConfig) -> int:
    """Remove the containers of earlier attempts of the task, and return their number.

    The new attempt has taken over, so earlier ones must not publish.
    """
    from docker.errors import APIError

    labels = [f"{name}={value}" for name, value in config.labels.items()]
    orphans = client.containers(all=True, filters={"label": labels})
    for container in orphans:
        log.warning("Removing container %s of an earlier attempt", container["Id"][:12])
        with suppress(APIError):
            client.remove_container(container["Id"], force=True, v=True)
    return len(orphans)


def _is_running(client: Any, container: str) -> bool:
    from docker.errors import NotFound

    try:
        return bool(client.inspect_container(container)["State"]["Running"])
    except NotFound:
        return False


def _read_frames(channel: Any, is_running: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
    """Yield (stream number, data) frames until the container closes its output or has ended."""
    poll, buffer = select.poll(), b""
    poll.register(channel, select.POLLIN | select.POLLHUP)
    while True:
        if not poll.poll(PROBE_INTERVAL * 1000):
            if is_running():
                continue
            return
        data = channel.recv(1 << 16)
        if not data:
            return
        buffer += data
        while len(buffer) >= _HEADER.size:
            stream, size = _HEADER.unpack_from(buffer)
            end = _HEADER.size + size
            if len(buffer) < end:
                break
            yield stream, buffer[_HEADER.size : end]
            buffer = buffer[end:]
