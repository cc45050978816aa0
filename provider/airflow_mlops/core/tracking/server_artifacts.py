"""Artifacts that an MLflow server stores or proxies, over our transport."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository, verify_artifact_path
from mlflow.utils.uri import validate_path_is_safe

from airflow_mlops.common.errors import NotFound
from airflow_mlops.core.tracking.transport import Transport

RESTORE_HINT = "restore it from a backup; the ledger names the digest to check it with"
ENDPOINT = "/api/2.0/mlflow-artifacts/artifacts"


def is_served_by(artifact_uri: str, tracking_uri: str) -> bool:
    """Check whether this server serves the artifacts; only then may its login be sent."""
    artifact, tracking = urlsplit(artifact_uri), urlsplit(tracking_uri)
    if artifact.scheme == "mlflow-artifacts":
        return artifact.netloc in ("", tracking.netloc)
    same_server = (artifact.scheme, artifact.netloc) == (tracking.scheme, tracking.netloc)
    return same_server and artifact.path.startswith(tracking.path.rstrip("/") + ENDPOINT)


class ServerArtifactRepository(ArtifactRepository):
    """The files below one artifact URI.

    :param artifact_uri: such as ``mlflow-artifacts:/1/<run>/artifacts``.
    :param transport: to the server that serves them.
    """

    def __init__(self, artifact_uri: str, transport: Transport) -> None:
        super().__init__(artifact_uri)
        self.transport = transport
        path = urlsplit(artifact_uri).path
        _, endpoint, below = path.partition(ENDPOINT)
        self.root = (below if endpoint else path).strip("/")

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Upload a file; idempotent."""
        verify_artifact_path(artifact_path)
        path = posixpath.join(artifact_path or "", Path(local_file).name)
        self._check(self.transport.send("PUT", self._endpoint(path), once=False, file=Path(local_file)), path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Upload the files below a folder."""
        folder = Path(local_dir)
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            below = posixpath.normpath(posixpath.join(artifact_path or "", file.relative_to(folder).parent.as_posix()))
            self.log_artifact(str(file), None if below == "." else below)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return the entries of a folder; empty for a file."""
        folder = posixpath.join(self.root, path or "")
        response = self._check(self.transport.send("GET", ENDPOINT, once=False, params={"path": folder}), path or "")
        files = []
        for entry in response.json().get("files", []):
            name = posixpath.join(path or "", validate_path_is_safe(entry["path"]))
            files.append(FileInfo(name, entry["is_dir"], None if entry["is_dir"] else int(entry.get("file_size", 0))))
        if path and [f.path for f in files if not f.is_dir] == [posixpath.join(path, Path(path).name)]:
            return []
        return sorted(files, key=lambda f: str(f.path))

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Download a file, or all below a folder.

        :param dst_path: the target folder; default: a new temporary folder.
        :returns: the local path of the file or folder.
        :raises NotFound: when it does not exist.
        """
        target = Path(dst_path or tempfile.mkdtemp(prefix="mlops-artifacts-"))
        entries = self.list_artifacts(artifact_path)
        for entry in entries:
            if entry.is_dir:
                self.download_artifacts(entry.path, str(target))
            else:
                self._download_file(entry.path, str(target / entry.path))
        if not entries and not artifact_path:
            raise NotFound("the MLflow artifact has no files", where=self.artifact_uri, hint=RESTORE_HINT)
        if not entries:
            self._download_file(artifact_path, str(target / artifact_path))
        return str(target / artifact_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        Path(local_path).parent.mkdir(parents=True, exist_ok=True)
        path = self._endpoint(remote_file_path)
        response = self.transport.send("GET", path, once=False, destination=Path(local_path))
        self._check(response, remote_file_path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete a file or a folder."""
        path = self._endpoint(artifact_path or "")
        self._check(self.transport.send("DELETE", path, once=True), artifact_path or "")

    def _endpoint(self, path: str) -> str:
        return f"{ENDPOINT}/{quote(posixpath.join(self.root, path))}"

    def _check(self, response: Any, path: str) -> Any:
        if response.status_code == 404:
            raise NotFound(
                "MLflow has no such artifact", where=posixpath.join(self.artifact_uri, path), hint=RESTORE_HINT
            )
        if not response.ok:
            raise MlflowException(f"artifact {path}: status {response.status_code}: {response.text[:200]}")
        return response
