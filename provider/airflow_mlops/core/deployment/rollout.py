"""Rollout of model versions to an endpoint: a permanent proxy, and behind it the container of one version.

A new version starts alongside the old one and passes a smoke test before it receives requests, so no request fails.
A failure before the switch leaves the old version in service. The next attempt reuses or removes the containers of a
killed one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.deployment import proxy as haproxy
from airflow_mlops.core.deployment.docker_engine import (
    LABEL,
    ContainerLimits,
    DockerEngine,
    docker_errors,
    socket_command,
)
from airflow_mlops.core.deployment.image import PROXY_DOCKERFILE, ImageRecipe, image_name
from airflow_mlops.core.deployment.plan import ModelContainer, plan_deployment
from airflow_mlops.core.serving.container_paths import LOG_URL_FILE, PORT, SECRETS_DIR, TOKEN_FILE, USER_ID

log = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_DRAIN_SECONDS = 30  # the time that requests have to finish after a switch
_SMOKE_TEST = ["python", "-m", "airflow_mlops.model_server.smoke_test"]


class PredictionMismatch(BadInput):
    """The predictions of a container differ from those of batch scoring."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The settings of an endpoint.

    :param name: the endpoint's name.
    :param host: the published address; by default this machine only.
    :param port: the port.
    :param network: an additional network of the engine for the proxy and the model.
    :param limits: the resource limits of the model's container.
    :param proxy_base: the base image of the proxy, with apt.
    :param token: the token that callers must send; ``None`` disables authentication.
    :param log_url: the URL of the database for the predictions.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 8800
    network: str | None = None
    limits: ContainerLimits = field(default_factory=ContainerLimits)
    proxy_base: str = "debian:bookworm-slim"
    token: str | None = field(default=None, repr=False)
    log_url: str | None = field(default=None, repr=False)

    @property
    def prefix(self) -> str:
        """The common prefix of the names of its containers and network."""
        return f"mlops-serving-{image_name(self.name)}"

    @property
    def proxy(self) -> str:
        """The proxy's container name."""
        return f"{self.prefix}-proxy"

    def labels(self, role: str, **more: str) -> dict[str, str]:
        """Return the labels of a container or network."""
        return {f"{LABEL}.{name}": value for name, value in {"endpoint": self.name, "role": role, **more}.items()}


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """Rows with their expected predictions.

    :param body: the body of a request.
    :param expected: the result of batch scoring: a number, or ``score`` and probabilities, for each row.
    :param timeout_seconds: the time that the container may take to start.
    """

    body: Mapping[str, Any]
    expected: list[Any]
    timeout_seconds: float = 180.0


