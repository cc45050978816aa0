"""Where a registered model's files are, and loading them: the digest is verified before any byte is deserialised.

A model is loaded, and predicts, in a process of its own, unless somebody wants it otherwise: see
:mod:`airflow_mlops.core.registry.model_process`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core import tracking
from airflow_mlops.core.tracking.connecting import is_local
from airflow_mlops.core.training.artifact import load, verify

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.store.tables import Version

__all__ = ["Loading", "load", "load_version", "local_files", "local_folder", "verify"]

ADOPTED = "adopted"
"""The candidate of a version that nobody trained here: MLflow had it before."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How models are loaded.

    :param in_process: in the task's own process: a model that crashes takes the task with it.
    :param allow_pickle: whether an adopted model that is kept as a pickle may be loaded, which can run any code.
    :param client: whose login downloads use; without it they have none.
    """

    in_process: bool = False
    allow_pickle: bool = False
    client: MlflowClient | None = None

    def load(self, folder: str | Path, digest: str, *, trusted: Sequence[str] = (), pickled: bool = False) -> Any:
        """Load a model from files whose digest is right.

        :param trusted: types of the project's own that it may contain.
        :param pickled: whether it may be a pickle, where that is allowed at all.
        :raises Refused: when the digest, the format or a type is not what it has to be.
        """
        allow_pickle = self.allow_pickle and pickled
        if self.in_process:
            return load(folder, digest, trusted=trusted, allow_pickle=allow_pickle)
        from airflow_mlops.core.registry.model_process import ModelProcess

        return ModelProcess(folder, digest, trusted=trusted, allow_pickle=allow_pickle)


SAFE = Loading()


def load_version(version: Version, tracking_uri: str, trusted: Sequence[str] = (), how: Loading = SAFE) -> Any:
    """Load a version's model. Which digest is right says the store, by model and number: files of another model, or of
    another version, are refused, however good they are.

    :param tracking_uri: MLflow's, for files that are not here.
    :raises NotFound: when its files are gone.
    :raises Refused: when they are not those that were registered.
    """
    with local_files(version.artifact_uri, tracking_uri, how) as folder:
        return how.load(folder, version.digest, trusted=trusted, pickled=version.candidate == ADOPTED)


@contextmanager
def local_files(artifact_uri: str, tracking_uri: str, how: Loading = SAFE) -> Iterator[Path]:
    """Give a local folder with the artifact's files: the place itself when it is local, else a download, which is gone
    at the end.

    :raises NotFound: when there is nothing there.
    """
    with tracking.local_files(artifact_uri, _client(artifact_uri, tracking_uri, how)) as folder:
        yield folder


def local_folder(artifact_uri: str, tracking_uri: str, how: Loading = SAFE) -> Path:
    """Give a local folder with the artifact's files: the place itself when it is local, else a download.

    :raises NotFound: when there is nothing there.
    """
    return tracking.local_folder(artifact_uri, _client(artifact_uri, tracking_uri, how))


def _client(artifact_uri: str, tracking_uri: str, how: Loading) -> Any:
    if how.client is not None or is_local(artifact_uri):
        return how.client
    return tracking.connect(tracking.Access(tracking_uri))
