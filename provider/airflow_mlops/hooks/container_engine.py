"""The container engine that steps use, through the Docker provider's hook."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    from airflow_mlops.core.errors import MlopsError
    from airflow_mlops.core.serving.engine import Engine

LOCAL = "unix:///var/run/docker.sock"
PATIENCE = 60  # seconds in which the engine has to say something


def container_engine(
    url: str | None,
    conn_id: str | None = None,
    *,
    patience: int = PATIENCE,
    absent: type[MlopsError] = BadInput,
) -> Engine:
    """Give the container engine.

    :param url: where it is; default ``DOCKER_HOST``, else this machine's.
    :param conn_id: a connection of the Docker provider, for images of a registry that needs a login.
    :param patience: the seconds in which it has to say something.
    :param absent: the error for an engine that does not answer: a task is tried again for an ``MlopsError`` alone.
    :raises MlopsError: ``absent``, when none answers.
    :raises BadInput: when the registry refuses the login.
    """
    from airflow.providers.docker.hooks.docker import DockerHook
    from docker.errors import APIError

    from airflow_mlops.core.serving.engine import Engine

    where = url or os.environ.get("DOCKER_HOST") or LOCAL
    try:
        return Engine(DockerHook(conn_id, base_url=where, timeout=patience).api_client)
    except APIError as error:
        refused = BadInput if error.is_client_error() else absent
        raise refused(
            f"the login to the registry is refused: {str(error.explanation or error)[:200]}",
            where=conn_id or where,
            mend="mend the connection's registry, login and password",
        ) from None
    except Exception as error:  # the hook's own, and those of each transport
        raise absent(
            f"the container engine cannot be reached: {str(error)[:200]}",
            where=where,
            mend="start Docker there, let the worker's user use its socket, or name another engine",
        ) from None
