"""Connection to a container engine through the Docker provider's hook."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    from airflow_mlops.common.errors import MlopsError
    from airflow_mlops.core.deployment.docker_engine import DockerEngine

LOCAL = "unix:///var/run/docker.sock"
DEFAULT_TIMEOUT = 60  # seconds until a call to the engine times out


def connect_engine(
    url: str | None,
    conn_id: str | None = None,
    *,
    timeout: int = DEFAULT_TIMEOUT,
    unreachable_error: type[MlopsError] = BadInput,
) -> DockerEngine:
    """Connect to the container engine.

    :param url: its address; default: ``DOCKER_HOST``, otherwise the local socket.
    :param conn_id: the Docker provider's connection to a registry that requires a login.
    :param timeout: the timeout of a call in seconds.
    :param unreachable_error: the error for an unreachable engine; a task is retried only for a plain ``MlopsError``.
    :raises MlopsError: ``unreachable_error``, when the engine is unreachable.
    :raises BadInput: when the registry rejects the login.
    """
    from airflow.providers.docker.hooks.docker import DockerHook
    from docker.errors import APIError

    from airflow_mlops.core.deployment.docker_engine import DockerEngine

    address = url or os.environ.get("DOCKER_HOST") or LOCAL
    try:
        return DockerEngine(DockerHook(conn_id, base_url=address, timeout=timeout).api_client)
    except APIError as error:
        error_class = BadInput if error.is_client_error() else unreachable_error
        raise error_class(
            f"the registry rejected the login: {str(error.explanation or error)[:200]}",
            where=conn_id or address,
            hint="correct the connection's registry, login and password",
        ) from None
    except Exception as error:  # the hook's own errors, and those of each transport
        raise unreachable_error(
            f"the container engine cannot be reached: {str(error)[:200]}",
            where=address,
            hint="start Docker there, give the worker's user access to its socket, or set another engine",
        ) from None
