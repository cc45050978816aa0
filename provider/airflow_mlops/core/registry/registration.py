"""Registering a run's model as a version, once for each task, with its data, profile and contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import checked_name
from airflow_mlops.core.refs import ModelVersionRef, RunRef, SnapshotRef
from airflow_mlops.core.registry.loading import local_folder, verify
from airflow_mlops.core.training.recorded import CONTRACT, KEPT_TAG, PROFILE
from airflow_mlops.core.training.runs import KEY_TAG
from airflow_mlops.store import claims, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KIND = "version"


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
    """Register a run's model.

    :param model: the registered model's name.
    :param run: the run whose artifact it is.
    :param data: part -> snapshot: ``train``, ``validation``, ``test``; the gate checks later that its rows are in none
        of the first two.
    :param baseline: the training profile, with which drift will be judged.
    :param contract: the contract that its data kept.
    :param cutoff: the partition of the last data it was trained on.
    :param key: ``dag_id/run_id/task_id/map_index``: a retry gives the same version.
    :raises Refused: when the artifact is not the one that the run wrote.
    """
    checked_name(model, "model")
    earlier = claims.begin(database, _KIND, key)
    if earlier is not None and earlier["finished"]:
        return ModelVersionRef.from_dict({k: v for k, v in earlier.items() if k != "finished"})
    made = client.get_run(run.run_id)
    source = f"{made.info.artifact_uri}/{run.artifact}"
    verify(local_folder(source, client.tracking_uri), run.digest)
    number = _adopted(client, model, key) if earlier is not None else None
    if number is None:
        number = _create(client, model, source, run, key)
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
    versions.add(database, version)
    ref = versions.ref(version)
    kept = made.data.tags.get(KEPT_TAG, "").split()  # what its training has put there already
    for name, content in ((PROFILE, baseline), (CONTRACT, contract)):
        if content is not None and name not in kept:
            client.log_dict(run.run_id, dict(content), name)
    claims.note(database, _KIND, key, ref.to_dict(), finished=True)
    return ref


def _create(client: MlflowClient, model: str, source: str, run: RunRef, key: str) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = {KEY_TAG: key, "mlops.digest": run.digest, "mlops.candidate": run.candidate}
    return int(client.create_model_version(model, source, run_id=run.run_id, tags=tags).version)


def _adopted(client: MlflowClient, model: str, key: str) -> int | None:
    """Give the version that a killed attempt of this task has made, if it came that far."""
    # The key is compared here: MLflow's filter has no way to write every character that a run_id may have.
    found = client.search_model_versions(f"name = '{model}'")
    return min((int(v.version) for v in found if v.tags.get(KEY_TAG) == key), default=None)
