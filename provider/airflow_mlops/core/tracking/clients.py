"""MLflow clients, and local folders with artifacts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import url2pathname

from airflow_mlops.common.errors import NotFound
from airflow_mlops.core.tracking.access import Access, TrackingUri

if TYPE_CHECKING:
    from mlflow import MlflowClient


def connect(access: Access) -> MlflowClient:
    """Return a client that is independent of the environment and of MLflow's global state."""
    if access.is_server:
        from airflow_mlops.core.tracking.rest_client import MlflowRestClient

        return MlflowRestClient(access)
    from mlflow import MlflowClient

    uri = database_uri(access)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def database_uri(access: Access) -> str:
    """Return the URL of a local store's database; for PostgreSQL, with the timeouts of the access.

    Settings in the URL take precedence.
    """
    if not access.uri.startswith("postgresql"):
        return access.uri
    parts = urlsplit(access.uri)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.setdefault("connect_timeout", str(max(1, round(access.connect_seconds))))
    query.setdefault("options", f"-c statement_timeout={round(access.overall_seconds * 1000)}")
    return urlunsplit(parts._replace(query=urlencode(query)))


@contextmanager
def local_files(artifact_uri: str, client: MlflowClient) -> Iterator[Path]:
    """Yield a local folder with an artifact's files; a download is deleted at the end.

    :param client: the client whose login the download uses.
    :raises NotFound: when the artifact does not exist.
    """
    if is_local(artifact_uri):
        yield local_folder(artifact_uri, client)
        return
    folder = local_folder(artifact_uri, client)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_local(artifact_uri: str) -> bool:
    """Check whether an artifact's files are in this machine's file system."""
    return artifact_uri.startswith(("/", "file:"))


def get_client(tracking: MlflowClient | str) -> MlflowClient:
    """Return a client for a client or a tracking URI.

    :param tracking: a client, or a tracking URI; a :class:`TrackingUri` connects with its own settings.
    """
    if not isinstance(tracking, str):
        return tracking
    if isinstance(tracking, TrackingUri):
        return connect(tracking.access)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking, registry_uri=tracking)


def local_folder(artifact_uri: str, tracking: MlflowClient | str) -> Path:
    """Return a local folder with an artifact's files: the location itself when it is local, else a download.

    :param tracking: the client whose login the download uses, or its tracking URI.
    :raises NotFound: when the artifact does not exist.
    """
    if is_local(artifact_uri):
        folder = Path(artifact_uri if artifact_uri.startswith("/") else url2pathname(urlsplit(artifact_uri).path))
    elif hasattr(client := get_client(tracking), "folder_of"):
        folder = client.folder_of(artifact_uri)
    else:
        from mlflow.artifacts import download_artifacts

        folder = Path(download_artifacts(artifact_uri=artifact_uri, tracking_uri=client.tracking_uri))
    if not folder.is_dir():
        raise NotFound(
            "a model's artifact is gone",
            where=artifact_uri,
            hint="restore it from a backup; the ledger names the digest to check it with",
        )
    return folder
