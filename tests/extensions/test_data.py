"""Contract check, drift method, database dialect and notifier of a third party, and the list of all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from acme_mlops.sources import Crm
from airflow.sdk import DAG, task
from sqlalchemy import create_engine

from airflow_mlops.api import BadInput, DatabaseTable, ProfileRef, ReportRef, SnapshotRef, profile, validate
from airflow_mlops.core.data.profiles.storage import load_profile
from airflow_mlops.dag_factory import lifecycle_dags
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.profile import ProfileDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.store import reports

DAY = "2026-04-06"
BAD = 6
CHECKS = {"iban": {"country": "DE"}, "acme_mlops.by_path:length": {"prefix": "DE"}}


def contract(check: str) -> dict[str, Any]:
    return {
        "name": "leads",
        "columns": {"id": {"type": "int"}, "account": {"type": "str", "checks": {check: CHECKS[check]}}},
        "unknown_columns": "ignore",
    }


@pytest.mark.parametrize("check", CHECKS, ids=["entry point", "import path"])
def test_a_check_fails_a_validation_and_quarantines_rows(
    check: str, run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    with DAG("checks", schedule=None) as dag:
        rows = IngestDatasetOperator(
            task_id="ingest", dataset="leads", partition=DAY, source={"kind": "crm", "bad": BAD}
        ).output
        options = {"snapshot": rows, "contract": contract(check)}
        ValidateDatasetOperator(task_id="fails", **options)
        ValidateDatasetOperator(task_id="quarantines", quarantine="clean", **options)

    run = run_dag(dag)

    assert run.states == {"ingest": "success", "fails": "failed", "quarantines": "success"}
    failed = report(lifecycle, run.xcom("fails", "report"))
    assert [(c.where, c.name, c.observed["count"]) for c in failed.failed] == [("account", check, BAD)]
    good, bad = (SnapshotRef.from_dict(run.xcom("quarantines")[side]) for side in ("good", "bad"))
    assert (good.rows, bad.rows) == (2000 - BAD, BAD)
    assert lifecycle.root.open(bad).to_pandas()["account"].str.startswith("FR").all()


SPEC = """
model: m
key: id
target: left
start: {day}
features: {{source: crm}}
labels: {{source: crm, delay: 7d}}
training: {{candidates: ["acme_mlops.models:Threshold"]}}
notify: {{kind: "{kind}", path: "{path}", verdicts: [fail]}}
"""


@pytest.mark.parametrize(
    ("column", "method", "notifier", "begin"),
    [
        ("region", "hellinger", "notebook", "m_monitoring"),
        ("age", "acme_mlops.by_path:mean_shift", "acme_mlops.by_path:Diary", "Dear diary, m_monitoring"),
    ],
    ids=["entry points", "import paths"],
)
def test_a_drift_method_gives_the_verdict_and_a_notifier_sends_it(
    column: str, method: str, notifier: str, begin: str, run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    messages = lifecycle.folder / "messages.txt"
    callback = notifier_of_lifecycle_file(lifecycle.folder, notifier, messages)
    with DAG("m_monitoring", schedule=None) as dag:
        days = IngestDatasetOperator.partial(task_id="ingest", dataset="leads", source="crm").expand_kwargs(
            [
                {"partition": "2026-03-30"},
                {"partition": DAY, "source_options": {"rows": 1900}},
                {"partition": "2026-04-13", "source_options": {"shift": 20}},
            ]
        )
        check = CheckDriftOperator.partial(
            task_id="drift",
            reference="leads@2026-03-30",
            policy={"drift": {"columns": {column: {"method": method}}, "ignore": ["id", "account", "left", "noise"]}},
            on_success_callback=callback,
        )
        days >> check.expand(snapshot=[f"leads@{DAY}", "leads@2026-04-13"])

    run = run_dag(dag)

    refs = [run.xcom("drift", map_index=i) for i in range(2)]
    assert [ref["verdict"] for ref in refs] == ["pass", "fail"]
    (drifted,) = [c for c in report(lifecycle, refs[1]).failed if c.where == column]
    assert method in str(drifted.to_dict()) or "mean moved by" in str(drifted.to_dict())
    text = messages.read_text()
    assert text.startswith(begin)
    assert refs[1]["id"] in text
    assert refs[0]["id"] not in text


def notifier_of_lifecycle_file(folder: Path, kind: str, path: Path) -> Any:
    """Return the callback that ``notify:`` of a lifecycle file makes."""
    file = folder / "lifecycle.yaml"
    file.write_text(SPEC.format(day=DAY, kind=kind, path=path))
    (folder / "contract.yaml").write_text(json.dumps(contract("iban")))
    dags = {dag.dag_id: dag for dag in lifecycle_dags(str(file))}
    (callback,) = dags["m_monitoring"].get_task("drift").on_success_callback
    return callback


@pytest.fixture
def table(lifecycle: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database file with the table ``leads``, at the connection ``shop``."""
    path = lifecycle.folder / "shop.db"
    Crm(bad=BAD).customers(DAY).to_pandas().to_sql("leads", create_engine(f"sqlite:///{path}"), index=False)
    extra = {"sqlalchemy_url": f"acmedb:///{path}"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "generic", "extra": extra}))
    return path


