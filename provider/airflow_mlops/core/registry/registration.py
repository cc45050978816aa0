"""Registration of a run's model as a version, once per task, with its data, profile and contract."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, Conflict
from airflow_mlops.common.refs import ModelVersionRef, RunRef, SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import validate_name
from airflow_mlops.core.models.loading import verify_digest
from airflow_mlops.core.tracking import local_files
from airflow_mlops.core.tracking.tags import task_filter, task_tags
from airflow_mlops.core.training.run_recording import CONTRACT_FILE, PROFILE_FILE, RUN_FILES_TAG
from airflow_mlops.store import claims, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
CLAIM_KIND = "version"


def register(
    client: MlflowClient,
    database: Database,
    *,
    model: str,
    run: RunRef,
    data: Mapping[str, SnapshotRef],
    baseline: Mapping[str, Any],
    contract: Mapping[str, Any] | None,
    cutoff: str | None,
    key: str,
) -> ModelVersionRef:
    """Register a run's model as a version.

    :param model: the registered model's name.
    :param run: the run whose artifact it is.
    :param data: part -> snapshot: ``train``, ``validation``, ``test``; the gate checks later that its rows are not in
        the first two.
    :param baseline: the training profile, the reference of drift checks.
    :param contract: the contract that its data fulfils.
    :param cutoff: the last partition it was trained on.
    :param key: ``dag_id/run_id/task_id/map_index``; a retry returns the same version.
    :raises BadInput: when the run was trained on a snapshot that is not in ``data``.
    :raises Refused: when the artifact is not the one that the run wrote.
    """
    validate_name(model, "model")
    earlier = claims.begin(database, CLAIM_KIND, key)
    if earlier is not None and earlier["finished"]:
        return ModelVersionRef.from_dict({k: v for k, v in earlier.items() if k != "finished"})
    mlflow_run = client.get_run(run.run_id)
    _check_training_data(mlflow_run.data.params, data)
    source = f"{mlflow_run.info.artifact_uri}/{run.artifact}"
    with local_files(source, client) as folder:
        verify_digest(folder, run.digest)
    number = None if earlier is None else _reuse_version(client, model, source, run, key)
    if number is None:
        number = _create(client, model, source, run, data, key)
    version = Version(
        model=model,
        version=number,
        digest=run.digest,
        run_id=run.run_id,
        artifact_uri=source,
        cutoff=cutoff,
        candidate=run.candidate,
        data={part: ref.to_dict() for part, ref in data.items()},
        baseline=dict(baseline),
        contract=None if contract is None else dict(contract),
        actor=key,
        recorded_at=now(),
    )
    ref = versions.ref(version)
    logged = mlflow_run.data.tags.get(RUN_FILES_TAG, "").split()  # files that its training has already logged
    for name, content in ((PROFILE_FILE, baseline), (CONTRACT_FILE, contract)):
        if content is not None and name not in logged:
            client.log_dict(run.run_id, dict(content), name)
    try:
        claims.finish_with_row(database, CLAIM_KIND, key, ref.to_dict(), row=version)
    except Conflict:
        _withdraw(client, database, ref, key)
        raise
    if earlier is not None:  # an earlier attempt that is still running may have created a version since
        _remove(client, model, [v for v in _task_versions(client, model, key) if v != number])
    return ref


def _check_training_data(params: Mapping[str, str], data: Mapping[str, SnapshotRef]) -> None:
    """Raise unless the run's training snapshot is in ``data``: the gate would search the wrong data for seen rows."""
    trained_on = params.get("train_snapshot")
    if trained_on and trained_on not in {ref.id for part, ref in data.items() if part != "test"}:
        raise BadInput(
            f"the run was trained on snapshot {trained_on}, which is not in data, or only as the test rows",
            where=", ".join(f"{part}={ref.id}" for part, ref in data.items()),
            hint="register with the same parts that were passed to the training",
        )


def _create(
    client: MlflowClient, model: str, source: str, run: RunRef, data: Mapping[str, SnapshotRef], key: str
) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = {
        **task_tags(key),
        "mlops.digest": run.digest,
        "mlops.candidate": run.candidate,
        **{f"mlops.data.{part}": ref.id for part, ref in data.items()},
    }
    return int(client.create_model_version(model, source, run_id=run.run_id, tags=tags).version)


def _reuse_version(client: MlflowClient, model: str, source: str, run: RunRef, key: str) -> int | None:
    """Return the version that an earlier attempt has created of the same files, if any; remove the task's others."""
    existing = _task_versions(client, model, key)
    same_files = [
        n
        for n, v in existing.items()
        if (v.run_id, v.source, v.tags.get("mlops.digest")) == (run.run_id, source, run.digest)
    ]
    reused = min(same_files, default=None)
    _remove(client, model, [number for number in existing if number != reused])
    return reused


def _task_versions(client: MlflowClient, model: str, key: str) -> dict[int, Any]:
    """Return all versions that attempts of a task have created, by number."""
    return {int(v.version): v for v in client.search_model_versions(f"name = '{model}' and {task_filter(key)}")}


def _remove(client: MlflowClient, model: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        log.warning("Deleting %s v%s: created by an attempt that did not finish", model, number)
        client.delete_model_version(model, str(number))


def _withdraw(client: MlflowClient, database: Database, ref: ModelVersionRef, key: str) -> None:
    """Remove the version of a superseded attempt, unless the later attempt reuses it.

    While the later attempt is not finished it may still do so, and then removes duplicates itself.
    """
    last = claims.get(database.unfenced(), CLAIM_KIND, key)  # a superseded attempt may still read
    if last is None or not last["finished"] or (last["model"], last["version"]) == (ref.model, ref.version):
        return
    try:
        _remove(client, ref.model, [ref.version])
    except Exception as error:
        log.warning("Could not delete %s v%s; leaving it for the cleanup: %s", ref.model, ref.version, error)
