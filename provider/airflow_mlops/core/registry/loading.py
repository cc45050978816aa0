"""Where a registered model's files are, and loading them: the digest is verified before any byte is deserialised."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.training.artifact import load, verify

__all__ = ["load", "local_folder", "verify"]


def local_folder(artifact_uri: str, tracking_uri: str) -> Path:
    """Give a local folder with the artifact's files: the place itself when it is local, else a download.

    :raises NotFound: when there is nothing there.
    """
    if artifact_uri.startswith(("/", "file:")):
        folder = Path(artifact_uri if artifact_uri.startswith("/") else url2pathname(urlsplit(artifact_uri).path))
    else:
        from mlflow.artifacts import download_artifacts

        folder = Path(download_artifacts(artifact_uri=artifact_uri, tracking_uri=tracking_uri))
    if not folder.is_dir():
        raise NotFound(
            "a model's artifact is gone",
            where=artifact_uri,
            mend="restore it from a backup; the ledger names the digest to check it with",
        )
    return folder