def test_a_dialect_profiles_and_validates_a_table_as_a_file_of_its_rows(
    table: Path, run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    with DAG("dialects", schedule=None) as dag:
        rows = IngestDatasetOperator(
            task_id="ingest", dataset="leads", partition=DAY, source={"kind": "crm", "bad": BAD}
        ).output
        of_file = ProfileDatasetOperator(task_id="of_file", snapshot=rows)
        shop = {"conn_id": "shop", "table": "leads"}
        ProfileDatasetOperator(task_id="of_table", like=of_file.output, **shop)
        ValidateDatasetOperator(task_id="valid", contract=contract("iban"), when_failed="warn", **shop)
        ValidateDatasetOperator(
            task_id="unknown", contract=contract("acme_mlops.by_path:length"), when_failed="warn", **shop
        )

        @task(task_id="by_path")
        def profile_by_path() -> dict[str, Any]:
            dialect = "acme_mlops.by_path:StrictSqlite"
            leads = DatabaseTable(f"sqlite:///{table}", "leads", dialect=dialect)
            return {"rows": profile(leads).rows, "failed": len(validate(leads, contract("iban")).failed)}

        profile_by_path()

    run = run_dag(dag)

    assert run.state == "success"
    in_file, in_table = (
        load_profile(lifecycle.root, ProfileRef.from_dict(run.xcom(task_id))).to_dict()
        for task_id in ("of_file", "of_table")
    )
    assert in_table["columns"]["region"] == in_file["columns"]["region"]
    (violation,) = report(lifecycle, run.xcom("valid")).failed
    assert (violation.where, violation.name, violation.observed["count"]) == ("account", "iban", BAD)
    assert run.xcom("unknown")["verdict"] == "inconclusive", "the check has no SQL"
    assert run.xcom("by_path") == {"rows": 2000, "failed": 1}
    with pytest.raises(BadInput, match="not a valid database dialect"):
        DatabaseTable(f"sqlite:///{table}", "leads", dialect="acme_mlops.by_path:Length")


def test_the_command_lists_all_nine(airflow_home: Path) -> None:
    command = [sys.executable, "-P", "-m", "airflow", "mlops", "extensions", "--output", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(ended.stdout)
    assert {row["kind"]: row["name"] for row in rows} == {
        "metric": "profit",
        "contract check": "iban",
        "drift method": "hellinger",
        "model format": "acme_json",
        "runtime": "nice",
        "database dialect": "acmedb",
        "row source": "crm",
        "split rule": "by_region",
        "notifier": "notebook",
    }
    assert all(row["from"].startswith("acme_mlops.") and not row["problem"] for row in rows)


def report(lifecycle: Any, ref: dict[str, Any]) -> Any:
    """Return a published report."""
    return reports.get(lifecycle.database, ReportRef.from_dict(ref).id)
