"""Retention of versions' files. Only files are deleted; a version's records stay in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_mlops.core.models.loading import ADOPTED_CANDIDATE
from airflow_mlops.store import version_artifacts
from airflow_mlops.store.database import Database
from airflow_mlops.store.version_artifacts import VersionArtifact

if TYPE_CHECKING:
    from mlflow import MlflowClient

REMOVED_TAG = "mlops.files_removed"
MIN_CHAMPIONS = 2
"""The champion and the target of a rollback."""


def find_expired(
    client: MlflowClient, database: Database, model: str, *, champions: int, days: float, timestamp: datetime
) -> Iterator[VersionArtifact]:
    """Find the versions of a model whose files can be deleted; changes nothing.

    :param champions: retain the files of this many of the last champions, at least two.
    :param days: retain the files of all versions that were registered or evaluated within this many days.
    :param timestamp: now.
    """
    versions = version_artifacts.of_model(database, model)
    if not versions:
        return
    tagged, aliased = _tags_and_aliased(client, model)
    retained = {*aliased, *version_artifacts.recent_champions(database, model, max(champions, MIN_CHAMPIONS))}
    since = timestamp - timedelta(days=days)
    evaluated = version_artifacts.subjects_reported_since(database, [f"{model} v{v.version}" for v in versions], since)
    retained |= {v.version for v in versions if f"{model} v{v.version}" in evaluated}
    retained |= {number for number, tags in tagged.items() if REMOVED_TAG in tags}
    yield from (v for v in select_unneeded(versions, retained, since) if v.version in tagged)


def select_unneeded(versions: Sequence[VersionArtifact], retained: set[int], since: datetime) -> list[VersionArtifact]:
    """Return the versions whose files are not needed.

    :param versions: all of a model, oldest first.
    :param retained: numbers of versions whose files are needed.
    :param since: files of versions registered from then on are needed, too.
    """
    last_decided = max((v.version for v in versions if v.decision not in (None, "hold")), default=0)
    needed = {
        v.artifact_uri
        for v in versions
        if v.version in retained
        or v.recorded_at >= since
        or v.candidate == ADOPTED_CANDIDATE  # its files were not written here
        or (v.decision == "hold" and v.version > last_decided)  # an approval is still pending
    }
    return [v for v in versions if v.artifact_uri not in needed]


def delete_files(
    client: MlflowClient, database: Database, model: str, files: VersionArtifact, *, timestamp: datetime
) -> None:
    """Delete a version's files, unless it has become champion since.

    :raises ValueError: when they are not below the artifact location of its run.
    """
    if files.version in version_artifacts.recent_champions(database, model, MIN_CHAMPIONS):
        return
    base = client.get_run(files.run_id).info.artifact_uri.rstrip("/")
    path = files.artifact_uri.removeprefix(f"{base}/")
    if path == files.artifact_uri or not path or ".." in path.split("/"):
        raise ValueError(f"{files.artifact_uri} is not below {base}")
    _delete(client, base, path)
    client.set_model_version_tag(model, str(files.version), REMOVED_TAG, timestamp.date().isoformat())


def _delete(client: MlflowClient, base: str, path: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    # Our own client for a server has the connection's login and deadlines.
    get_repository = getattr(client._tracking_client, "repository", None)
    repository = (
        get_repository(base) if get_repository else get_artifact_repository(base, tracking_uri=client.tracking_uri)
    )
    repository.delete_artifacts(path)


def _tags_and_aliased(client: MlflowClient, model: str) -> tuple[dict[int, Mapping[str, str]], set[int]]:
    """Return the tags of the versions in MLflow, and the numbers of those with an alias."""
    from mlflow.exceptions import MlflowException

    try:
        aliases = client.get_registered_model(model).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}, set()
    tags, token = {}, None
    while True:
        page = client.search_model_versions(f"name = '{model}'", max_results=1000, page_token=token)
        tags.update({int(v.version): v.tags for v in page})
        token = page.token
        if not token:
            return tags, {int(number) for number in aliases.values()}
