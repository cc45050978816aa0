"""Making a version's model card: gathering what is known, and writing it beside the model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import BadInput, Refused
from airflow_mlops.core.evaluation.card import Known, Owners, Run
from airflow_mlops.core.pages.documents import Document, html, markdown
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.report import Report
from airflow_mlops.core.training.recorded import ESTIMATOR
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE, TEXT = "model_card.html", "model_card.md"
DESCRIPTION = f"Its model card is {PAGE}, and {TEXT}, among the artifacts of its run."


def gather(
    client: MlflowClient,
    database: Database,
    root: SnapshotRoot,
    ref: ModelVersionRef,
    *,
    evaluation: Report | None = None,
    gate: Report | None = None,
    self_tests: Report | None = None,
    owners: Owners | None = None,
) -> Known:
    """Gather what the store, the snapshots and MLflow know of a version. What is gone is ``None``.

    :param evaluation: its evaluation.
    :param gate: what the gate decided on it; default: the newest decision that is bound to the version.
    :param self_tests: its self-tests.
    :param owners: what its owners say of it.
    :raises NotFound: when the version is not in the store.
    :raises Refused: when the version in the store has other files.
    :raises BadInput: when a report is of another version.
    """
    version = versions.get(database, ref.model, ref.version)
    if version.digest != ref.digest:
        raise Refused(
            f"{ref} in the store has other files than the one that was given",
            where=f"digests {version.digest[:12]}…, {ref.digest[:12]}…",
            mend="pass the output of the RegisterModelOperator",
        )
    if gate is None and version.gate_report is not None:
        gate = reports.get(database, version.gate_report)
    return Known(
        model=version.model,
        version=version.version,
        digest=version.digest,
        run_id=version.run_id,
        candidate=version.candidate,
        actor=version.actor,
        recorded_at=version.recorded_at.isoformat(),
        artifact_uri=version.artifact_uri,
        cutoff=version.cutoff,
        data=version.data,
        split=_split(root, version),
        contract=_contract(version),
        run=_run(client, version.run_id),
        evaluation=evaluation,
        gate=gate,
        self_tests=self_tests,
        entry=_entry(database, version),
        owners=owners or Owners(),
    )


def attach(client: MlflowClient, ref: ModelVersionRef, card: Document) -> None:
    """Write the card as artifacts of the version's run, in place of an earlier one, and point to it from the registry.

    A description that somebody has written stays.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-card-") as temporary:
        folder = Path(temporary)
        (folder / PAGE).write_text(html(card), encoding="utf-8")
        (folder / TEXT).write_text(markdown(card), encoding="utf-8")
        client.log_artifacts(ref.run_id, temporary)  # both in one call: each costs more than the files do
    if not client.get_model_version(ref.model, str(ref.version)).description:
        client.update_model_version(ref.model, str(ref.version), description=DESCRIPTION)


def _contract(version: Version) -> Contract | None:
    try:
        return None if version.contract is None else Contract.load(version.contract)
    except BadInput:  # of another version of this package
        return None


def _split(root: SnapshotRoot, version: Version) -> Mapping[str, Any] | None:
    """Read the rule of the split out of the manifest of the training rows."""
    train = version.data.get("train")
    if not isinstance(train, Mapping):
        return None
    try:
        manifest = json.loads(root.read_text(f"{train['dataset']}/{train['id']}.json"))
        found = manifest["source"]["split"]
    except (OSError, KeyError, TypeError, ValueError):  # the rows are gone, or nobody has split them
        return None
    return found if isinstance(found, Mapping) else None


def _run(client: MlflowClient, run_id: str) -> Run | None:
    from mlflow.exceptions import MlflowException

    try:
        data = client.get_run(run_id).data
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise  # MLflow does not answer: a retry may find it
        return None
    return Run(dict(data.params), dict(data.tags), dict(data.metrics), _estimator(client, run_id))


def _estimator(client: MlflowClient, run_id: str) -> Mapping[str, Any] | None:
    """Read what the training has kept of the fitted estimator; ``None`` when it has kept nothing."""
    if ESTIMATOR not in {file.path for file in client.list_artifacts(run_id)}:
        return None
    with tempfile.TemporaryDirectory(prefix="mlops-card-") as temporary:
        path = client.download_artifacts(run_id, ESTIMATOR, temporary)
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    return found if isinstance(found, Mapping) else None


def _entry(database: Database, version: Version) -> Mapping[str, Any] | None:
    """Give the version's newest entry in the ledger, among the last hundred of its model."""
    entries = ledger.history(database, version.model)
    mine = [e for e in entries if e.version == version.version and e.digest == version.digest]
    return ledger.as_dict(mine[0]) if mine else None
