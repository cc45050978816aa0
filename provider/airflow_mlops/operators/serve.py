"""Operators that serve the champion over REST in a container, and stop serving."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.deployment.docker_engine import DockerEngine
    from airflow_mlops.core.deployment.image import ImageRecipe
    from airflow_mlops.core.deployment.rollout import Endpoint, SmokeTest
    from airflow_mlops.core.serving.settings import ServingSettings
    from airflow_mlops.store.tables import Version

WhenAbsent = Literal["fail", "skip"]
ENGINE_TIMEOUT_SECONDS = 900  # without output from the engine; a build may be silent for long


class ServeModelOperator(LifecycleOperator):
    """Serve the champion over REST, in a container with its own pinned packages. Returns the endpoint and its URL.

    A new version first runs alongside the one being served and must predict the smoke-test rows like batch scoring.
    Then the proxy switches all requests to it, without failed requests. Run the operator after each promotion and
    rollback; it serves the champion at that time. A version that does not start, or predicts differently, fails the
    task and changes nothing. A retry resumes a killed attempt.

    The server implements MLflow's scoring protocol (``POST /invocations``), and ``/ping``, ``/health``, ``/version``
    and ``/metrics``.

    :param model: name of the registered model.
    :param rows: rows for the smoke test: a ``SnapshotRef`` or ``dataset@partition``.
    :param smoke_test_rows: number of rows in the smoke test. Default: 1000.
    :param endpoint: name of the endpoint. Default: the model's name.
    :param host: address of the engine's machine to listen on. Default: ``127.0.0.1``.
    :param port: port to listen on. Default: 8800.
    :param network: additional network of the engine to join, such as that of a compose file. Default: none.
    :param token_conn_id: connection ID whose password callers must send as a token. Default: no authentication, which
        is only allowed for a local ``host``.
    :param log_conn_id: connection ID of a PostgreSQL or SQLite database that logs each prediction. Default: no log.
    :param log_table: table in that database; created if missing.
    :param contract: contract that requests are validated against: its path or content. Default: the version's own.
    :param limits: request limits, such as ``{"requests_per_second": 50, "max_rows": 1000}``. Default: the server's
        defaults.
    :param processes: number of model processes that score in parallel. Default: 1.
    :param memory: memory limit of the container. Default: ``2g``.
    :param cpus: CPU limit of the container, such as 1.5. Default: all.
    :param base_image: image with Python and pip. Default: ``python:X.Y-slim-bookworm`` of the version's Python.
    :param proxy_image: Debian image for the proxy. Default: ``debian:bookworm-slim``.
    :param build_args: build arguments of the image, such as ``{"PIP_INDEX_URL": "..."}``. Default: none.
    :param packages: folders of the project's own packages that the model needs. Default: none.
    :param trusted_types: the project's own types that the model may contain. Default: none.
    :param docker_url: URL of the container engine. Default: ``DOCKER_HOST``, else the local engine.
    :param docker_conn_id: connection ID of the Docker provider, for registries that require a login. Default: none.
    :param when_absent: if the engine or a base image is unavailable: ``fail`` (default) or ``skip`` the task.
    """

    template_fields: Sequence[str] = (
        "model",
        "rows",
        "smoke_test_rows",
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
        "proxy_image",
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
        smoke_test_rows: int | str = 1000,
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
        proxy_image: str = "debian:bookworm-slim",
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
        self.smoke_test_rows = smoke_test_rows
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
        self.proxy_image = proxy_image
        self.build_args = build_args
        self.packages = packages
        self.trusted_types = trusted_types
        self.docker_url = docker_url
        self.docker_conn_id = docker_conn_id
        self.when_absent = when_absent

    def step(self, context: Context) -> dict[str, Any]:
        """Resolve the champion, build its image, smoke-test it and route the requests to it."""
        from airflow_mlops.core.deployment.rollout import Deployment
        from airflow_mlops.core.registry.history import champion_at

        champion = champion_at(self.database, self.model)
        if champion is None:
            raise AirflowSkipException(f"Skipping serving: {self.model} has no champion")
        endpoint, settings = self._endpoint(), self._settings(champion)
        engine = _engine(self)
        recipe, trial = self._prepare(champion, settings)
        for image in (self.base_image or _base_image_of(recipe), self.proxy_image):
            with _skip_if_absent(self.when_absent):
                engine.ensure_image(image)
        if engine.build(recipe, self.build_args):
            self.log.info("Built %s", recipe.tag)
        deployment = Deployment(engine, endpoint, task_key(context))
        result = deployment.deploy(recipe, champion.version, trial, lambda: self._still_champion(champion))
        url = deployment.address()
        self.log.info("Serving %s v%s at %s/invocations", self.model, champion.version, url)
        return {
            "endpoint": endpoint.name,
            "url": url,
            "model": champion.model,
            "version": champion.version,
            "digest": champion.digest,
            "image": recipe.tag,
            "smoke_test_rows": len(trial.expected),
            **result,
        }

    def _endpoint(self) -> Endpoint:
        """Return the endpoint.

        :raises BadInput: when a public address has no token.
        """
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.deployment.docker_engine import ContainerLimits
        from airflow_mlops.core.deployment.rollout import Endpoint
        from airflow_mlops.core.scoring.prediction_log import check_table_options

        token = None
        if self.token_conn_id is not None:
            token = self.store.get_connection(self.token_conn_id).password
            if not token:
                raise BadInput(
                    "the token connection has no password",
                    where=self.token_conn_id,
                    hint="set the token as its password",
                )
        elif self.host not in ("127.0.0.1", "::1", "localhost"):
            raise BadInput(
                f"host {self.host} requires a token; the endpoint would be open to everyone",
                hint="set token_conn_id=..., or host=127.0.0.1",
            )
        check_table_options(self.log_conn_id, self.log_table)
        return Endpoint(
            self.endpoint or self.model,
            host=self.host,
            port=int(self.port),
            network=self.network,
            limits=ContainerLimits(self.memory, None if self.cpus is None else float(self.cpus)),
            proxy_base=self.proxy_image,
            token=token,
            log_url=None if self.log_conn_id is None else _url_of(self.log_conn_id),
        )

    def _settings(self, champion: Version) -> ServingSettings:
        """Return the settings of the model server.

        :raises BadInput: when there is no contract for requests.
        """
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.serving.settings import RequestLimits, ServingSettings

        contract = self.contract or champion.contract
        if contract is None:
            raise BadInput(
                f"{champion.model} v{champion.version} has no contract", hint="set contract='.../contract.yaml'"
            )
        return ServingSettings(
            model=champion.model,
            version=champion.version,
            digest=champion.digest,
            contract=Contract.load(contract).to_dict(),
            trusted_types=tuple(self.trusted_types),
            processes=int(self.processes),
            limits=RequestLimits.load(dict(self.limits or {}), where="limits"),
            log_table=self.log_table,
        )

    def _prepare(self, champion: Version, settings: ServingSettings) -> tuple[ImageRecipe, SmokeTest]:
        """Return the image recipe, built from digest-verified files, and the smoke test."""
        from airflow_mlops.core.deployment.image import python_version, version_recipe
        from airflow_mlops.core.deployment.smoke_test import build_smoke_test
        from airflow_mlops.core.models.loading import local_files, verify_digest
        from airflow_mlops.hooks.model_loading import loading_options

        loading = loading_options(self.mlflow_hook)
        packages = [_package_folder(package) for package in self.packages]
        with local_files(champion.artifact_uri, self.mlflow.tracking_uri, loading) as folder:
            verify_digest(folder, champion.digest)
            environment = folder / "python_env.yaml"
            python = python_version(environment.read_text() if environment.is_file() else "")
            base = self.base_image or f"python:{python}-slim-bookworm"
            recipe = version_recipe(folder, settings, base=base, packages=packages, logged=self.log_table is not None)
            model = loading.load(folder, champion.digest, trusted=settings.trusted_types)
            trial = build_smoke_test(model, self.open_snapshot(self.rows), settings, int(self.smoke_test_rows))
        return recipe, trial

    @contextmanager
    def _still_champion(self, champion: Version) -> Iterator[None]:
        """Keep this attempt's claim while the proxy switches versions.

        :raises Superseded: when a later attempt has taken over.
        :raises Conflict: when another version has been promoted since; a retry serves that one.
        """
        from airflow_mlops.common.errors import Conflict
        from airflow_mlops.core.registry.history import champion_at

        current = champion_at(self.database, self.model)
        if current is None or current.version != champion.version:
            raise Conflict(
                f"{self.model} v{champion.version} is no longer champion", hint="retry to serve the new champion"
            )
        with self.database.session():
            yield


class StopServingOperator(LifecycleOperator):
    """Remove an endpoint: its proxy, containers and network, but not its images. Returns the removed resources.

    :param endpoint: name of the endpoint.
    :param docker_url: URL of the container engine. Default: ``DOCKER_HOST``, else the local engine.
    :param docker_conn_id: connection ID of the Docker provider. Default: none.
    :param when_absent: if the engine is unavailable: ``fail`` (default) or ``skip`` the task.
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
        """Remove the endpoint, the proxy first, so that new requests are refused at once."""
        from airflow_mlops.core.deployment.rollout import Deployment, Endpoint

        removed = Deployment(_engine(self), Endpoint(self.endpoint), task_key(context)).stop()
        self.log.info("Stopped serving %s; removed: %s", self.endpoint, ", ".join(removed) or "nothing")
        return {"endpoint": self.endpoint, "removed": removed}


