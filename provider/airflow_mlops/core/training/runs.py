"""MLflow runs, one for each Airflow task that makes one.

MLflow alone makes a second run for a retry and leaves a killed one RUNNING for ever. Here the claim in the lifecycle
store decides: a finished run is found again; what attempts before left without finishing is closed and removed by the
attempt that goes on (MLflow can restore it until its garbage is collected).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, Conflict
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.tracking.marks import KEY_TAG, made_for, marks
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["KEY_TAG", "ClaimedRun", "claimed", "experiment_of", "remove_leftovers"]

log = logging.getLogger(__name__)
KIND = "run"


@dataclass(slots=True)
class ClaimedRun:
    """The run of one task.

    :param id: MLflow's run id; empty when an earlier attempt finished.
    :param finished: what an earlier attempt gave, or this one once it has.
    """

    client: MlflowClient
    database: Database
    key: str
    id: str = ""
    finished: RunRef | None = None

    def log(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Log parameters, metrics and tags in one call; a metric that is not finite is logged as a tag instead.

        :param step: which step of the training the metrics are of.
        """
        import math

        from mlflow.entities import Metric, Param, RunTag

        moment, figures = int(time.time() * 1000), metrics or {}
        odd = {f"metric.{k}": str(v) for k, v in figures.items() if not math.isfinite(v)}
        self.client.log_batch(
            self.id,
            metrics=[Metric(k, float(v), moment, step) for k, v in figures.items() if math.isfinite(v)],
            params=[Param(k, str(v)[:6000]) for k, v in (params or {}).items()],
            tags=[RunTag(k, v) for k, v in {**odd, **(tags or {})}.items()],
        )

    def finish(self, ref: RunRef) -> RunRef:
        """End the run well and note what it gave. The note comes first: it is what a retry goes by.

        :raises Conflict: when a later attempt of the task has taken over: this one is a zombie.
        """
        if not claims.finish(self.database, KIND, self.key, ref.to_dict(), holder=self.id):
            raise Conflict(
                "a later attempt of this task has taken over",
                where=f"{self.key}, run {self.id}",
                mend="look at that one",
            )
        self.finished = ref
        self.client.set_terminated(self.id, "FINISHED")
        return ref


@contextmanager
def claimed(
    client: MlflowClient,
    database: Database,
    *,
    key: str,
    experiment: str,
    name: str,
    tags: Mapping[str, str] | None = None,
    artifact_location: str | None = None,
) -> Iterator[ClaimedRun]:
    """Give the task's run: new, or the finished one of an earlier attempt.

    :param key: ``dag_id/run_id/task_id/map_index``.
    :param experiment: MLflow's experiment; made when it is not there.
    :param name: the run's name.
    :param artifact_location: where a new experiment keeps its artifacts.
    """
    run = ClaimedRun(client, database, key)
    earlier = claims.begin(database, KIND, key)
    if earlier is not None and earlier["finished"]:
        run.finished = _found_again(client, earlier)
        if run.finished is not None:
            yield run
            return
        claims.note(database, KIND, key, {}, finished=False)
    experiment_id = experiment_of(client, experiment, artifact_location)
    if earlier is not None:
        remove_leftovers(client, experiment_id, key)
    run.id = client.create_run(experiment_id, run_name=name, tags={**(tags or {}), **marks(key)}).info.run_id
    try:
        claims.note(database, KIND, key, {"run_id": run.id}, finished=False)
        yield run
    except BaseException as error:
        _give_up(run, error)
        raise
    if earlier is not None:  # an attempt that lives on beside this one may have made a run after the first look
        remove_leftovers(client, experiment_id, key, keep=run.id)


def _found_again(client: MlflowClient, earlier: Mapping[str, Any]) -> RunRef | None:
    """Give the run that an earlier attempt finished, whole; ``None`` when MLflow has it no more."""
    from mlflow.exceptions import MlflowException

    ref = RunRef.from_dict({k: v for k, v in earlier.items() if k != "finished"})
    try:
        info = client.get_run(ref.run_id).info
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        log.warning("MLflow has lost run %s of an earlier attempt: it is made again", ref.run_id)
        return None
    if info.lifecycle_stage == "deleted":
        client.restore_run(ref.run_id)
    if info.status != "FINISHED":  # killed between the note and the end
        client.set_terminated(ref.run_id, "FINISHED")
    return ref


def _give_up(run: ClaimedRun, error: BaseException) -> None:
    """End the run of an attempt that fails. If MLflow cannot be reached for it, the next attempt removes the run."""
    if run.finished is not None:  # it has been noted: the next attempt finds it and ends it well
        return
    try:
        if isinstance(error, Conflict):  # a later attempt has taken over, and may not have seen this run
            info = run.client.get_run(run.id).info
            if info.lifecycle_stage == "active":
                _remove(run.client, run.id, info.status)
        else:
            run.client.set_terminated(run.id, "FAILED")
    except Exception as trouble:
        log.warning("run %s is left to the next attempt: %s", run.id, trouble)


def remove_leftovers(client: MlflowClient, experiment_id: str, key: str, *, keep: str | None = None) -> int:
    """Close and remove the runs that attempts of a task have left; gives how many. Those that their own attempt has
    ended as failed stay, for people to look at.

    :param keep: the run that stays.
    """
    found = client.search_runs([experiment_id], filter_string=f"{made_for(key)} and attributes.status != 'FAILED'")
    left = [run.info for run in found if run.info.run_id != keep]
    for info in left:
        _remove(client, info.run_id, info.status)
    return len(left)


def _remove(client: MlflowClient, run_id: str, status: str) -> None:
    if status not in ("FINISHED", "KILLED"):
        client.set_terminated(run_id, "KILLED")
    client.delete_run(run_id)


def experiment_of(client: MlflowClient, name: str, artifact_location: str | None = None) -> str:
    """Give the id of an experiment, made when it is not there; of two makers the later takes the earlier's.

    :param artifact_location: where a new experiment keeps its artifacts; a server knows it by itself.
    :raises BadInput: when it is new and would keep them in whatever folder this process happens to run in.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        if artifact_location is None and not client.tracking_uri.startswith(("http", "databricks")):
            raise BadInput(
                f"MLflow would keep the artifacts of the new experiment {name!r} in this worker's working directory",
                where=f"a tracking URI of a database, {client.tracking_uri.partition(':')[0]}",
                mend='add "artifact_location": "file:///shared/models" (or s3://…) to the MLflow connection\'s extra',
            )
        try:
            return str(client.create_experiment(name, artifact_location=artifact_location))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)
