"""Which versions' files are no longer needed. Files only: what is known of a version stays for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_mlops.core.registry.loading import ADOPTED
from airflow_mlops.store import artifacts
from airflow_mlops.store.artifacts import Files
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

REMOVED_TAG = "mlops.files_removed"
LEAST_CHAMPIONS = 2
"""The champion and the one that a rollback goes to."""


def expired(
    client: MlflowClient, database: Database, model: str, *, champions: int, days: float, moment: datetime
) -> Iterator[Files]:
    """Find the versions of a model whose files can go; changes nothing.

    :param champions: the files of so many of the last champions stay, at least two.
    :param days: the files of all versions that were registered, or judged, within so many days stay.
    :param moment: now.
    """
    versions = artifacts.of_model(database, model)
    if not versions:
        return
    tagged, aliased = _in_mlflow(client, model)
    kept = {*aliased, *artifacts.last_champions(database, model, max(champions, LEAST_CHAMPIONS))}
    since = moment - timedelta(days=days)
    judged = artifacts.judged_since(database, [f"{model} v{v.version}" for v in versions], since)
    kept |= {v.version for v in versions if f"{model} v{v.version}" in judged}
    kept |= {number for number, tags in tagged.items() if REMOVED_TAG in tags}
    yield from (v for v in spared(versions, kept, since) if v.version in tagged)


def spared(versions: Sequence[Files], kept: set[int], since: datetime) -> list[Files]:
    """Give the versions that nobody needs the files of.

    :param versions: all of a model, oldest first.
    :param kept: numbers of those that somebody needs.
    :param since: what was registered from then on is needed, too.
    """
    last_decided = max((v.version for v in versions if v.decision not in (None, "hold")), default=0)
    needed = {
        v.artifact_uri
        for v in versions
        if v.version in kept
        or v.recorded_at >= since
        or v.candidate == ADOPTED  # its files were not written here
        or (v.decision == "hold" and v.version > last_decided)  # a person is still to be asked
    }
    return [v for v in versions if v.artifact_uri not in needed]


def remove(client: MlflowClient, database: Database, model: str, files: Files, *, moment: datetime) -> None:
    """Remove a version's files, unless it has become champion meanwhile.

    :raises ValueError: when they are not where its run keeps its files.
    """
    if files.version in artifacts.last_champions(database, model, LEAST_CHAMPIONS):
        return
    base = client.get_run(files.run_id).info.artifact_uri.rstrip("/")
    below = files.artifact_uri.removeprefix(f"{base}/")
    if below == files.artifact_uri or not below or ".." in below.split("/"):
        raise ValueError(f"{files.artifact_uri} is not below {base}")
    _delete(client, base, below)
    client.set_model_version_tag(model, str(files.version), REMOVED_TAG, moment.date().isoformat())


def _delete(client: MlflowClient, base: str, below: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    # A client of ours for a server has the connection's login and deadlines.
    of = getattr(client._tracking_client, "repository", None)
    repository = of(base) if of else get_artifact_repository(base, tracking_uri=client.tracking_uri)
    repository.delete_artifacts(below)


def _in_mlflow(client: MlflowClient, model: str) -> tuple[dict[int, Mapping[str, str]], set[int]]:
    """Give the tags of the versions that MLflow has, and the numbers that have an alias."""
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
