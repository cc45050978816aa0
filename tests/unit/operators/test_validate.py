"""The operators that hold data against a contract: the report first, then failure, branch or parting of the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped
from sqlalchemy import create_engine

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.profiles import profile, storage
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.validate import ValidateDatasetBranchOperator, ValidateDatasetOperator
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database

Execute = Callable[..., Any]
DAY = "2026-04-06"
CONTRACT: dict[str, Any] = {
    "name": "orders",
    "key": "id",
    "columns": {"id": {"type": "int"}, "price": {"type": "float", "min": 0}, "paid": {"type": "bool", "role": "label"}},
    "environments": {"serving": {"without": ["paid"]}},
}


def orders(rows: int = 100, bad: int = 0) -> pd.DataFrame:
    price = [float(-1 if i < bad else i) for i in range(rows)]
    return pd.DataFrame({"id": range(rows), "price": price, "paid": [i % 2 == 0 for i in range(rows)]})


@pytest.fixture
def saved(database: Database, root: SnapshotRoot) -> Callable[..., SnapshotRef]:
    """Write a snapshot and put it in the catalogue."""

    def keep(frame: pd.DataFrame, dataset: str = "orders", partition: str | None = DAY) -> SnapshotRef:
        ref = root.write(dataset, frame, partition=partition)
        if partition is not None:
            catalogue.record(database, ref)
        return ref

    return keep


def validating(**how: Any) -> ValidateDatasetOperator:
    return ValidateDatasetOperator(**{"task_id": "t", "contract": CONTRACT, "snapshot": f"orders@{DAY}"} | how)


@pytest.mark.parametrize(
    "rows",
    [
        {"snapshot": None},
        {"conn_id": "shop", "table": "orders"},
        {"snapshot": None, "conn_id": "shop"},
        {"snapshot": None, "table": "orders"},
        {"table": "orders"},
    ],
    ids=str,
)
def test_rows_from_nowhere_or_from_two_places_fail_at_once(rows: dict[str, Any], execute: Execute, saved: Any) -> None:
    saved(orders())
    ended = execute(validating(**rows))
    assert isinstance(ended.error, AirflowFailException)
    assert "exactly one input is required" in str(ended.error)
    assert (ended.pushed, ended.published) == ({}, [])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"snapshot": "orders@1999-01-01"}, "orders"),
        ({"contract": "no/such/contract.yaml"}, "no/such/contract.yaml"),
        ({"contract": {"name": "orders", "columns": {"id": {"type": "integer"}}}}, "integer"),
        ({"environment": "staging"}, "no environment 'staging'"),
        ({"as_of": "yesterday"}, "as_of is not a valid timestamp; got 'yesterday'"),
        ({"reference": "orders@1999-01-01"}, "orders"),
    ],
    ids=["snapshot", "path", "contract", "environment", "as_of", "reference"],
)
def test_what_a_retry_cannot_hint_fails_at_once_and_names_it(
    how: dict[str, Any], message: str, execute: Execute, saved: Any
) -> None:
    saved(orders())
    ended = execute(validating(**how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
    assert ended.published == []


def test_a_broken_contract_fails_the_task_after_its_report_is_published(execute: Execute, saved: Any) -> None:
    saved(orders(bad=3))
    ended = execute(validating())
    assert isinstance(ended.error, AirflowFailException)
    assert "price: min" in str(ended.error)
    assert ended.report.id in str(ended.error)
    assert ended.pushed == {"report": ended.report.ref().to_dict()}
    assert (ended.report.verdict, ended.report.subject) == ("fail", f"orders {DAY}")


def test_told_to_warn_it_gives_the_failed_report_and_goes_on(execute: Execute, saved: Any) -> None:
    saved(orders(bad=3))
    ended = execute(validating(when_failed="warn"))
    assert ended.error is None
    assert ended.result == ended.pushed["report"] == ended.report.ref().to_dict()
    assert ended.result["verdict"] == "fail"


def test_a_contract_is_a_path_or_its_content_and_templates_are_rendered(
    execute: Execute, saved: Any, tmp_path: Path
) -> None:
    saved(orders())
    path = tmp_path / "contract.yaml"
    path.write_text(yaml.safe_dump(CONTRACT), encoding="utf-8")
    by_path = execute(validating(snapshot="orders@{{ day }}", contract="{{ path }}"), day=DAY, path=str(path))
    by_content = execute(validating(task_id="other"))
    assert by_path.result["verdict"] == by_content.result["verdict"] == "pass"
    assert len(by_path.report.checks) == len(by_content.report.checks) > 5


def test_serving_data_has_no_label_and_keeps_the_contract_there_only(execute: Execute, saved: Any) -> None:
    saved(orders().drop(columns="paid"))
    assert execute(validating(environment="serving")).result["verdict"] == "pass"
    training = execute(validating(task_id="training"))
    assert [c.where for c in training.report.failed] == ["paid"]


def test_freshness_is_judged_as_of_the_moment_that_is_given(execute: Execute, saved: Any) -> None:
    saved(orders().assign(day=pd.Timestamp("2026-04-06")))
    columns = {**CONTRACT["columns"], "day": {"type": "datetime"}}
    contract = {**CONTRACT, "columns": columns, "freshness": {"column": "day", "max_age": "2d"}}
    verdicts = [
        execute(validating(task_id=f"t{i}", contract=contract, as_of=moment, when_failed="warn")).result["verdict"]
        for i, moment in enumerate(["2026-04-07", "2026-04-09T00:00:01"])
    ]
    assert verdicts == ["pass", "fail"]


def test_outliers_are_judged_by_a_snapshot_or_by_a_profile_that_was_kept(
    execute: Execute, saved: Any, root: SnapshotRoot
) -> None:
    usual, odd = saved(orders(), partition="2026-04-05"), saved(orders().assign(price=1e6))
    ref = storage.save_profile(root, "orders", profile(root.open(usual)))
    columns = {**CONTRACT["columns"], "price": {"type": "float", "outliers": {}}}
    for name, reference in {"rows": usual.to_dict(), "profile": ref.to_dict()}.items():
        ended = execute(
            validating(
                task_id=name, snapshot=odd.to_dict(), contract={**CONTRACT, "columns": columns}, reference=reference
            )
        )
        assert [(c.where, c.name) for c in ended.report.failed] == [("price", "outliers")]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection to a database that has the table ``orders``."""
    url = f"sqlite:///{tmp_path}/shop.db"
    orders(bad=3).to_sql("orders", create_engine(url), index=False)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "generic", "extra": {"sqlalchemy_url": url}}))
    return "shop"


