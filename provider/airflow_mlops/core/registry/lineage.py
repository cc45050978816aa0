"""Lineage of a version: data, code, parameters, gate, approver and champion periods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, MlopsError, NotFound
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

_PARAM = "param."


def build_lineage(
    database: Database,
    model: str,
    version: int,
    *,
    client: MlflowClient | None = None,
    root: SnapshotRoot | None = None,
) -> dict[str, Any]:
    """Return a version's lineage as a JSON-serialisable dict.

    :param client: MLflow, for code and parameters. Without it, or where it does not respond, they are left out.
    :param root: the snapshot root, for the source of each snapshot.
    :returns: ``version``; ``data``: part -> snapshot and its source; ``run``, ``code``, ``parameters``, ``metrics``;
        ``gate``; ``champion_periods``: its entries in the ledger, newest first, with approver and reason.
    :raises NotFound: when there is no such version.
    """
    row = versions.get(database, model, version)
    periods = [ledger.to_dict(entry) for entry in ledger.entries_of_version(database, model, version)]
    return {
        "version": {**versions.to_dict(row), "artifact_uri": row.artifact_uri},
        "data": {part: _snapshot(ref, root) for part, ref in row.data.items()},
        **_run(row, client),
        "gate": _gate(database, row),
        "champion_periods": periods,
    }


def parse_version(database: Database, text: str) -> tuple[str, int]:
    """Parse a version: ``churn/3``, ``models:/churn/3`` or ``churn v3``; ``churn`` alone is its champion.

    :raises BadInput: when it is none of these.
    :raises NotFound: when the model has no champion.
    """
    model, _, number = text.strip().removeprefix("models:/").replace(" v", "/").partition("/")
    if number.isdecimal():
        return model, int(number)
    if number or not model:
        raise BadInput(f"{text!r} is not a valid version", hint="use model/version, for example churn/3")
    head = ledger.head(database, model)
    if head is None:
        raise NotFound(f"{model!r} has no champion", hint="use model/version, for example churn/3")
    return model, head.version


def lineage_rows(lineage: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a lineage as rows of ``what``, ``which`` and ``value``, for a table."""
    rows = []
    for what, facts in lineage.items():
        if isinstance(facts, list):
            facts = {f"revision {entry['revision']}": _summary(entry) for entry in facts}
        if not isinstance(facts, Mapping):
            facts = {"": facts}
        for which, value in facts.items():
            if value not in (None, {}, "") and not (what == "version" and which == "data"):
                rows.append({"what": what, "which": str(which), "value": _to_text(value)})
    return rows


def _summary(entry: Mapping[str, Any]) -> str:
    approved = f", approved by {entry['approver']}" if entry["approver"] else ""
    return f"{entry['action']} by {entry['actor']}{approved} from {entry['effective_at']}: {entry['reason']}"


def _to_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_to_text(inner)}" for key, inner in value.items() if inner not in (None, {}, ""))
    return str(value)


def _snapshot(ref: Mapping[str, Any], root: SnapshotRoot | None) -> dict[str, Any]:
    facts = {name: ref.get(name) for name in ("dataset", "partition", "id", "rows", "uri")}
    if root is not None:
        try:
            facts["source"] = json.loads(root.read_text(f"{ref['dataset']}/{ref['id']}.json")).get("source")
        except (MlopsError, OSError, ValueError):  # deleted, or on another machine: the rest is still useful
            facts["source"] = "unknown: its manifest cannot be read here"
    return facts


def _run(version: Version, client: MlflowClient | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"run": {"id": version.run_id, "registered_by": version.actor}}
    if client is None or not version.run_id:
        return facts
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(version.run_id)
    except MlflowException as error:
        facts["run"]["unknown"] = f"MLflow did not return the run: {str(error)[:200]}"
        return facts
    tags, params = run.data.tags, run.data.params
    facts["run"] |= {"status": run.info.status, "dag_run": tags.get("mlops.dag_run"), "name": run.info.run_name}
    facts["code"] = {"version": tags.get(CODE_TAG), "build": params.get("build"), "python": tags.get(PYTHON_TAG)}
    facts["parameters"] = {name.removeprefix(_PARAM): value for name, value in sorted(params.items())}
    facts["metrics"] = dict(sorted(run.data.metrics.items()))
    return facts


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
