"""Loading a model: the digest is verified before any byte is deserialised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname
from zipfile import is_zipfile

from airflow_mlops.core.errors import NotFound, Refused
from airflow_mlops.core.imports import import_quietly
from airflow_mlops.core.training.artifact import MODEL_FILE, TRUSTED_TYPES, digest_of


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


def verify(folder: str | Path, digest: str) -> None:
    """Make sure that the files are those that were registered.

    :raises Refused: when they are not.
    """
    found = digest_of(folder)
    if found != digest:
        raise Refused(
            "the model's files are not those that were registered",
            where=f"{folder}: digest {found[:12]}…, registered {digest[:12]}…",
            mend="restore the files from a backup, or register the new files as a new version",
        )


def load(folder: str | Path, digest: str, *, trusted: Sequence[str] = ()) -> Any:
    """Load a model from files whose digest is right.

    The list of trusted types is ours and the caller's, never the artifact's own, and no other format than skops is
    read: a tampered MLmodel file cannot make pickle run.

    :param digest: the registered digest.
    :param trusted: types of the project's own that the model may contain.
    :raises Refused: when the digest, the format or a type is not what it has to be.
    """
    verify(folder, digest)
    path = Path(folder) / MODEL_FILE
    if not is_zipfile(path):
        raise Refused(f"the artifact has no {MODEL_FILE}", where=str(folder), mend="only skops models are loaded")
    skops_io = import_quietly("skops.io")

    unknown = set(skops_io.get_untrusted_types(file=path)) - {*TRUSTED_TYPES, *trusted}
    if unknown:
        raise Refused(
            f"the model contains types that are not trusted: {sorted(unknown)[:5]}",
            where=str(path),
            mend="name the project's own types with trusted_types=[...] if you know them",
        )
    return skops_io.load(path, trusted=[*TRUSTED_TYPES, *trusted])