def test_rows_in_a_database_are_judged_there_and_cannot_be_set_apart(execute: Execute, shop: str) -> None:
    ended = execute(validating(snapshot=None, conn_id=shop, table="orders"))
    assert isinstance(ended.error, AirflowFailException)
    assert [(c.where, c.observed["count"]) for c in ended.report.failed] == [("price", 3)]
    apart = execute(validating(task_id="apart", snapshot=None, conn_id=shop, table="orders", quarantine="clean"))
    assert isinstance(apart.error, AirflowFailException)
    assert "not supported for database tables" in str(apart.error)
    assert apart.published == []


@pytest.mark.parametrize(("bad", "rows"), [(0, (100, None)), (3, (97, 3))])
def test_good_and_bad_rows_become_two_snapshots(
    bad: int, rows: tuple[int, int | None], execute: Execute, saved: Any, database: Database, root: SnapshotRoot
) -> None:
    saved(orders(bad=bad))
    ended = execute(validating(quarantine="clean"))
    good, apart = ended.result["good"], ended.result["bad"]
    assert (good["rows"], apart and apart["rows"]) == rows
    assert ended.result["report"] == ended.pushed["report"]
    assert catalogue.current(database, "clean", DAY).to_dict() == good
    found = {ref.partition for ref in catalogue.partitions(database, "clean_quarantine")}
    assert found == ({DAY} if bad else set())
    ids = [i for ref in (good, apart) if ref for i in root.open(ref).to_pandas(["id"])["id"]]
    assert sorted(ids) == list(range(100))


def test_rows_without_a_partition_are_parted_outside_the_catalogue(
    execute: Execute, saved: Any, database: Database
) -> None:
    ref = saved(orders(bad=3), partition=None)
    ended = execute(validating(snapshot=ref.to_dict(), quarantine="clean"))
    assert ended.result["good"]["rows"] == 97
    assert catalogue.partitions(database, "clean") == []


@pytest.mark.parametrize("when_failed", ["fail", "warn"])
def test_when_too_many_rows_are_bad_nothing_is_written(
    when_failed: Any, execute: Execute, saved: Any, database: Database
) -> None:
    saved(orders(bad=50))
    ended = execute(validating(quarantine="clean", when_failed=when_failed))
    assert ended.report.verdict == "fail"
    assert "quarantine" in {c.name for c in ended.report.failed}
    assert catalogue.partitions(database, "clean") == []
    if when_failed == "fail":
        assert isinstance(ended.error, AirflowFailException)
    else:
        assert ended.result == {"report": ended.report.ref().to_dict(), "good": None, "bad": None}


def branching(execute: Execute, **how: Any) -> tuple[Any, set[str]]:
    with DAG("d"):
        task = ValidateDatasetBranchOperator(
            **{"task_id": "t", "contract": CONTRACT, "snapshot": f"orders@{DAY}"} | how,
            if_passed=["use", "tell"],
            if_failed="hint",
        )
        task >> [EmptyOperator(task_id=t) for t in ("use", "tell", "hint")]
    ended = execute(task)
    assert isinstance(ended.error, DownstreamTasksSkipped)
    return ended, {t if isinstance(t, str) else t[0] for t in ended.error.tasks}


def test_kept_or_broken_is_a_way_on_and_the_report_is_given_before_the_branch(execute: Execute, saved: Any) -> None:
    saved(orders())
    ended, skipped = branching(execute)
    assert (skipped, ended.pushed["return_value"]) == ({"hint"}, ended.report.ref().to_dict())
    saved(orders(bad=3))
    ended, skipped = branching(execute, task_id="other", quarantine=None)
    assert skipped == {"use", "tell"}
    assert ended.pushed["return_value"]["verdict"] == ended.pushed["report"]["verdict"] == "fail"


def test_warnings_pass_and_what_cannot_be_judged_does_not(execute: Execute, saved: Any) -> None:
    saved(orders(bad=3))
    price = {"type": "float", "min": 0, "severity": "warn"}
    ended, skipped = branching(execute, contract={**CONTRACT, "columns": {**CONTRACT["columns"], "price": price}})
    assert (ended.report.verdict, skipped) == ("warn", {"hint"})
    odd = {**CONTRACT, "columns": {**CONTRACT["columns"], "price": {"type": "float", "outliers": {}}}}
    ended, skipped = branching(execute, task_id="other", contract=odd)  # outliers, and nothing to compare with
    assert (ended.report.verdict, skipped) == ("inconclusive", {"use", "tell"})


def test_a_branch_does_not_take_when_failed() -> None:
    with pytest.raises(TypeError):
        ValidateDatasetBranchOperator(
            task_id="t", contract=CONTRACT, snapshot="a@b", if_passed="a", if_failed="b", when_failed="fail"
        )
