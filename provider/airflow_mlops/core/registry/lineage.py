"""Where a version comes from and what became of it: data, code, parameters, gate, approver, runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, MlopsError, NotFound
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshot import SnapshotRoot

_PARAM = "param."


def lineage(
    database: Database,
    model: str,
    version: int,
    *,
    client: MlflowClient | None = None,
    root: SnapshotRoot | None = None,
) -> dict[str, Any]:
    """Tell a version's story, in plain values.

    :param client: MLflow, which knows code and parameters; without it, or where it does not answer, the rest is told.
    :param root: the snapshot root, which knows what each snapshot was made of.
    :returns: ``version``; ``data``: part -> snapshot and what it was made of; ``run``, ``code``, ``parameters``,
        ``metrics``; ``gate``; ``reigns``: its entries in the ledger, newest first, with approver and reason.
    :raises NotFound: when there is no such version.
    """
    found = versions.get(database, model, version)
    reigns = [ledger.as_dict(entry) for entry in ledger.reigns_of(database, model, version)]
    return {
        "version": {**versions.as_dict(found), "artifact_uri": found.artifact_uri},
        "data": {part: _snapshot(ref, root) for part, ref in found.data.items()},
        **_run(found, client),
        "gate": _gate(database, found),
        "reigns": reigns,
    }


def version_named(database: Database, text: str) -> tuple[str, int]:
    """Read what a person calls a version: ``churn/3``, ``models:/churn/3``, ``churn v3``; ``churn``: its champion.

    :raises BadInput: when it is none of these.
    :raises NotFound: when a model is named that has no champion.
    """
    model, _, number = text.strip().removeprefix("models:/").replace(" v", "/").partition("/")
    if number.isdecimal():
        return model, int(number)
    if number or not model:
        raise BadInput(f"{text!r} names no version", mend="write model/version, for example churn/3")
    head = ledger.head(database, model)
    if head is None:
        raise NotFound(f"{model!r} has no champion", mend="write model/version, for example churn/3")
    return model, head.version


def rows_of(told: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give a lineage as rows of ``what``, ``which`` and ``value``, for a table."""
    rows = []
    for what, facts in told.items():
        if isinstance(facts, list):
            facts = {f"epoch {entry['epoch']}": _said(entry) for entry in facts}
        if not isinstance(facts, Mapping):
            facts = {"": facts}
        for which, value in facts.items():
            if value not in (None, {}, "") and not (what == "version" and which == "data"):
                rows.append({"what": what, "which": str(which), "value": _flat(value)})
    return rows


def _said(entry: Mapping[str, Any]) -> str:
    approved = f", approved by {entry['approver']}" if entry["approver"] else ""
    return f"{entry['action']} by {entry['actor']}{approved} from {entry['effective_at']}: {entry['reason']}"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_flat(inner)}" for key, inner in value.items() if inner not in (None, {}, ""))
    return str(value)


def _snapshot(ref: Mapping[str, Any], root: SnapshotRoot | None) -> dict[str, Any]:
    told = {name: ref.get(name) for name in ("dataset", "partition", "id", "rows", "uri")}
    if root is not None:
        try:
            told["made_of"] = json.loads(root.read_text(f"{ref['dataset']}/{ref['id']}.json")).get("source")
        except (MlopsError, OSError, ValueError):  # swept, or on another machine: the rest is still worth telling
            told["made_of"] = "unknown: its manifest cannot be read here"
    return told


def _run(version: Version, client: MlflowClient | None) -> dict[str, Any]:
    told: dict[str, Any] = {"run": {"id": version.run_id, "registered_by": version.actor}}
    if client is None or not version.run_id:
        return told
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(version.run_id)
    except MlflowException as error:
        told["run"]["unknown"] = f"MLflow does not tell of it: {str(error)[:200]}"
        return told
    tags, params = run.data.tags, run.data.params
    told["run"] |= {"status": run.info.status, "dag_run": tags.get("mlops.dag_run"), "name": run.info.run_name}
    told["code"] = {"version": tags.get(CODE_TAG), "build": params.get("build"), "python": tags.get(PYTHON_TAG)}
    told["parameters"] = {name.removeprefix(_PARAM): value for name, value in sorted(params.items())}
    told["metrics"] = dict(sorted(run.data.metrics.items()))
    return told


def _gate(database: Database, version: Version) -> dict[str, Any] | None:
    if version.gate_report is None:
        return None
    try:
        report = reports.get(database, version.gate_report)
    except NotFound as error:
        return {"report": version.gate_report, "decision": version.gate_decision, "unknown": error.what}
    binding = report.facts.get("binding") or {}
    return {
        "report": report.id,
        "decision": report.decision,
        "verdict": report.verdict,
        "against": binding.get("champion_version"),
        "gain": report.facts.get("gain"),
    }
