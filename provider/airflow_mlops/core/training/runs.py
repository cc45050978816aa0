"""MLflow runs, one per Airflow task.

MLflow alone creates a second run for a retry and leaves a killed one RUNNING for ever. The claim in the lifecycle store
prevents both: a retry reuses a finished run, and closes and removes unfinished runs of earlier attempts (MLflow can
restore them until its garbage collection).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, Conflict
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.tracking.tags import KEY_TAG, task_filter, task_tags
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["KEY_TAG", "ClaimedRun", "claim_run", "get_or_create_experiment", "remove_orphaned_runs"]

log = logging.getLogger(__name__)
CLAIM_KIND = "run"


@dataclass(slots=True)
class ClaimedRun:
    """The MLflow run of one task.

    :param id: MLflow's run id; empty when an earlier attempt finished.
    :param finished: the result of an earlier attempt, or of this one once it has finished.
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
        """Log parameters, metrics and tags in one call; a non-finite metric is logged as a tag instead.

        :param step: the training step of the metrics.
        """
        import math

        from mlflow.entities import Metric, Param, RunTag

        timestamp, values = int(time.time() * 1000), metrics or {}
        non_finite = {f"metric.{k}": str(v) for k, v in values.items() if not math.isfinite(v)}
        self.client.log_batch(
            self.id,
            metrics=[Metric(k, float(v), timestamp, step) for k, v in values.items() if math.isfinite(v)],
            params=[Param(k, str(v)[:6000]) for k, v in (params or {}).items()],
            tags=[RunTag(k, v) for k, v in {**non_finite, **(tags or {})}.items()],
        )

    def finish(self, ref: RunRef) -> RunRef:
        """Record the result and end the run as finished. The record comes first, because retries rely on it.

        :raises Conflict: when a later attempt of the task has taken over.
        """
        if not claims.finish(self.database, CLAIM_KIND, self.key, ref.to_dict(), holder=self.id):
            raise Conflict(
                "a later attempt of this task has taken over",
                where=f"{self.key}, run {self.id}",
                hint="check the later attempt",
            )
        self.finished = ref
        self.client.set_terminated(self.id, "FINISHED")
        return ref


@contextmanager
def claim_run(
    client: MlflowClient,
    database: Database,
    *,
    key: str,
    experiment: str,
    name: str,
    tags: Mapping[str, str] | None = None,
    artifact_location: str | None = None,
) -> Iterator[ClaimedRun]:
    """Yield the task's run: a new one, or the finished one of an earlier attempt.

    :param key: ``dag_id/run_id/task_id/map_index``.
    :param experiment: MLflow's experiment; created when it does not exist.
    :param name: the run's name.
    :param artifact_location: where a new experiment stores its artifacts.
    """
    run = ClaimedRun(client, database, key)
    earlier = claims.begin(database, CLAIM_KIND, key)
    if earlier is not None and earlier["finished"]:
        run.finished = _restore_finished(client, earlier)
        if run.finished is not None:
            yield run
            return
        claims.record(database, CLAIM_KIND, key, {}, finished=False)
    experiment_id = get_or_create_experiment(client, experiment, artifact_location)
    if earlier is not None:
        remove_orphaned_runs(client, experiment_id, key)
    run.id = client.create_run(experiment_id, run_name=name, tags={**(tags or {}), **task_tags(key)}).info.run_id
    try:
        claims.record(database, CLAIM_KIND, key, {"run_id": run.id}, finished=False)
        yield run
    except BaseException as error:
        _end_failed(run, error)
        raise
    if earlier is not None:  # a concurrent zombie attempt may have created a run meanwhile
        remove_orphaned_runs(client, experiment_id, key, keep_run_id=run.id)


def _restore_finished(client: MlflowClient, earlier: Mapping[str, Any]) -> RunRef | None:
    """Return the finished run of an earlier attempt, restored if needed; ``None`` when MLflow no longer has it."""
    from mlflow.exceptions import MlflowException

    ref = RunRef.from_dict({k: v for k, v in earlier.items() if k != "finished"})
    try:
        info = client.get_run(ref.run_id).info
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        log.warning("MLflow has lost run %s of an earlier attempt; training again", ref.run_id)
        return None
    if info.lifecycle_stage == "deleted":
        client.restore_run(ref.run_id)
    if info.status != "FINISHED":  # killed between the record and the end of the run
        client.set_terminated(ref.run_id, "FINISHED")
    return ref


def _end_failed(run: ClaimedRun, error: BaseException) -> None:
    """End the run of a failing attempt. If MLflow is unreachable, the next attempt removes the run."""
    if run.finished is not None:  # recorded: the next attempt finds it and ends it
        return
    try:
        if isinstance(error, Conflict):  # a later attempt has taken over, and may have missed this run
            info = run.client.get_run(run.id).info
            if info.lifecycle_stage == "active":
                _remove(run.client, run.id, info.status)
        else:
            run.client.set_terminated(run.id, "FAILED")
    except Exception as cleanup_error:
        log.warning("could not end run %s; leaving it to the next attempt: %s", run.id, cleanup_error)


def remove_orphaned_runs(client: MlflowClient, experiment_id: str, key: str, *, keep_run_id: str | None = None) -> int:
    """Close and remove orphaned runs of a task's attempts, and return their number. Failed runs stay for inspection.

    :param keep_run_id: the id of the run to retain.
    """
    runs = client.search_runs([experiment_id], filter_string=f"{task_filter(key)} and attributes.status != 'FAILED'")
    orphans = [run.info for run in runs if run.info.run_id != keep_run_id]
    for info in orphans:
        _remove(client, info.run_id, info.status)
    return len(orphans)


def _remove(client: MlflowClient, run_id: str, status: str) -> None:
    if status not in ("FINISHED", "KILLED"):
        client.set_terminated(run_id, "KILLED")
    client.delete_run(run_id)


def get_or_create_experiment(client: MlflowClient, name: str, artifact_location: str | None = None) -> str:
    """Return the id of an experiment, creating it if needed; safe against concurrent creation.

    :param artifact_location: where a new experiment stores its artifacts; a tracking server has its own default.
    :raises BadInput: when a new experiment would store them in this process's working directory.
    """
    from mlflow.exceptions import MlflowException

    existing = client.get_experiment_by_name(name)
    if existing is None:
        if artifact_location is None and not client.tracking_uri.startswith(("http", "databricks")):
            raise BadInput(
                f"MLflow would store the artifacts of the new experiment {name!r} in this worker's working directory",
                where=f"a database tracking URI, {client.tracking_uri.partition(':')[0]}",
                hint='add "artifact_location": "file:///shared/models" (or s3://…) to the MLflow connection\'s extra',
            )
        try:
            return str(client.create_experiment(name, artifact_location=artifact_location))
        except MlflowException:
            existing = client.get_experiment_by_name(name)
            if existing is None:
                raise
    return str(existing.experiment_id)
