"""Serving the champion over REST, in a container."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.serving.deployment import Endpoint, Trial
    from airflow_mlops.core.serving.engine import Engine
    from airflow_mlops.core.serving.image import Recipe
    from airflow_mlops.core.serving.settings import ServingSettings
    from airflow_mlops.store.tables import Version

WhenAbsent = Literal["fail", "skip"]
PATIENCE = 900  # seconds in which the engine has to say something; a build may be silent for long


class ServeModelOperator(LifecycleOperator):
    """Have the champion answer over REST, in a container of its own pinned packages; gives where.

    What is served now goes on until the champion has answered rows of ``rows`` as batch scoring does. Then it gets all
    requests at once, and none fails. Run it after each promotion and each rollback: it serves who is champion by then.
    A version that does not come up, or answers otherwise, fails the task and changes nothing. Run again, whatever has
    been killed, it goes on from there.

    MLflow's scoring protocol: ``POST /invocations``; beside it ``/ping``, ``/health``, ``/version`` and ``/metrics``.

    :param model: the model's name.
    :param rows: what it is tried on: a ``SnapshotRef``, or ``dataset@partition``.
    :param trial_rows: how many of them.
    :param endpoint: the endpoint's name; default the model's.
    :param host: the address of the engine's machine on which it is reached.
    :param port: the port there.
    :param network: a network of the engine that it joins, too, such as that of a compose file.
    :param token_conn_id: the connection whose password callers have to send as a token. Without one everybody may ask,
        which is refused for other addresses than this machine's own.
    :param log_conn_id: the connection of a PostgreSQL or SQLite database that gets each prediction.
    :param log_table: the table there; it is made when it is not there.
    :param contract: what requests have to keep; default the version's own.
    :param limits: what may be asked for, such as ``{"rate": 50, "rows": 1000, "body_bytes": 1048576}``.
    :param processes: how many processes of the model score side by side.
    :param memory: the container's, such as ``2g``.
    :param cpus: the container's processors, such as 1.5; default all.
    :param base_image: with Python and pip; default ``python:X.Y-slim-bookworm``, by the version's own Python.
    :param front_image: a Debian, for the proxy in front.
    :param build_args: of the image's build, such as ``{"PIP_INDEX_URL": "..."}``.
    :param packages: folders of the project's own packages whose types the model contains.
    :param trusted_types: those types.
    :param docker_url: where the engine is; default ``DOCKER_HOST``, else this machine's.
    :param docker_conn_id: a connection of the Docker provider, for images of a registry that needs a login.
    :param when_absent: when no engine answers, or a base image cannot be had: ``fail``, or ``skip`` and say so.
    """

    template_fields: Sequence[str] = (
        "model",
        "rows",
        "trial_rows",
        "endpoint",
        "host",
        "port",
        "network",
        "token_conn_id",
        "log_conn_id",
        "log_table",
        "contract",
        "limits",
        "processes",
        "memory",
        "cpus",
        "base_image",
        "front_image",
        "build_args",
        "packages",
        "trusted_types",
        "docker_url",
        "docker_conn_id",
        "when_absent",
    )

    def __init__(
        self,
        *,
        model: str,
        rows: str | Mapping[str, Any],
        trial_rows: int | str = 1000,
        endpoint: str | None = None,
        host: str = "127.0.0.1",
        port: int | str = 8800,
        network: str | None = None,
        token_conn_id: str | None = None,
        log_conn_id: str | None = None,
        log_table: str | None = None,
        contract: str | Mapping[str, Any] | None = None,
        limits: Mapping[str, Any] | None = None,
        processes: int | str = 1,
        memory: str = "2g",
        cpus: float | str | None = None,
        base_image: str | None = None,
        front_image: str = "debian:bookworm-slim",
        build_args: Mapping[str, str] | None = None,
        packages: Sequence[str] = (),
        trusted_types: Sequence[str] = (),
        docker_url: str | None = None,
        docker_conn_id: str | None = None,
        when_absent: WhenAbsent = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.rows = rows
        self.trial_rows = trial_rows
        self.endpoint = endpoint
        self.host = host
        self.port = port
        self.network = network
        self.token_conn_id = token_conn_id
        self.log_conn_id = log_conn_id
        self.log_table = log_table
        self.contract = contract
        self.limits = limits
        self.processes = processes
        self.memory = memory
        self.cpus = cpus
        self.base_image = base_image
        self.front_image = front_image
        self.build_args = build_args
        self.packages = packages
        self.trusted_types = trusted_types
        self.docker_url = docker_url
        self.docker_conn_id = docker_conn_id
        self.when_absent = when_absent

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve the champion, build its image, try it beside what is served, and give it the requests."""
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.core.serving.deployment import Deployment

        champion = champion_at(self.database, self.model)
        if champion is None:
            raise AirflowSkipException(f"{self.model} has no champion: no version has passed the gate yet")
        endpoint, settings = self._endpoint(), self._settings(champion)
        engine = _engine(self)
        recipe, trial = self._prepared(champion, settings, engine)
        for image in (self.base_image or _base_of(recipe), self.front_image):
            with _there(self.when_absent):
                engine.have(image)
        if engine.build(recipe, self.build_args):
            self.log.info("built %s", recipe.tag)
        deployment = Deployment(engine, endpoint, task_key(context))
        done = deployment.serve(recipe, champion.version, trial, lambda: self._held(champion))
        url = deployment.address()
        self.log.info("%s v%s answers at %s/invocations", self.model, champion.version, url)
        return {
            "endpoint": endpoint.name,
            "url": url,
            "model": champion.model,
            "version": champion.version,
            "digest": champion.digest,
            "image": recipe.tag,
            "tried": len(trial.expected),
            **done,
        }

    def _endpoint(self) -> Endpoint:
        """Give where it is served.

        :raises BadInput: when anybody could ask from elsewhere.
        """
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.serving.deployment import Endpoint
        from airflow_mlops.core.serving.engine import Bounds
        from airflow_mlops.store.predictions import check_named

        token = None
        if self.token_conn_id is not None:
            token = self.store.get_connection(self.token_conn_id).password
            if not token:
                raise BadInput("the connection has no password, which is the token", where=self.token_conn_id)
        elif self.host not in ("127.0.0.1", "::1", "localhost"):
            raise BadInput(
                f"anybody who reaches {self.host} could ask the model",
                mend="give token_conn_id=..., or leave host at 127.0.0.1",
            )
        check_named(self.log_conn_id, self.log_table)
        return Endpoint(
            self.endpoint or self.model,
            host=self.host,
            port=int(self.port),
            network=self.network,
            bounds=Bounds(self.memory, None if self.cpus is None else float(self.cpus)),
            front_base=self.front_image,
            token=token,
            log_url=None if self.log_conn_id is None else _url_of(self.log_conn_id),
        )

    def _settings(self, champion: Version) -> ServingSettings:
        """Give what the server is told.

        :raises BadInput: when nothing says what a request has to keep.
        """
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.serving.settings import Limits, ServingSettings

        contract = self.contract or champion.contract
        if contract is None:
            raise BadInput(
                f"{champion.model} v{champion.version} has no contract", mend="give contract='.../contract.yaml'"
            )
        return ServingSettings(
            model=champion.model,
            version=champion.version,
            digest=champion.digest,
            contract=Contract.load(contract).to_dict(),
            trusted=tuple(self.trusted_types),
            processes=int(self.processes),
            limits=Limits.load(dict(self.limits or {}), where="limits"),
            log_table=self.log_table,
        )

    def _prepared(self, champion: Version, settings: ServingSettings, engine: Engine) -> tuple[Recipe, Trial]:
        """Give the image's recipe, of files whose digest is right, and the rows that it is tried on."""
        from airflow_mlops.core.registry.loading import local_files, verify
        from airflow_mlops.core.serving.image import of_version, python_of
        from airflow_mlops.core.serving.trials import trial_of
        from airflow_mlops.hooks.model_loading import loading_of

        how = loading_of(self.mlflow_hook)
        packages = [_folder(package) for package in self.packages]
        with local_files(champion.artifact_uri, self.mlflow.tracking_uri, how) as folder:
            verify(folder, champion.digest)
            environment = folder / "python_env.yaml"
            python = python_of(environment.read_text() if environment.is_file() else "")
            base = self.base_image or f"python:{python}-slim-bookworm"
            recipe = of_version(folder, settings, base=base, packages=packages, logged=self.log_table is not None)
            model = how.load(folder, champion.digest, trusted=settings.trusted)
            trial = trial_of(model, self.open(self.rows), settings, int(self.trial_rows))
        return recipe, trial

    @contextmanager
    def _held(self, champion: Version) -> Iterator[None]:
        """Hold this attempt's place for the exchange.

        :raises Superseded: when a later attempt has taken over.
        :raises Conflict: when another version has become champion meanwhile: a retry serves that one.
        """
        from airflow_mlops.core.errors import Conflict
        from airflow_mlops.core.registry.history import champion_at

        now = champion_at(self.database, self.model)
        if now is None or now.version != champion.version:
            raise Conflict(
                f"{self.model} v{champion.version} is champion no more", mend="the next try serves the new one"
            )
        with self.database.session():
            yield