class Deployment:
    """Deploys versions to an endpoint.

    :param engine: the container engine.
    :param endpoint: the endpoint.
    :param task: the key of the deploying task.
    """

    def __init__(self, engine: DockerEngine, endpoint: Endpoint, task: str) -> None:
        self.engine, self.endpoint, self.task = engine, endpoint, task

    def deploy(
        self, recipe: ImageRecipe, version: int, smoke_test: SmokeTest, fence: Callable[[], AbstractContextManager[Any]]
    ) -> dict[str, Any]:
        """Deploy a version; one that is already served is only smoke-tested.

        :param recipe: the recipe of its image, which must exist.
        :param smoke_test: the rows of the smoke test.
        :param fence: entered for the switch; raises when this attempt may no longer make it.
        :return: ``container``, and ``changed``: whether another container received the requests before.
        :raises PredictionMismatch: when its predictions differ from the expected ones.
        """
        self._ensure_proxy()
        slots = self._slots()
        active = haproxy.active_slot(slots)
        key = self._key(recipe)
        steps = plan_deployment(self._containers(), active.container if active else None, key)
        for name in steps.removed:
            log.info("removing %s, left by an earlier attempt", name)
            self.engine.remove(name)
        if steps.current is not None:
            try:
                self._smoke_test(steps.current, smoke_test)
                return {"container": steps.current, "changed": False}
            except BadInput as error:  # such as after a change of the token: replace the container
                log.warning("%s", error)
        candidate = steps.reused or self._create_container(recipe.tag, version, key)
        try:
            self._smoke_test(candidate, smoke_test)
        except MlopsError:
            self.engine.remove(candidate)
            raise
        self._switch(candidate, fence)
        return {"container": candidate, "changed": True}

    def stop(self) -> list[str]:
        """Remove the endpoint; return the names of its containers."""
        containers = sorted(
            self.engine.find_containers(endpoint=self.endpoint.name),
            key=lambda container: container["Names"][0] != f"/{self.endpoint.proxy}",
        )
        names = [container["Names"][0].lstrip("/") for container in containers]
        for name in names:
            self.engine.remove(name, seconds=10)
        for network in self.engine.client.networks(names=[self.endpoint.prefix]):
            if network["Name"] == self.endpoint.prefix:
                self.engine.client.remove_network(network["Id"])
        return names

    def address(self) -> str:
        """Return the endpoint's URL."""
        host, port = self.engine.published_address(self.endpoint.proxy, PORT)
        return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{port}"  # noqa: S104 - compared

    # the proxy

    def _ensure_proxy(self) -> None:
        """Create, replace or start the proxy as needed."""
        endpoint = self.endpoint
        files = {
            "Dockerfile": PROXY_DOCKERFILE.format(base=endpoint.proxy_base).encode(),
            "haproxy.cfg": haproxy.HAPROXY_CONFIG.encode(),
            "unavailable.http": haproxy.UNAVAILABLE_RESPONSE.encode(),
        }
        recipe = ImageRecipe(files, "mlops-serving/proxy")
        key = _digest(recipe.tag, endpoint.host, endpoint.port, endpoint.network)
        existing = list(self.engine.find_containers(endpoint=endpoint.name, role="proxy"))
        if existing and existing[0]["Labels"].get(f"{LABEL}.config_hash") == key:
            if existing[0]["State"] != "running":
                self.engine.start(endpoint.proxy)
        else:
            self.engine.build(recipe)
            self.engine.ensure_network(endpoint.prefix, endpoint.labels("network"))
            active = haproxy.active_slot(self._slots()) if existing and existing[0]["State"] == "running" else None
            self.engine.remove(endpoint.proxy)
            self.engine.create(
                endpoint.proxy,
                recipe.tag,
                endpoint.labels("proxy", config_hash=key, task=self.task),
                networks=self._networks(),
                limits=ContainerLimits("256m"),
                publish=(endpoint.host, endpoint.port),
                port=PORT,
            )
            self.engine.start(endpoint.proxy)
            self._wait(lambda: self._proxy_responds(), 30, "the HAProxy proxy did not become ready within 30 s")
            if active is not None and active.container:
                self._register(haproxy.SLOTS[0], active.container)
                self._send([haproxy.switch_command(haproxy.SLOTS[0], None)])
        self._wait(lambda: self._proxy_responds(), 30, "the HAProxy proxy did not become ready within 30 s")

    def _proxy_responds(self) -> bool:
        try:
            return bool(self._slots())
        except MlopsError:
            return False

    def _networks(self) -> list[str]:
        return [self.endpoint.prefix, *([self.endpoint.network] if self.endpoint.network else [])]

    def _send(self, commands: list[str]) -> str:
        return self.engine.shell(self.endpoint.proxy, socket_command(haproxy.SOCKET, commands))

    def _slots(self) -> list[haproxy.ProxySlot]:
        return haproxy.parse_slots(self._send([f"show servers state {haproxy.BACKEND}"]))

    def _slot(self, name: str) -> haproxy.ProxySlot:
        return next(slot for slot in self._slots() if slot.name == name)

    def _register(self, slot: str, container: str) -> None:
        """Point a slot at a running container, without sending it requests yet."""
        self._send(haproxy.register_commands(slot, container))
        self._wait(lambda: self._slot(slot).healthy, 30, f"the proxy does not reach {container}")

    def _switch(self, candidate: str, fence: Callable[[], AbstractContextManager[Any]]) -> None:
        """Send the requests to a container, drain the old one and remove it."""
        slots = self._slots()
        old, new = haproxy.active_slot(slots), haproxy.idle_slot(slots)
        self._register(new.name, candidate)
        with fence():
            self._send([haproxy.switch_command(new.name, old.name if old else None)])
            self.engine.shell(
                self.endpoint.proxy, f"{socket_command(haproxy.SOCKET, ['show servers state'])} > {haproxy.STATE_FILE}"
            )
        log.info("%s now receives the requests", candidate)
        if old is None or old.container is None:
            return
        is_drained = lambda: not haproxy.active_requests(self._send(["show stat"]), old.name)  # noqa: E731
        self._wait(is_drained, _DRAIN_SECONDS, "", fail=False)
        self._send([haproxy.disable_command(old.name)])
        self.engine.remove(old.container, seconds=_DRAIN_SECONDS)

    # the model's container

    def _containers(self) -> list[ModelContainer]:
        return [
            ModelContainer(
                container["Names"][0].lstrip("/"),
                container["Labels"].get(f"{LABEL}.config_hash", ""),
                container["State"] == "running",
                container["Labels"].get(f"{LABEL}.task", ""),
            )
            for container in self.engine.find_containers(endpoint=self.endpoint.name, role="model")
        ]

    def _key(self, recipe: ImageRecipe) -> str:
        endpoint = self.endpoint
        secrets = (endpoint.token is not None, endpoint.log_url is not None)  # a label must not contain the secrets
        return _digest(recipe.tag, endpoint.limits.memory, endpoint.limits.cpus, endpoint.network, *secrets)

    def _create_container(self, image: str, version: int, key: str) -> str:
        """Create and start a container; its secrets are files, not environment variables or labels."""
        endpoint = self.endpoint
        name = f"{endpoint.prefix}-v{version}-{uuid.uuid4().hex[:8]}"
        self.engine.create(
            name,
            image,
            endpoint.labels("model", config_hash=key, task=self.task, version=str(version)),
            networks=self._networks(),
            limits=endpoint.limits,
            port=PORT,
        )
        secrets = {TOKEN_FILE: endpoint.token, LOG_URL_FILE: endpoint.log_url}
        files = {name: value.encode() for name, value in secrets.items() if value is not None}
        if files:
            self.engine.copy_files(name, SECRETS_DIR, files, user=USER_ID)
        self.engine.start(name)
        return name

    def _smoke_test(self, container: str, trial: SmokeTest) -> None:
        """Compare a container's predictions with the expected ones.

        :raises PredictionMismatch: when they differ.
        :raises BadInput: when the container does not start.
        """
        code, output = self._run_smoke_test(container, trial)
        if code == 0:
            return
        if code == 1:
            raise PredictionMismatch(
                f"the version's predictions differ from batch scoring: {output.strip()[-400:]}",
                where=container,
                hint="the previous version stays in service; compare the pinned packages with those of the worker",
            )
        log.error("the log of %s ends with:\n%s", container, self.engine.log_tail(container))
        raise BadInput(
            f"the version does not start: {(self.engine.log_tail(container) or output).strip()[-600:]}",
            where=container,
            hint="the previous version stays in service; fix the error in the container's log",
        )

    def _run_smoke_test(self, container: str, trial: SmokeTest) -> tuple[int, str]:
        """Run the smoke test in a container; return its exit code and output, or 2 when the container is stopping."""
        spec = {
            "body": trial.body,
            "expected": trial.expected,
            "token": self.endpoint.token,
            "timeout_seconds": trial.timeout_seconds,
        }
        try:
            with docker_errors("cannot run the smoke test", container):
                self.engine.copy_files(container, "/tmp", {"smoke_test.json": json.dumps(spec).encode()}, user=USER_ID)  # noqa: S108
                return self.engine.run(container, [*_SMOKE_TEST, "/tmp/smoke_test.json"])  # noqa: S108
        except BadInput as error:
            return 2, error.what

    def _wait(self, done: Callable[[], bool], seconds: float, what: str, *, fail: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                if fail:
                    raise MlopsError(what, where=self.endpoint.proxy, hint="see its log; a retry resumes from here")
                return
            time.sleep(_POLL_SECONDS)


def _digest(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:24]
