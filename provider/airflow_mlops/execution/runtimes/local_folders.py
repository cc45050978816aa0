"""Local folders that a step needs in a container on the same machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow_mlops.execution.steps.resources import ResourceConfig


def local_folders(resources: ResourceConfig) -> list[str]:
    """Return the local folders of snapshots, artifacts, databases and database sockets.

    Folders inside another one of the list are omitted.

    :param resources: the resources of the step.
    """
    access = resources.mlflow.access
    paths = [
        _uri_folder(resources.store.snapshots),
        _uri_folder(resources.mlflow.artifact_location),
        _uri_folder(access.get("uri")),
    ]
    paths += [
        _database_folder(url)
        for url in (resources.store.url, *resources.databases.values(), str(access.get("uri") or ""))
    ]
    paths += [_parent_folder(access.get(name)) for name in ("ca_bundle", "client_cert")]
    folders = sorted({Path(path) for path in paths if path})
    return [str(f) for f in folders if not any(other in f.parents for other in folders)]


def _uri_folder(uri: str | None) -> str | None:
    """Return the folder of a ``file:`` URI or an absolute path."""
    if uri and uri.startswith("/"):
        return uri
    return url2pathname(urlsplit(uri).path) if uri and uri.startswith("file:") else None


def _database_folder(url: str) -> str | None:
    """Return the folder of a SQLite file, or of a server's Unix socket."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError:  # such as https://
        return None
    if parsed.get_backend_name() == "sqlite":
        return _parent_folder(parsed.database)
    socket = str(parsed.query.get("host") or "")
    return socket if socket.startswith("/") else None


def _parent_folder(file: str | None) -> str | None:
    """Return the folder of a file; SQLite also writes its journal there."""
    return str(Path(file).parent) if file and file.startswith("/") else None
