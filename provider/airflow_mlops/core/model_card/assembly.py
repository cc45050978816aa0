"""Collects the facts for a model card, and writes the card to MLflow."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.model_card import CardInputs, OwnerNotes, TrainingRunFacts
from airflow_mlops.core.reports.documents import ReportDocument, render_document_markdown, render_html
from airflow_mlops.core.training.run_recording import ESTIMATOR_FILE
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

CARD_HTML, CARD_MARKDOWN = "model_card.html", "model_card.md"
DESCRIPTION = f"Its model card is {CARD_HTML}, and {CARD_MARKDOWN}, among the artifacts of its run."


def collect_facts(
    client: MlflowClient,
    database: Database,
    root: SnapshotRoot,
    ref: ModelVersionRef,
    *,
    evaluation: Report | None = None,
    gate: Report | None = None,
    self_tests: Report | None = None,
    owners: OwnerNotes | None = None,
) -> CardInputs:
    """Collect the facts about a version from the store, the snapshots and MLflow; deleted ones are ``None``.

    :param evaluation: the evaluation report.
    :param gate: the gate report; default: the newest decision that is bound to the version.
    :param self_tests: the report of the model tests.
    :param owners: the owners' notes.
    :raises NotFound: when the version is not in the store.
    :raises Refused: when the version in the store has another digest.
    :raises BadInput: when a report is of another version.
    """
    version = versions.get(database, ref.model, ref.version)
    if version.digest != ref.digest:
        raise Refused(
            f"{ref} has other files than the version in the store",
            where=f"digests {version.digest[:12]}…, {ref.digest[:12]}…",
            hint="pass the output of the RegisterModelOperator",
        )
    if gate is None and version.gate_report is not None:
        gate = reports.get(database, version.gate_report)
    return CardInputs(
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
        split=_load_split(root, version),
        contract=_load_contract(version),
        run=_load_run(client, version.run_id),
        evaluation=evaluation,
        gate=gate,
        self_tests=self_tests,
        entry=_newest_entry(database, version),
        owners=owners or OwnerNotes(),
    )


def write_card(client: MlflowClient, ref: ModelVersionRef, card: ReportDocument) -> None:
    """Write the card as artifacts of the version's run, replacing an earlier one, and set the version's description.

    An existing description is not changed.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-card-") as temporary:
        folder = Path(temporary)
        (folder / CARD_HTML).write_text(render_html(card), encoding="utf-8")
        (folder / CARD_MARKDOWN).write_text(render_document_markdown(card), encoding="utf-8")
        client.log_artifacts(ref.run_id, temporary)  # one call for both files: the overhead of a call dominates
    if not client.get_model_version(ref.model, str(ref.version)).description:
        client.update_model_version(ref.model, str(ref.version), description=DESCRIPTION)


def _load_contract(version: Version) -> Contract | None:
    try:
        return None if version.contract is None else Contract.load(version.contract)
    except BadInput:  # written by another version of this package
        return None


def _load_split(root: SnapshotRoot, version: Version) -> Mapping[str, Any] | None:
    """Read the split rule from the manifest of the training snapshot."""
    train = version.data.get("train")
    if not isinstance(train, Mapping):
        return None
    try:
        manifest = json.loads(root.read_text(f"{train['dataset']}/{train['id']}.json"))
        split = manifest["source"]["split"]
    except (OSError, KeyError, TypeError, ValueError):  # the snapshot was deleted, or it is not from a split
        return None
    return split if isinstance(split, Mapping) else None


def _load_run(client: MlflowClient, run_id: str) -> TrainingRunFacts | None:
    from mlflow.exceptions import MlflowException

    try:
        data = client.get_run(run_id).data
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise  # MLflow is unavailable: a retry may succeed
        return None
    return TrainingRunFacts(dict(data.params), dict(data.tags), dict(data.metrics), _load_estimator(client, run_id))


def _load_estimator(client: MlflowClient, run_id: str) -> Mapping[str, Any] | None:
    """Read the type and parameters of the fitted estimator; ``None`` when the training did not save them."""
    if ESTIMATOR_FILE not in {file.path for file in client.list_artifacts(run_id)}:
        return None
    with tempfile.TemporaryDirectory(prefix="mlops-card-") as temporary:
        path = client.download_artifacts(run_id, ESTIMATOR_FILE, temporary)
        estimator = json.loads(Path(path).read_text(encoding="utf-8"))
    return estimator if isinstance(estimator, Mapping) else None


def _newest_entry(database: Database, version: Version) -> Mapping[str, Any] | None:
    """Return the version's newest ledger entry among the last hundred of its model."""
    entries = ledger.history(database, version.model)
    own = [e for e in entries if e.version == version.version and e.digest == version.digest]
    return ledger.to_dict(own[0]) if own else None