def _engine(task: ServeModelOperator | StopServingOperator) -> DockerEngine:
    """Connect to the container engine.

    :raises AirflowSkipException: when it is unavailable and ``when_absent`` is ``skip``.
    :raises BadInput: when it is unavailable otherwise.
    """
    from airflow_mlops.hooks.container_engine import connect_engine

    with _skip_if_absent(task.when_absent):
        return connect_engine(task.docker_url, task.docker_conn_id, timeout=ENGINE_TIMEOUT_SECONDS)


@contextmanager
def _skip_if_absent(when_absent: WhenAbsent) -> Iterator[None]:
    """Skip the task instead of failing when an engine or image is unavailable and ``when_absent`` is ``skip``.

    :raises AirflowSkipException: in place of the ``BadInput``.
    :raises BadInput: when the engine or image is unavailable otherwise.
    """
    from airflow_mlops.common.errors import BadInput

    try:
        yield
    except BadInput as error:
        if when_absent == "skip":
            raise AirflowSkipException(f"Skipping serving: {error}") from None
        raise


def _base_image_of(recipe: ImageRecipe) -> str:
    return recipe.files["Dockerfile"].decode().split()[1]


def _url_of(conn_id: str) -> str:
    """Return a database URL with its password. Write it only to a secret file."""
    from airflow_mlops.hooks.sql_source import sqlalchemy_engine

    url: str = sqlalchemy_engine(conn_id).url.render_as_string(hide_password=False)
    return url


def _package_folder(package: str) -> Path:
    """Find the folder of a package below the working directory or ``sys.path``.

    :raises BadInput: when it does not exist.
    """
    from airflow_mlops.common.errors import BadInput

    for base in ("", *sys.path):
        if (folder := Path(base) / package).is_dir():
            return folder
    raise BadInput(
        f"package folder {package!r} does not exist",
        where="packages",
        hint="use a folder next to dags, such as include",
    )
