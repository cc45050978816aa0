"""A step in a container.

All that it is told comes by its standard input, and its answer by its standard output, so an engine on another machine
will do, and no secret is in a file, in the container's configuration, or in its log. The input stays open for as long
as the task's process is there: its end ends the step, whatever has become of the worker.
"""

from __future__ import annotations

import logging
import select
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.hooks.container_engine import container_engine
from airflow_mlops.run.outcome import Outcome
from airflow_mlops.run.supervising import GRACE
from airflow_mlops.runtimes.container import Wanted, create
from airflow_mlops.runtimes.process import Hearing

log = logging.getLogger(__name__)
LOOK = 20.0
"""Seconds of silence after which it is asked whether the container is still there."""
_OUTPUT, _HEADER = 1, struct.Struct(">BxxxL")  # as the engine's API frames what is attached to


class DockerStep:
    """A step in a container.

    :param wanted: what the container is to be.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._client: Any | None = None
        self._id: str | None = None

    def run(self, step: str, message: bytes) -> Outcome:
        """Start it, wait for it, and say how it has ended.

        :raises BadInput: when the engine cannot make such a container.
        :raises MlopsError: when it cannot be reached, or the step ends without an answer.
        """
        from docker.errors import APIError, DockerException

        settings, hearing = self._wanted.settings, Hearing(lambda line: log.info("%s", line))
        image = settings.image
        try:
            engine = container_engine(settings.engine, settings.docker_conn_id, absent=MlopsError)
            self._client = client = engine.client
            remove_left(client, self._wanted)
            engine.have(image, settings.pull)
            try:
                self._attend(client, step, message, hearing)
            finally:
                self._end(client)
        except APIError as error:
            kind = BadInput if error.is_client_error() else MlopsError
            raise kind(f"the Docker engine refused: {error.explanation}", where=image) from error
        except DockerException as error:
            raise MlopsError(f"the Docker engine cannot be used: {error}", where=image) from error
        return hearing.outcome(f"container of {image}")

    def kill(self) -> None:
        """Tell it to end; it has some seconds to do so in good order."""
        from docker.errors import APIError

        if self._client is not None and self._id is not None:
            with suppress(APIError):
                self._client.kill(self._id, "SIGTERM")

    def _attend(self, client: Any, step: str, message: bytes, hearing: Hearing) -> None:
        """Make it, start it, tell it what to do, and hear it until it is over."""
        self._id = create(client, self._wanted, step)
        log.info("the step runs in container %s of %s", self._id[:12], self._wanted.settings.image)
        attached = client.attach_socket(self._id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        channel = getattr(attached, "_sock", attached)  # for a plain socket the library gives its reading side
        try:
            channel.settimeout(None)
            client.start(self._id)
            with suppress(BrokenPipeError, ConnectionResetError):  # it has ended already, and said why
                channel.sendall(message)
            for stream, data in _frames(channel, lambda: _runs(client, str(self._id))):
                (hearing.answer if stream == _OUTPUT else hearing.said)(data)
        finally:
            attached.close()
            channel.close()

    def _end(self, client: Any) -> None:
        """Leave nothing running."""
        from docker.errors import APIError

        if self._id is None:
            return
        with suppress(APIError):  # it has ended, and the engine has removed it
            if _runs(client, self._id):
                client.stop(self._id, timeout=round(GRACE) + 2)
            client.remove_container(self._id, force=True, v=True)


def remove_left(client: Any, wanted: Wanted) -> int:
    """Remove containers that earlier attempts of the task have left; gives how many.

    Such a one is a zombie: an attempt that begins has taken over, and nothing earlier may publish.
    """
    from docker.errors import APIError

    labels = [f"{name}={value}" for name, value in wanted.labels.items()]
    found = client.containers(all=True, filters={"label": labels})
    for container in found:
        log.warning("container %s of an earlier attempt is removed", container["Id"][:12])
        with suppress(APIError):
            client.remove_container(container["Id"], force=True, v=True)
    return len(found)


def _runs(client: Any, container: str) -> bool:
    from docker.errors import NotFound

    try:
        return bool(client.inspect_container(container)["State"]["Running"])
    except NotFound:
        return False


def _frames(channel: Any, goes_on: Any) -> Iterator[tuple[int, bytes]]:
    """Give what comes, piece by piece, with the number of its stream, until the container says nothing more."""
    waiting, kept = select.poll(), b""
    waiting.register(channel, select.POLLIN | select.POLLHUP)
    while True:
        if not waiting.poll(LOOK * 1000):
            if goes_on():
                continue
            return
        data = channel.recv(1 << 16)
        if not data:
            return
        kept += data
        while len(kept) >= _HEADER.size:
            stream, size = _HEADER.unpack_from(kept)
            end = _HEADER.size + size
            if len(kept) < end:
                break
            yield stream, kept[_HEADER.size : end]
            kept = kept[end:]
