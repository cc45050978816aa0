"""What attempts of tasks have left in MLflow and no later attempt has cleared away: for the janitor.

An attempt that goes on removes what was left by those before it. So this is about tasks that were not tried again, and
about attempts that lived on beside their retry and were killed before they found out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.core.tracking.marks import KEY_TAG
from airflow_mlops.core.training import runs
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that is to be put right.

    :param kind: ``run`` or ``version``.
    :param key: the task that made it.
    :param why: in words.
    :param action: ``remove`` it, or ``end`` it: the run is the task's own, only its end was lost.
    :param run_id: the run, or that of the version.
    :param model: of a version.
    :param version: of a version.
    """

    kind: Literal["run", "version"]
    key: str
    why: str
    action: Literal["remove", "end"]
    run_id: str
    model: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        what = f"run {self.run_id}" if self.version is None else f"{self.model} v{self.version}"
        return f"{self.action} {what} of {self.key}: {self.why}"


def leftovers(client: MlflowClient, database: Database, *, before: datetime) -> Iterator[Leftover]:
    """Find what was left; changes nothing.

    What the store does not know at all is not touched: it may have been restored from an older backup. Nor is a version
    that has an alias.

    :param before: only what began before this moment: what is younger may be at work. No training may take longer.
    """
    yield from _runs(client, database, before)
    yield from _versions(client, database, before)


def clear(client: MlflowClient, leftover: Leftover) -> None:
    """Put one of them right."""
    if leftover.action == "end":
        client.set_terminated(leftover.run_id, "FINISHED")
    elif leftover.version is not None:
        client.delete_model_version(leftover.model, str(leftover.version))
    else:
        client.set_terminated(leftover.run_id, "KILLED")
        client.delete_run(leftover.run_id)


def _runs(client: MlflowClient, database: Database, before: datetime) -> Iterator[Leftover]:
    experiments = [e.experiment_id for e in _pages(lambda token: client.search_experiments(page_token=token))]
    began = f"attributes.start_time < {_millis(before)}"
    running = f"attributes.status = 'RUNNING' and {began}"
    found = list(_pages(lambda token: client.search_runs(experiments, running, max_results=PAGE, page_token=token)))
    for run in found:
        key, run_id = run.data.tags.get(KEY_TAG), run.info.run_id
        claim = None if key is None else claims.look(database, runs.KIND, key)
        if key is None or claim is None:
            continue
        if not claim["finished"]:
            yield Leftover("run", key, "its attempt did not finish, and none came after it", "remove", run_id)
        elif claim["run_id"] == run_id:
            yield Leftover("run", key, "it is finished, its end was lost", "end", run_id)
        else:
            yield Leftover("run", key, f"another attempt has finished run {claim['run_id']}", "remove", run_id)


def _versions(client: MlflowClient, database: Database, before: datetime) -> Iterator[Leftover]:
    from airflow_mlops.core.registry.registration import KIND

    for version in list(_pages(lambda token: client.search_model_versions(max_results=PAGE, page_token=token))):
        key = version.tags.get(KEY_TAG)
        if key is None or version.creation_timestamp >= _millis(before):
            continue
        claim = claims.look(database, KIND, key)
        number = int(version.version)
        if claim is None or (claim["finished"] and (claim["model"], claim["version"]) == (version.name, number)):
            continue
        if number in {int(named) for named in client.get_registered_model(version.name).aliases.values()}:
            continue  # somebody means it; MLflow's search does not tell aliases
        why = (
            f"another attempt has finished {claim['model']} v{claim['version']}"
            if claim["finished"]
            else "its attempt did not finish, and none came after it"
        )
        yield Leftover("version", key, why, "remove", version.run_id, version.name, number)


def _pages(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    """Give what is on all pages of an answer."""
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
