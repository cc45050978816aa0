"""Registering a run's model as a version, once for each task, with its data, profile and contract."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import checked_name
from airflow_mlops.core.errors import BadInput, Conflict
from airflow_mlops.core.refs import ModelVersionRef, RunRef, SnapshotRef
from airflow_mlops.core.registry.loading import verify
from airflow_mlops.core.tracking import local_files
from airflow_mlops.core.tracking.marks import made_for, marks
from airflow_mlops.core.training.recorded import CONTRACT, KEPT_TAG, PROFILE
from airflow_mlops.store import claims, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
KIND = "version"


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
    :raises BadInput: when the run was trained on rows that are in no part of ``data``.
    :raises Refused: when the artifact is not the one that the run wrote.
    """
    checked_name(model, "model")
    earlier = claims.begin(database, KIND, key)
    if earlier is not None and earlier["finished"]:
        return ModelVersionRef.from_dict({k: v for k, v in earlier.items() if k != "finished"})
    made = client.get_run(run.run_id)
    _trained_on_what_is_given(made.data.params, data)
    source = f"{made.info.artifact_uri}/{run.artifact}"
    with local_files(source, client) as folder:
        verify(folder, run.digest)
    number = None if earlier is None else _adopted(client, model, source, run, key)
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
    kept = made.data.tags.get(KEPT_TAG, "").split()  # what its training has put there already
    for name, content in ((PROFILE, baseline), (CONTRACT, contract)):
        if content is not None and name not in kept:
            client.log_dict(run.run_id, dict(content), name)
    try:
        claims.conclude(database, KIND, key, ref.to_dict(), beside=version)
    except Conflict:
        _withdraw(client, database, ref, key)
        raise
    if earlier is not None:  # an attempt that lives on beside this one may have made a version after the first look
        _remove(client, model, [v for v in _made(client, model, key) if v != number])
    return ref


def _trained_on_what_is_given(noted: Mapping[str, str], data: Mapping[str, SnapshotRef]) -> None:
    """Refuse data that the run was not trained on: the gate would look for seen rows in the wrong ones."""
    trained_on = noted.get("train_snapshot")
    if trained_on and trained_on not in {ref.id for part, ref in data.items() if part != "test"}:
        raise BadInput(
            f"the run was trained on snapshot {trained_on}, which is in no part of data but perhaps the test rows",
            where=", ".join(f"{part}={ref.id}" for part, ref in data.items()),
            mend="register with the parts that the training was given",
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
        **marks(key),
        "mlops.digest": run.digest,
        "mlops.candidate": run.candidate,
        **{f"mlops.data.{part}": ref.id for part, ref in data.items()},
    }
    return int(client.create_model_version(model, source, run_id=run.run_id, tags=tags).version)


def _adopted(client: MlflowClient, model: str, source: str, run: RunRef, key: str) -> int | None:
    """Give the version that an earlier attempt has made of the very same files, if it came that far; others of this
    task are removed.
    """
    made = _made(client, model, key)
    same = [
        n
        for n, v in made.items()
        if (v.run_id, v.source, v.tags.get("mlops.digest")) == (run.run_id, source, run.digest)
    ]
    adopted = min(same, default=None)
    _remove(client, model, [number for number in made if number != adopted])
    return adopted


def _made(client: MlflowClient, model: str, key: str) -> dict[int, Any]:
    """Give all versions that attempts of a task have made, by number."""
    return {int(v.version): v for v in client.search_model_versions(f"name = '{model}' and {made_for(key)}")}


def _remove(client: MlflowClient, model: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        log.warning("%s v%s was left by an attempt that did not finish: removed", model, number)
        client.delete_model_version(model, str(number))


def _withdraw(client: MlflowClient, database: Database, ref: ModelVersionRef, key: str) -> None:
    """Remove what a superseded attempt has made, unless the later one has adopted it, or may yet do so: then that one
    removes what is too much.
    """
    last = claims.look(database.unfenced(), KIND, key)  # not through the fence: this attempt only wants to know
    if last is None or not last["finished"] or (last["model"], last["version"]) == (ref.model, ref.version):
        return
    try:
        _remove(client, ref.model, [ref.version])
    except Exception as trouble:
        log.warning("%s v%s is too much, and is left: %s", ref.model, ref.version, trouble)
