"""A stack of the test's own: started and stopped by ``docker/stack``, under a project, ports and secrets of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from include.demo.api import RestError
from include.demo.rest import RestClient
from tests.faults.server import free_port
from tests.stack.engine import base_images

T = TypeVar("T")
REPO = Path(__file__).resolve().parents[2]
PROJECT = "mlops-test-stack"
IMAGE = "airflow-provider-mlops:test-stack"
PROJECT_FILTER = f"label=com.docker.compose.project={PROJECT}"
# A worker that was killed is found out after half a minute instead of two.
SHORT_TIMEOUTS = {"AIRFLOW_TASK_HEARTBEAT_TIMEOUT": "30", "AIRFLOW_TASK_QUEUED_TIMEOUT": "60"}


class Stack:
    """The stack.

    :param folder: for its secrets and what its story says.
    :param settings: more variables of the compose file.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.secrets_folder = folder / "secrets"
        self.port = free_port()
        self.environment = {
            **os.environ,
            **base_images(),
            **SHORT_TIMEOUTS,
            "AIRFLOW_PORT": str(self.port),
            "AIRFLOW_URL": f"http://localhost:{self.port}",
            "AIRFLOW_WORKERS": "2",
            "COMPOSE_PROJECT_NAME": PROJECT,
            "MLFLOW_PORT": str(free_port()),
            "MLOPS_IMAGE": IMAGE,
            "MLOPS_SECRETS": str(self.secrets_folder),
            **settings,
        }

    # -- as a person does

    def up(self) -> str:
        """Build, start, wait until all is healthy; return what was said."""
        return self._stack("up").stdout

    def down(self) -> None:
        """Stop it, and remove what it has kept."""
        self._stack("down", "--volumes", "--timeout", "5")

    def story(self) -> subprocess.Popen[bytes]:
        """Begin to live the closed loop through; what it says is in ``story.log``."""
        with (self.folder / "story.log").open("wb") as log:
            command = [REPO / "docker" / "stack", "story"]
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _stack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(REPO / "docker" / "stack"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"docker/stack {arguments[0]}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done

    # -- secrets, containers

    def secrets(self) -> dict[str, str]:
        """Return every secret, by name."""
        return {path.name: path.read_text() for path in self.secrets_folder.iterdir() if path.suffix != ".log"}

    def containers(self, service: str = "") -> list[str]:
        """Return the ids of the containers, of a service or of all, running or not."""
        of_service = ["--filter", f"label=com.docker.compose.service={service}"] if service else []
        return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", PROJECT_FILTER, *of_service).split()

    def inspect(self) -> list[dict[str, Any]]:
        """Return what the engine tells of each container."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", *self.containers()))
        return found

    def run(self, *arguments: str, options: tuple[str, ...] = (), given: str = "") -> str:
        """Run a command in a container of the stack's image, in its network; return what it says.

        :param options: of ``docker run``.
        :param given: what it reads on its standard input.
        """
        network = ("--network", f"{PROJECT}_default")
        return docker("run", "--rm", "--user", "0:0", *network, *options, IMAGE, *arguments, given=given)

    # -- Airflow

    def client(self) -> RestClient:
        """Return a client of Airflow's."""
        return RestClient(f"http://localhost:{self.port}", "admin", self.secrets()["airflow_admin_password"])


def docker(*arguments: str, given: str = "") -> str:
    """Call the engine; return what it says."""
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)[:300]}: {done.stderr[-4000:]}"
    return done.stdout


def wait_for(predicate: Callable[[], T | None], seconds: float, what: str) -> T:
    """Ask until there is an answer.

    :param question: asked five times a second; an API that is away is no answer.
    :param what: what is waited for, for the error.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if answer := predicate():
                return answer
        except RestError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")
