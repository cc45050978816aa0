"""The container engine that steps use, through the Docker provider's hook."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_mlops.core.serving.engine import Engine

LOCAL = "unix:///var/run/docker.sock"
PATIENCE = 900  # seconds in which the engine has to say something; a build may be silent for long


def container_engine(url: str | None, conn_id: str | None = None) -> Engine:
    """Give the container engine.

    :param url: where it is; default ``DOCKER_HOST``, else this machine's.
    :param conn_id: a connection of the Docker provider, for images of a registry that needs a login.
    :raises BadInput: when none answers.
    """
    from airflow.providers.docker.hooks.docker import DockerHook

    from airflow_mlops.core.errors import BadInput
    from airflow_mlops.core.serving.engine import Engine

    where = url or os.environ.get("DOCKER_HOST") or LOCAL
    try:
        return Engine(DockerHook(conn_id, base_url=where, timeout=PATIENCE).api_client)
    except Exception as error:  # the hook's own, and those of each transport
        raise BadInput(
            f"no container engine answers: {str(error)[:200]}",
            where=where,
            mend="start Docker there, or give docker_url=...",
        ) from None
