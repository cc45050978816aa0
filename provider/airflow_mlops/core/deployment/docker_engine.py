"""Docker engine client: images, labelled containers, files copied into them and commands run in them."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.deployment.image import ImageRecipe, pack_tar

if TYPE_CHECKING:
    from docker.api.client import APIClient

log = logging.getLogger(__name__)
PullPolicy = Literal["missing", "always", "never"]
"""When to pull an image."""
LABEL = "mlops.serving"
_TAIL_LINES = 25  # lines of a log in messages


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """The resource limits of a container.

    :param memory: the memory limit, such as ``1g``.
    :param cpus: the number of CPUs, such as 1.5; ``None`` for no limit.
    """

    memory: str = "2g"
    cpus: float | None = None


class DockerEngine:
    """A Docker engine.

    :param client: the Docker API client.
    """

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def ensure_image(self, image: str, pull: PullPolicy = "missing") -> None:
        """Ensure that an image exists, pulling it if necessary.

        :param pull: when to pull it.
        :raises BadInput: when it does not exist and cannot be pulled.
        """
        if pull != "always" and self._image_exists(image):
            return
        reason = "it does not exist locally" if pull == "never" else self._pull_image(image)
        if reason is not None:
            raise BadInput(
                f"the image {image} is unavailable: {reason[:300]}",
                where=image,
                hint="build it on the engine's machine, push it to a registry, or name another",
            )

    def _image_exists(self, image: str) -> bool:
        from docker.errors import ImageNotFound

        try:
            self.client.inspect_image(image)
        except ImageNotFound:
            return False
        return True

    def _pull_image(self, image: str) -> str | None:
        """Pull an image; return the reason of a failure."""
        from docker.errors import APIError

        log.info("pulling %s", image)
        try:
            lines = self.client.pull(image, stream=True, decode=True)
            return next((str(line["error"]) for line in lines if "error" in line), None)
        except APIError as error:
            return str(error.explanation or error)

    def build(self, recipe: ImageRecipe, build_args: Mapping[str, str] | None = None) -> bool:
        """Build an image unless it exists; return whether it was built.

        :raises BadInput: when the build fails, with the end of the build log.
        """
        import io

        if self.client.images(name=recipe.tag):
            return False
        build_log: list[str] = []
        with docker_errors("the image build failed", recipe.tag):
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
                build_log += str(line.get("stream") or line.get("error") or "").splitlines()
                if "error" in line:
                    excerpt = "\n    ".join(text for text in build_log[-_TAIL_LINES:] if text.strip())
                    hint = "fix the reported error; set base_image=... if the base image cannot be pulled"
                    raise BadInput(f"the image build failed:\n    {excerpt}", where=recipe.tag, hint=hint)
        return True

    def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a network unless it exists."""
        if not any(network["Name"] == name for network in self.client.networks(names=[name])):
            self.client.create_network(name, driver="bridge", labels=dict(labels), check_duplicate=True)

    def create(
        self,
        name: str,
        image: str,
        labels: Mapping[str, str],
        *,
        networks: Sequence[str],
        limits: ContainerLimits,
        publish: tuple[str, int] | None = None,
        port: int,
    ) -> None:
        """Create a container with minimal privileges, without starting it.

        :param networks: the networks to join.
        :param publish: the address and port of the host to publish.
        :param port: the container's port.
        """
        host = self.client.create_host_config(
            mem_limit=limits.memory,
            nano_cpus=None if limits.cpus is None else int(limits.cpus * 1e9),
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            restart_policy={"Name": "unless-stopped"},
            network_mode=networks[0],
            port_bindings=None if publish is None else {port: publish},
            pids_limit=512,
            log_config={"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        )
        with docker_errors(f"cannot create the container {name}", image):
            self.client.create_container(image, name=name, labels=dict(labels), ports=[port], host_config=host)
            for network in networks[1:]:
                self.client.connect_container_to_network(name, network)

    def start(self, name: str) -> None:
        """Start a container.

        :raises BadInput: when it cannot be started, such as when the port is in use.
        """
        with docker_errors(f"cannot start the container {name}", name):
            self.client.start(name)

    def copy_files(self, name: str, folder: str, files: Mapping[str, bytes], *, user: int) -> None:
        """Copy files into a container, readable only by the given user."""
        self.client.put_archive(name, folder, pack_tar(files, user=user, mode=0o400))

    def run(self, name: str, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in a container; return its exit code and output."""
        execution = self.client.exec_create(name, list(command), stdout=True, stderr=True)
        output = self.client.exec_start(execution["Id"])
        code = self.client.exec_inspect(execution["Id"])["ExitCode"]
        return -1 if code is None else int(code), output.decode("utf-8", "replace")

    def shell(self, name: str, line: str) -> str:
        """Run a shell command in a container; return its output.

        :raises MlopsError: when it fails.
        """
        code, output = self.run(name, ["sh", "-c", line])
        if code:
            raise MlopsError(f"a command failed in the container {name}: {output.strip()[-300:]}", where=line[:200])
        return output

    def find_containers(self, **labels: str) -> Iterator[dict[str, Any]]:
        """Yield the containers with labels, as ``GET /containers/json`` returns them."""
        label_filters = [f"{LABEL}.{name}={value}" for name, value in labels.items()]
        yield from self.client.containers(all=True, filters={"label": label_filters})

    def is_running(self, name: str) -> bool:
        """Check whether a container is running."""
        return bool(self.client.inspect_container(name)["State"]["Running"])

    def restart_count(self, name: str) -> int:
        """Return how often the engine has restarted a container."""
        return int(self.client.inspect_container(name)["RestartCount"])

    def log_tail(self, name: str) -> str:
        """Return the end of a container's log."""
        return str(self.client.logs(name, tail=_TAIL_LINES).decode("utf-8", "replace")).strip()

    def published_address(self, name: str, port: int) -> tuple[str, int]:
        """Return the host address and port that a container's port is published on."""
        bound = self.client.inspect_container(name)["NetworkSettings"]["Ports"][f"{port}/tcp"][0]
        return bound["HostIp"], int(bound["HostPort"])

    def remove(self, name: str, *, seconds: int = 0) -> None:
        """Remove a container if it exists.

        :param seconds: the time that it has to stop by itself.
        """
        from docker.errors import NotFound

        try:
            if seconds:
                self.client.stop(name, timeout=seconds)
            self.client.remove_container(name, force=True, v=True)
        except NotFound:
            log.info("the container %s no longer exists", name)


@contextmanager
def docker_errors(what: str, where: str) -> Iterator[None]:
    """Convert errors of the engine to BadInput.

    :raises BadInput: when the engine returns an error.
    """
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        explanation = str(error.explanation or error)[:400]
        raise BadInput(f"{what}: {explanation}", where=where, hint="fix the error that the engine reports") from error


def socket_command(socket: str, commands: Sequence[str]) -> str:
    """Return a shell command that sends commands to a socket one by one, and fails when one is rejected."""
    return " && ".join(
        f"printf '%s\\n' {shlex.quote(command)} | socat -t 5 - UNIX-CONNECT:{socket}" for command in commands
    )
