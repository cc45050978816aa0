"""Which folders of this machine a step needs, when it runs in a container on the same machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow_mlops.run.places import Told


def local_folders(told: Told) -> list[str]:
    """Give the folders in which snapshots, artifacts and databases are kept, where they are kept in files; and those of
    the sockets of databases. One inside another is left out.

    :param told: where everything is.
    """
    access = told.mlflow.access
    found = [_of_uri(told.store.snapshots), _of_uri(told.mlflow.artifact_location), _of_uri(access.get("uri"))]
    found += [_of_database(url) for url in (told.store.url, *told.databases.values(), str(access.get("uri") or ""))]
    found += [_beside(access.get(name)) for name in ("ca_bundle", "client_cert")]
    folders = sorted({Path(folder) for folder in found if folder})
    return [str(f) for f in folders if not any(other in f.parents for other in folders)]


def _of_uri(uri: str | None) -> str | None:
    """Give the folder that a URI of files stands for."""
    if uri and uri.startswith("/"):
        return uri
    return url2pathname(urlsplit(uri).path) if uri and uri.startswith("file:") else None


def _of_database(url: str) -> str | None:
    """Give the folder of a database in a file, or of the socket that a server is reached by."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError:  # such as https://
        return None
    if parsed.get_backend_name() == "sqlite":
        return _beside(parsed.database)
    socket = str(parsed.query.get("host") or "")
    return socket if socket.startswith("/") else None


def _beside(file: str | None) -> str | None:
    """Give the folder that a file is in: SQLite writes beside it."""
    return str(Path(file).parent) if file and file.startswith("/") else None
