"""An endpoint: a front that stays, and behind it the container of one version, exchanged without a failed request.

A new version is made beside the old one, tried on rows whose scores are known, and only then gets the requests. What
fails before leaves the old one as it was; what is killed is gone on with, or removed, by the next attempt.
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

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.serving import front as fronts
from airflow_mlops.core.serving.deciding import Found, plan
from airflow_mlops.core.serving.engine import LABEL, Bounds, Engine, refusals, through
from airflow_mlops.core.serving.image import FRONT_DOCKERFILE, Recipe, image_name
from airflow_mlops.core.serving.places import LOG_URL, PORT, SECRETS, TOKEN, USER_ID

log = logging.getLogger(__name__)
LOOK = 0.2  # seconds between two looks at a state that is waited for
LEFT_TO_END = 30  # seconds that requests have to end after an exchange
TRY = ["python", "-m", "airflow_mlops.serving.trial"]


class NotTheSame(BadInput):
    """A container that answers something else than batch scoring does."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served.

    :param name: the endpoint's name.
    :param host: the address on which it is reached; by default this machine only.
    :param port: the port.
    :param network: a network of the engine that front and model join, too.
    :param bounds: what the model's container may take.
    :param front_base: the base image of the front, with apt.
    :param token: what callers have to send; ``None`` lets everybody ask.
    :param log_url: of the database that gets the predictions.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 8800
    network: str | None = None
    bounds: Bounds = field(default_factory=Bounds)
    front_base: str = "debian:bookworm-slim"
    token: str | None = field(default=None, repr=False)
    log_url: str | None = field(default=None, repr=False)

    @property
    def prefix(self) -> str:
        """What the names of all its parts begin with."""
        return f"mlops-serving-{image_name(self.name)}"

    @property
    def front(self) -> str:
        """The front's name."""
        return f"{self.prefix}-front"

    def labels(self, role: str, **more: str) -> dict[str, str]:
        """Give the labels of one of its parts."""
        return {f"{LABEL}.{name}": value for name, value in {"endpoint": self.name, "role": role, **more}.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows whose scores are known.

    :param body: the body of a request.
    :param expected: what batch scoring gave: a number, or ``score`` and chances, for each row.
    :param seconds: how long the container may take to come up.
    """

    body: Mapping[str, Any]
    expected: list[Any]
    seconds: float = 180.0


class Deployment:
    """Serves an endpoint.

    :param engine: the container engine.
    :param endpoint: the endpoint.
    :param task: the key of the task that does it.
    """

    def __init__(self, engine: Engine, endpoint: Endpoint, task: str) -> None:
        self.engine, self.endpoint, self.task = engine, endpoint, task

    def serve(
        self, recipe: Recipe, version: int, trial: Trial, held: Callable[[], AbstractContextManager[Any]]
    ) -> dict[str, Any]:
        """Have a version served; what serves it already is only tried.

        :param recipe: of its image, which is there.
        :param trial: rows to try it on.
        :param held: entered for the exchange: raises when this attempt may not make it any more.
        :returns: ``container``, and ``changed``: whether another one had the requests before.
        :raises NotTheSame: when it answers something else than expected.
        """
        self._front()
        places = self._places()
        live = fronts.live(places)
        key = self._key(recipe)
        todo = plan(self._found(), live.container if live else None, key)
        for name in todo.gone:
            log.info("%s was left by another attempt, and is removed", name)
            self.engine.remove(name)
        if todo.serves is not None:
            try:
                self._try(todo.serves, trial)
                return {"container": todo.serves, "changed": False}
            except BadInput as error:  # such as after the token has changed: another one in its place
                log.warning("%s", error)
        candidate = todo.adopted or self._made(recipe.tag, version, key)
        try:
            self._try(candidate, trial)
        except MlopsError:
            self.engine.remove(candidate)
            raise
        self._exchange(candidate, held)
        return {"container": candidate, "changed": True}

    def stop(self) -> list[str]:
        """Remove the endpoint; gives the names of the containers that there were."""
        found = sorted(
            self.engine.found(endpoint=self.endpoint.name), key=lambda one: one["Names"][0] != f"/{self.endpoint.front}"
        )
        names = [one["Names"][0].lstrip("/") for one in found]
        for name in names:
            self.engine.remove(name, seconds=10)
        for network in self.engine.client.networks(names=[self.endpoint.prefix]):
            if network["Name"] == self.endpoint.prefix:
                self.engine.client.remove_network(network["Id"])
        return names

    def address(self) -> str:
        """Give the endpoint's URL."""
        host, port = self.engine.published(self.endpoint.front, PORT)
        return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{port}"  # noqa: S104 - compared

    # the front

    def _front(self) -> None:
        """Have the front."""
        endpoint = self.endpoint
        files = {
            "Dockerfile": FRONT_DOCKERFILE.format(base=endpoint.front_base).encode(),
            "haproxy.cfg": fronts.CONFIG.encode(),
            "away.http": fronts.AWAY.encode(),
        }
        recipe = Recipe(files, "mlops-serving/front")
        key = _digest(recipe.tag, endpoint.host, endpoint.port, endpoint.network)
        known = list(self.engine.found(endpoint=endpoint.name, role="front"))
        if known and known[0]["Labels"].get(f"{LABEL}.key") == key:
            if known[0]["State"] != "running":
                self.engine.start(endpoint.front)
        else:
            self.engine.build(recipe)
            self.engine.network(endpoint.prefix, endpoint.labels("network"))
            live = fronts.live(self._places()) if known and known[0]["State"] == "running" else None
            self.engine.remove(endpoint.front)
            self.engine.create(
                endpoint.front,
                recipe.tag,
                endpoint.labels("front", key=key, task=self.task),
                networks=self._networks(),
                bounds=Bounds("256m"),
                publish=(endpoint.host, endpoint.port),
                port=PORT,
            )
            self.engine.start(endpoint.front)
            self._wait(lambda: self._answers(), 30, "the front does not come up")
            if live is not None and live.container:
                self._bring(fronts.PLACES[0], live.container)
                self._tell([fronts.exchange(fronts.PLACES[0], None)])
        self._wait(lambda: self._answers(), 30, "the front does not come up")

    def _answers(self) -> bool:
        try:
            return bool(self._places())
        except MlopsError:
            return False

    def _networks(self) -> list[str]:
        return [self.endpoint.prefix, *([self.endpoint.network] if self.endpoint.network else [])]

    def _tell(self, commands: list[str]) -> str:
        return self.engine.shell(self.endpoint.front, through(fronts.SOCKET, commands))

    def _places(self) -> list[fronts.Place]:
        return fronts.places(self._tell([f"show servers state {fronts.BACKEND}"]))

    def _place(self, name: str) -> fronts.Place:
        return next(place for place in self._places() if place.name == name)

    def _bring(self, place: str, container: str) -> None:
        """Have a place stand for a container that is up, and gets no requests yet."""
        self._tell(fronts.bring(place, container))
        self._wait(lambda: self._place(place).up, 30, f"the front does not reach {container}")

    def _exchange(self, candidate: str, held: Callable[[], AbstractContextManager[Any]]) -> None:
        """Give a container the requests, and let the one that had them end what it is at."""
        places = self._places()
        old, new = fronts.live(places), fronts.free(places)
        self._bring(new.name, candidate)
        with held():
            self._tell([fronts.exchange(new.name, old.name if old else None)])
            self.engine.shell(self.endpoint.front, f"{through(fronts.SOCKET, ['show servers state'])} > {fronts.STATE}")
        log.info("%s gets the requests", candidate)
        if old is None or old.container is None:
            return
        ended = lambda: not fronts.busy(self._tell(["show stat"]), old.name)  # noqa: E731
        self._wait(ended, LEFT_TO_END, "", fail=False)
        self._tell([fronts.leave(old.name)])
        self.engine.remove(old.container, seconds=LEFT_TO_END)

    # the model's container

    def _found(self) -> list[Found]:
        return [
            Found(
                one["Names"][0].lstrip("/"),
                one["Labels"].get(f"{LABEL}.key", ""),
                one["State"] == "running",
                one["Labels"].get(f"{LABEL}.task", ""),
            )
            for one in self.engine.found(endpoint=self.endpoint.name, role="model")
        ]

    def _key(self, recipe: Recipe) -> str:
        endpoint = self.endpoint
        secrets = (endpoint.token is not None, endpoint.log_url is not None)  # what they are, is in no label
        return _digest(recipe.tag, endpoint.bounds.memory, endpoint.bounds.cpus, endpoint.network, *secrets)

    def _made(self, image: str, version: int, key: str) -> str:
        """Make and start a container; its secrets are files in it, in no environment and no label."""
        endpoint = self.endpoint
        name = f"{endpoint.prefix}-v{version}-{uuid.uuid4().hex[:8]}"
        self.engine.create(
            name,
            image,
            endpoint.labels("model", key=key, task=self.task, version=str(version)),
            networks=self._networks(),
            bounds=endpoint.bounds,
            port=PORT,
        )
        secrets = {TOKEN: endpoint.token, LOG_URL: endpoint.log_url}
        files = {name: value.encode() for name, value in secrets.items() if value is not None}
        if files:
            self.engine.put(name, SECRETS, files, user=USER_ID)
        self.engine.start(name)
        return name

    def _try(self, container: str, trial: Trial) -> None:
        """Hold a container's answers against the scores that are known.

        :raises NotTheSame: when they differ.
        :raises BadInput: when it does not come up.
        """
        code, said = self._tried(container, trial)
        if code == 0:
            return
        if code == 1:
            raise NotTheSame(
                f"the version does not answer as in batch scoring: {said.strip()[-400:]}",
                where=container,
                mend="what was served before is served on; compare its pinned packages with those of the worker",
            )
        log.error("the log of %s ends with:\n%s", container, self.engine.said(container))
        raise BadInput(
            f"the version does not come up: {(self.engine.said(container) or said).strip()[-600:]}",
            where=container,
            mend="what was served before is served on; mend what its log says",
        )

    def _tried(self, container: str, trial: Trial) -> tuple[int, str]:
        """Run the trial in a container; gives its exit code, and what it said. One that is ending takes none."""
        told = {"body": trial.body, "expected": trial.expected, "token": self.endpoint.token, "seconds": trial.seconds}
        try:
            with refusals("the trial cannot be run", container):
                self.engine.put(container, "/tmp", {"trial.json": json.dumps(told).encode()}, user=USER_ID)  # noqa: S108
                return self.engine.run(container, [*TRY, "/tmp/trial.json"])  # noqa: S108
        except BadInput as error:
            return 2, error.what

    def _wait(self, done: Callable[[], bool], seconds: float, what: str, *, fail: bool = True) -> None:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                if fail:
                    raise MlopsError(what, where=self.endpoint.front, mend="see its log; a retry goes on from here")
                return
            time.sleep(LOOK)


def _digest(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:24]
