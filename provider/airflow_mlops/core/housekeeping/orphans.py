"""Orphaned MLflow runs and versions of killed tasks, for the cleanup job.

A retry removes what earlier attempts of its task left. What remains are tasks that were not retried, and attempts that
kept running alongside their retry and were killed before they noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.core.tracking.tags import KEY_TAG
from airflow_mlops.core.training import runs
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Orphan:
    """An orphaned run or version.

    :param kind: ``run`` or ``version``.
    :param key: the task that created it.
    :param reason: why it is an orphan.
    :param action: ``remove`` it, or ``end`` it: the run is valid, only its end was lost.
    :param run_id: the run, or that of the version.
    :param model: of a version.
    :param version: of a version.
    """

    kind: Literal["run", "version"]
    key: str
    reason: str
    action: Literal["remove", "end"]
    run_id: str
    model: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        what = f"run {self.run_id}" if self.version is None else f"{self.model} v{self.version}"
        return f"{self.action} {what} of {self.key}: {self.reason}"


def find_orphans(client: MlflowClient, database: Database, *, before: datetime) -> Iterator[Orphan]:
    """Find orphans; changes nothing.

    Skips what the store does not know at all, because the store may have been restored from an older backup. Skips
    versions with an alias, too.

    :param before: only what began before this time; younger objects may be in use. No training may take longer.
    """
    yield from _runs(client, database, before)
    yield from _versions(client, database, before)


def repair(client: MlflowClient, orphan: Orphan) -> None:
    """Remove or end an orphan."""
    if orphan.action == "end":
        client.set_terminated(orphan.run_id, "FINISHED")
    elif orphan.version is not None:
        client.delete_model_version(orphan.model, str(orphan.version))
    else:
        client.set_terminated(orphan.run_id, "KILLED")
        client.delete_run(orphan.run_id)


def _runs(client: MlflowClient, database: Database, before: datetime) -> Iterator[Orphan]:
    experiments = [e.experiment_id for e in _all_pages(lambda token: client.search_experiments(page_token=token))]
    query = f"attributes.status = 'RUNNING' and attributes.start_time < {_milliseconds(before)}"
    running = list(
        _all_pages(lambda token: client.search_runs(experiments, query, max_results=PAGE_SIZE, page_token=token))
    )
    for run in running:
        key, run_id = run.data.tags.get(KEY_TAG), run.info.run_id
        claim = None if key is None else claims.get(database, runs.CLAIM_KIND, key)
        if key is None or claim is None:
            continue
        if not claim["finished"]:
            yield Orphan("run", key, "its attempt did not finish, and there was no later one", "remove", run_id)
        elif claim["run_id"] == run_id:
            yield Orphan("run", key, "it is finished, but its end was lost", "end", run_id)
        else:
            yield Orphan("run", key, f"another attempt has finished run {claim['run_id']}", "remove", run_id)


def _versions(client: MlflowClient, database: Database, before: datetime) -> Iterator[Orphan]:
    from airflow_mlops.core.registry.registration import CLAIM_KIND

    pages = _all_pages(lambda token: client.search_model_versions(max_results=PAGE_SIZE, page_token=token))
    for version in list(pages):
        key = version.tags.get(KEY_TAG)
        if key is None or version.creation_timestamp >= _milliseconds(before):
            continue
        claim = claims.get(database, CLAIM_KIND, key)
        number = int(version.version)
        if claim is None or (claim["finished"] and (claim["model"], claim["version"]) == (version.name, number)):
            continue
        if number in {int(aliased) for aliased in client.get_registered_model(version.name).aliases.values()}:
            continue  # an alias shows that it is in use; MLflow's search does not return aliases
        why = (
            f"another attempt has finished {claim['model']} v{claim['version']}"
            if claim["finished"]
            else "its attempt did not finish, and there was no later one"
        )
        yield Orphan("version", key, why, "remove", version.run_id, version.name, number)


def _all_pages(search: Callable[[str | None], Any]) -> Iterator[Any]:
    """Yield the items of all pages of a search."""
    token = None
    while True:
        page = search(token)
        yield from page
        token = page.token
        if not token:
            return


def _milliseconds(timestamp: datetime) -> int:
    return round(timestamp.timestamp() * 1000)
