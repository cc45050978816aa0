"""What the records say afterwards: Airflow's own database and the lifecycle store, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, create_engine, text

from airflow_mlops.store import episodes, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import StoredReport

SUCCESSFUL_OUTCOMES = frozenset({"promoted", "on_hold", "rejected"})
_JOBS = {"scheduler": "SchedulerJob", "triggerer": "TriggererJob"}


@dataclass(frozen=True)
class RetrainingRequest:
    """An episode that has asked for a retraining.

    :param number: 1 for the model's first.
    :param state: ``requested``, ``retraining``, ``closed``, or ``open`` when it was given back.
    :param outcome: how it ended.
    :param partitions: at which it asked, oldest first.
    :param runs: the training runs that have made a model for it, one entry a model.
    """

    number: int
    state: str
    outcome: str | None
    partitions: tuple[str, ...]
    runs: tuple[str, ...]

    @property
    def lost(self) -> bool:
        """Check whether it was asked for and never had, or never came to an end."""
        return not self.runs or self.state != "closed" or self.outcome not in SUCCESSFUL_OUTCOMES

    @property
    def duplicated(self) -> bool:
        """Check whether it was had more than once."""
        return len(self.runs) > 1


class AirflowRecords:
    """Airflow's own database, read only.

    :param url: where it is.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_pre_ping=True)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def runs(self, dag_ids: list[str]) -> dict[tuple[str, str], str]:
        """Return the state of each run of these DAGs."""
        query = text("SELECT dag_id, run_id, state FROM dag_run WHERE dag_id IN :dags")
        found = self._all(query.bindparams(bindparam("dags", expanding=True)), dags=dag_ids)
        return {(dag_id, run_id): str(state) for dag_id, run_id, state in found}

    def dags_with_pending_events(self, dag_ids: list[str]) -> set[str]:
        """Return those of these DAGs for which an event waits: the scheduler will start a run."""
        query = text("SELECT DISTINCT target_dag_id FROM asset_dag_run_queue WHERE target_dag_id IN :dags")
        return {row[0] for row in self._all(query.bindparams(bindparam("dags", expanding=True)), dags=dag_ids)}

    def events(self, asset: str) -> int:
        """Count the events that an asset has seen."""
        query = text(
            "SELECT count(*) FROM asset_event JOIN asset ON asset.id = asset_event.asset_id WHERE name = :name"
        )
        return int(self._all(query, name=asset)[0][0])

    def plans(self, dag_id: str) -> dict[str, dict[str, Any]]:
        """Return what each run of a training DAG planned; runs that had nothing to do are missing."""
        query = text("SELECT run_id, value FROM xcom WHERE dag_id = :dag AND task_id = 'plan' AND key = 'return_value'")
        return {run_id: _plain(value) for run_id, value in self._all(query, dag=dag_id)}

    def is_running(self, component: str, since: datetime) -> bool:
        """Check whether a component that was started after a moment is at work; a triggerer: has triggers."""
        query = text(
            "SELECT id FROM job WHERE job_type = :kind AND state = 'running' AND start_date > :since "
            "AND latest_heartbeat > start_date"
        )
        jobs = [row[0] for row in self._all(query, kind=_JOBS[component], since=since)]
        if component == "scheduler" or not jobs:
            return bool(jobs)
        query = text("SELECT count(*) FROM trigger WHERE triggerer_id IN :jobs")
        return bool(self._all(query.bindparams(bindparam("jobs", expanding=True)), jobs=jobs)[0][0])

    def _all(self, query: Any, **values: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query, values).all())


def retraining_requests(
    database: Database, model: str, plans: Mapping[str, Mapping[str, Any]]
) -> list[RetrainingRequest]:
    """Return the model's episodes that have asked for a retraining, each with the runs that made a model for it.

    :param plans: run -> what it planned.
    """
    made = Counter(str(version.actor).split("/")[1] for version in versions.of_model(database, model))
    found = []
    for episode in episodes.of_model(database, model):
        if not episode.attempts or episode.action != episodes.RETRAIN:
            continue
        runs = sorted(run for run, plan in plans.items() if plan.get("episode") == episode.id)
        models = tuple(run for run in runs for _ in range(made[run]))
        partitions = tuple(episodes.request_history(episode))
        found.append(RetrainingRequest(episode.number, episode.state, episode.outcome, partitions, models))
    return found


def count_alarms(database: Database, model: str) -> int:
    """Count the windows whose episode report told people of a column that is broken upstream."""
    from sqlalchemy import select

    query = select(StoredReport.id).where(StoredReport.kind == "episode", StoredReport.subject.like(f"{model} %"))
    with database.session() as session:
        ids = list(session.scalars(query))
    told = [reports.get(database, id_) for id_ in ids]
    return len({report.subject for report in told if any(check.name == "upstream" for check in report.failed)})


def _plain(value: Any) -> dict[str, Any]:
    while isinstance(value, str):
        value = json.loads(value)
    return dict(value)
