"""Loading of registered models; the digest is verified before any byte is deserialised.

By default a model is loaded, and predicts, in an isolated process: see
:mod:`airflow_mlops.core.models.isolated.client`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core import tracking
from airflow_mlops.core.models.artifact import load_model, verify_digest
from airflow_mlops.core.tracking.clients import is_local

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.store.tables import Version

__all__ = ["LoadingOptions", "load_model", "load_version", "local_files", "local_folder", "verify_digest"]

ADOPTED_CANDIDATE = "adopted"
"""The candidate name of an adopted version, which was not trained here."""


@dataclass(frozen=True, slots=True)
class LoadingOptions:
    """Options for loading models.

    :param in_process: load in the task's own process; a model that crashes then crashes the task.
    :param allow_pickle: whether an adopted model stored as a pickle may be loaded, which can run any code.
    :param client: the client whose credentials downloads use; default: no credentials.
    """

    in_process: bool = False
    allow_pickle: bool = False
    client: MlflowClient | None = None

    def load(self, folder: str | Path, digest: str, *, trusted: Sequence[str] = (), pickled: bool = False) -> Any:
        """Verify the digest and load a model.

        :param trusted: project types that the model may contain.
        :param pickled: whether the model may be a pickle, if pickles are allowed at all.
        :raises Refused: when the digest, the format or a type is not allowed.
        """
        allow_pickle = self.allow_pickle and pickled
        if self.in_process:
            return load_model(folder, digest, trusted=trusted, allow_pickle=allow_pickle)
        from airflow_mlops.core.models.isolated.client import ModelProcess

        return ModelProcess(folder, digest, trusted=trusted, allow_pickle=allow_pickle)


SAFE_LOADING = LoadingOptions()


def load_version(
    version: Version, tracking_uri: str, trusted: Sequence[str] = (), loading: LoadingOptions = SAFE_LOADING
) -> Any:
    """Load a version's model. The digest comes from the store, by model and version number, so files of another model
    or version are refused.

    :param tracking_uri: MLflow's tracking URI, for downloads.
    :raises NotFound: when the files do not exist.
    :raises Refused: when they are not the registered files.
    """
    with local_files(version.artifact_uri, tracking_uri, loading) as folder:
        return loading.load(folder, version.digest, trusted=trusted, pickled=version.candidate == ADOPTED_CANDIDATE)


@contextmanager
def local_files(artifact_uri: str, tracking_uri: str, loading: LoadingOptions = SAFE_LOADING) -> Iterator[Path]:
    """Yield a local folder with the artifact's files: the artifact itself if local, else a temporary download.

    :raises NotFound: when the artifact does not exist.
    """
    with tracking.local_files(artifact_uri, _client(artifact_uri, tracking_uri, loading)) as folder:
        yield folder


def local_folder(artifact_uri: str, tracking_uri: str, loading: LoadingOptions = SAFE_LOADING) -> Path:
    """Return a local folder with the artifact's files: the artifact itself if local, else a download.

    :raises NotFound: when the artifact does not exist.
    """
    return tracking.local_folder(artifact_uri, _client(artifact_uri, tracking_uri, loading))


def _client(artifact_uri: str, tracking_uri: str, how: LoadingOptions) -> Any:
    if how.client is not None or is_local(artifact_uri):
        return how.client
    return tracking.connect(tracking.Access(tracking_uri))
