"""The container engine, as steps use it: images, labelled containers, files put into them, commands run in them."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.serving.image import Recipe, packed

if TYPE_CHECKING:
    from docker.api.client import APIClient

log = logging.getLogger(__name__)
Pull = Literal["missing", "always", "never"]
"""When an image is fetched."""
LABEL = "mlops.serving"
TAIL = 25  # lines of a log that are shown


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a container may take.

    :param memory: such as ``1g``.
    :param cpus: processors, such as 1.5; ``None`` for all.
    """

    memory: str = "2g"
    cpus: float | None = None


class Engine:
    """A Docker engine.

    :param client: its client.
    """

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def have(self, image: str, pull: Pull = "missing") -> None:
        """Have an image, from a registry where it is not there.

        :param pull: when it is fetched.
        :raises BadInput: when it is not there, and cannot be fetched.
        """
        if pull != "always" and self._has(image):
            return
        why = "it is not there" if pull == "never" else self._fetch(image)
        if why is not None:
            raise BadInput(
                f"the image {image} cannot be had: {why[:300]}",
                where=image,
                mend="build it on the engine's machine, push it to a registry, or name another",
            )

    def _has(self, image: str) -> bool:
        from docker.errors import ImageNotFound

        try:
            self.client.inspect_image(image)
        except ImageNotFound:
            return False
        return True

    def _fetch(self, image: str) -> str | None:
        """Fetch an image from its registry; says why that cannot be done."""
        from docker.errors import APIError

        log.info("pulling %s", image)
        try:
            lines = self.client.pull(image, stream=True, decode=True)
            return next((str(line["error"]) for line in lines if "error" in line), None)
        except APIError as error:
            return str(error.explanation or error)

    def build(self, recipe: Recipe, build_args: Mapping[str, str] | None = None) -> bool:
        """Have an image; says whether it had to be built.

        :raises BadInput: when it cannot be built; has the end of what was said.
        """
        import io

        if self.client.images(name=recipe.tag):
            return False
        said: list[str] = []
        with refusals("the image cannot be built", recipe.tag):
            lines = self.client.build(
                fileobj=io.BytesIO(recipe.context()),
                custom_context=True,
                tag=recipe.tag,
                buildargs=dict(build_args or {}),
                labels={LABEL: recipe.name},
                rm=True,
                forcerm=True,
                decode=True,
            )
            for line in lines:
                said += str(line.get("stream") or line.get("error") or "").splitlines()
                if "error" in line:
                    shown = "\n    ".join(text for text in said[-TAIL:] if text.strip())
                    mend = "mend what it says; a base image that cannot be fetched is named with base_image=..."
                    raise BadInput(f"the image cannot be built:\n    {shown}", where=recipe.tag, mend=mend)
        return True

    def network(self, name: str, labels: Mapping[str, str]) -> None:
        """Have a network of that name."""
        if not any(one["Name"] == name for one in self.client.networks(names=[name])):
            self.client.create_network(name, driver="bridge", labels=dict(labels), check_duplicate=True)

    def create(
        self,
        name: str,
        image: str,
        labels: Mapping[str, str],
        *,
        networks: Sequence[str],
        bounds: Bounds,
        publish: tuple[str, int] | None = None,
        port: int,
    ) -> None:
        """Make a container, with no rights that it does not need; it is not started.

        :param networks: those that it is in.
        :param publish: the address and port of the host that lead to its port.
        :param port: its port.
        """
        host = self.client.create_host_config(
            mem_limit=bounds.memory,
            nano_cpus=None if bounds.cpus is None else int(bounds.cpus * 1e9),
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            restart_policy={"Name": "unless-stopped"},
            network_mode=networks[0],
            port_bindings=None if publish is None else {port: publish},
            pids_limit=512,
            log_config={"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        )
        with refusals(f"the container {name} cannot be made", image):
            self.client.create_container(image, name=name, labels=dict(labels), ports=[port], host_config=host)
            for network in networks[1:]:
                self.client.connect_container_to_network(name, network)

    def start(self, name: str) -> None:
        """Start a container.

        :raises BadInput: when that cannot be done, such as when its port is taken.
        """
        with refusals(f"the container {name} cannot be started", name):
            self.client.start(name)

    def put(self, name: str, folder: str, files: Mapping[str, bytes], *, user: int) -> None:
        """Put files into a container, for its user alone to read."""
        self.client.put_archive(name, folder, packed(files, user=user, mode=0o400))

    def run(self, name: str, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in a container; gives its exit code, and what it said."""
        made = self.client.exec_create(name, list(command), stdout=True, stderr=True)
        output = self.client.exec_start(made["Id"])
        code = self.client.exec_inspect(made["Id"])["ExitCode"]
        return -1 if code is None else int(code), output.decode("utf-8", "replace")

    def shell(self, name: str, line: str) -> str:
        """Run a line of shell in a container.

        :raises MlopsError: when it fails.
        """
        code, said = self.run(name, ["sh", "-c", line])
        if code:
            raise MlopsError(f"a command failed in the container {name}: {said.strip()[-300:]}", where=line[:200])
        return said

    def found(self, **labels: str) -> Iterator[dict[str, Any]]:
        """Give the containers that have labels: what ``GET /containers/json`` says of each."""
        wanted = [f"{LABEL}.{name}={value}" for name, value in labels.items()]
        yield from self.client.containers(all=True, filters={"label": wanted})

    def running(self, name: str) -> bool:
        """Tell whether a container runs."""
        return bool(self.client.inspect_container(name)["State"]["Running"])

    def restarts(self, name: str) -> int:
        """Count how often the engine has started it again."""
        return int(self.client.inspect_container(name)["RestartCount"])

    def said(self, name: str) -> str:
        """Give the end of a container's log."""
        return str(self.client.logs(name, tail=TAIL).decode("utf-8", "replace")).strip()

    def published(self, name: str, port: int) -> tuple[str, int]:
        """Give the address and port of the host that lead to a container's port."""
        bound = self.client.inspect_container(name)["NetworkSettings"]["Ports"][f"{port}/tcp"][0]
        return bound["HostIp"], int(bound["HostPort"])

    def remove(self, name: str, *, seconds: int = 0) -> None:
        """Remove a container, if it is there.

        :param seconds: how long it may take to end by itself.
        """
        from docker.errors import NotFound

        try:
            if seconds:
                self.client.stop(name, timeout=seconds)
            self.client.remove_container(name, force=True, v=True)
        except NotFound:
            log.info("the container %s is gone already", name)


@contextmanager
def refusals(what: str, where: str) -> Iterator[None]:
    """Turn what the engine refuses into an error in words.

    :raises BadInput: when it refuses.
    """
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        said = str(error.explanation or error)[:400]
        raise BadInput(f"{what}: {said}", where=where, mend="mend what the engine says") from error


def through(socket: str, commands: Sequence[str]) -> str:
    """Give the line of shell that sends commands to a socket, one after the other, and fails when one is refused."""
    return " && ".join(
        f"printf '%s\\n' {shlex.quote(command)} | socat -t 5 - UNIX-CONNECT:{socket}" for command in commands
    )