class StopServingOperator(LifecycleOperator):
    """Remove an endpoint: its front, its containers, its network. Images stay; gives what was removed.

    :param endpoint: the endpoint's name.
    :param docker_url: where the engine is; default ``DOCKER_HOST``, else this machine's.
    :param docker_conn_id: a connection of the Docker provider.
    :param when_absent: what it means when no engine answers: ``fail``, or ``skip`` and say so.
    """

    template_fields: Sequence[str] = ("endpoint", "docker_url", "docker_conn_id", "when_absent")

    def __init__(
        self,
        *,
        endpoint: str,
        docker_url: str | None = None,
        docker_conn_id: str | None = None,
        when_absent: WhenAbsent = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint = endpoint
        self.docker_url = docker_url
        self.docker_conn_id = docker_conn_id
        self.when_absent = when_absent

    def step(self, context: Context) -> dict[str, Any]:
        """Remove it, the front first: who asks then is refused at once."""
        from airflow_mlops.core.serving.deployment import Deployment, Endpoint

        removed = Deployment(_engine(self), Endpoint(self.endpoint), task_key(context)).stop()
        self.log.info("%s is served no more; removed: %s", self.endpoint, ", ".join(removed) or "nothing was there")
        return {"endpoint": self.endpoint, "removed": removed}


def _engine(task: ServeModelOperator | StopServingOperator) -> Engine:
    """Give the container engine.

    :raises AirflowSkipException: when none answers, and the step may be skipped.
    :raises BadInput: when it may not.
    """
    from airflow_mlops.hooks.container_engine import container_engine

    with _there(task.when_absent):
        return container_engine(task.docker_url, task.docker_conn_id, patience=PATIENCE)


@contextmanager
def _there(when_absent: WhenAbsent) -> Iterator[None]:
    """Need an engine, or an image.

    :raises AirflowSkipException: when it is not there, and the step may be skipped.
    :raises BadInput: when it may not.
    """
    from airflow_mlops.core.errors import BadInput

    try:
        yield
    except BadInput as error:
        if when_absent == "skip":
            raise AirflowSkipException(f"not served: {error}") from None
        raise


def _base_of(recipe: Recipe) -> str:
    return recipe.files["Dockerfile"].decode().split()[1]


def _url_of(conn_id: str) -> str:
    """Give a database's address with its login: for a secret file alone."""
    from airflow_mlops.hooks.source import engine

    url: str = engine(conn_id).url.render_as_string(hide_password=False)
    return url


def _folder(package: str) -> Path:
    """Find a package's folder as imports are found.

    :raises BadInput: when there is none.
    """
    from airflow_mlops.core.errors import BadInput

    for base in ("", *sys.path):
        if (found := Path(base) / package).is_dir():
            return found
    raise BadInput(
        f"there is no folder {package!r}", where="packages", mend="name a folder beside dags, such as include"
    )
