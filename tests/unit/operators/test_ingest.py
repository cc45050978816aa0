"""Ingest as a step: rows of every kind of source become a snapshot, and a bad source leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy import create_engine

from airflow_mlops.common.errors import NotFound
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.sources import ROW_SOURCES
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database

Execute = Callable[..., Any]
DAY = "2026-04-06"
ROWS = pd.DataFrame({"id": [1, 2], "day": [DAY, DAY]})
ACME = """
import polars as pl

class Crm:
    def __init__(self, *, ids, fail_after=None):
        self.ids, self.fail_after = ids, fail_after

    def read(self, partition):
        for number, id in enumerate(self.ids):
            if number == self.fail_after:
                raise ConnectionError("the CRM is down")
            yield pl.DataFrame({"id": [id], "day": [partition]})
"""


class Crm:
    """The source of this test in pandas."""

    def __init__(self, *, rows: Any = ROWS) -> None:
        self.rows = rows

    def read(self, partition: str | None) -> Any:
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows


def ingest(**how: Any) -> IngestDatasetOperator:
    return IngestDatasetOperator(**{"task_id": "t", "dataset": "leads", "partition": DAY} | how)


@pytest.fixture
def kept(root: SnapshotRoot) -> Callable[[], list[str]]:
    """A function that lists the files of the snapshot root."""
    return lambda: sorted(path for path in root.fs.find(root.path) if not path.endswith("/"))


def test_every_parameter_for_the_same_rows_gives_the_same_snapshot(
    execute: Execute, root: SnapshotRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed_entry_point: Any
) -> None:
    ROWS.to_csv(tmp_path / "leads.csv", index=False)
    ROWS.to_sql("leads", create_engine(f"sqlite:///{tmp_path}/crm.db"), index=False)
    extra = {"conn_type": "generic", "extra": {"sqlalchemy_url": f"sqlite:///{tmp_path}/crm.db"}}
    monkeypatch.setenv("AIRFLOW_CONN_CRM", json.dumps(extra))
    query = tmp_path / "leads.sql"
    query.write_text("SELECT * FROM leads WHERE day = :day")
    path = installed_entry_point(ROW_SOURCES, "acme", "Crm", ACME)
    ids = {"ids": [2, 1]}
    results = [
        execute(ingest(**how), day=DAY, partition_key=DAY).result
        for how in (
            {"rows": lambda partition: ROWS},
            {"path": str(tmp_path / "leads.csv")},
            {"sql": str(query), "conn_id": "crm", "binds": {"day": "{{ day }}"}},
            {"source": "acme", "source_options": ids},
            {"source": path, "source_options": ids},
            {"source": {"kind": "acme", **ids}},
            {"source": Crm},
            {"source": "sql", "source_options": {"sql": "SELECT * FROM leads", "conn_id": "{{ 'crm' }}"}},
        )
    ]
    assert results == [results[0]] * 8
    assert results[0]["rows"] == 2


def test_the_manifest_records_the_source_without_its_options(execute: Execute, root: SnapshotRoot) -> None:
    ref = execute(ingest(source=Crm, source_options={"rows": ROWS.head(1)})).result
    source = json.loads(root.read_text(f"leads/{ref['id']}.json"))["source"]
    assert source == {"task": "d/r/t/-1", "kind": f"{__name__}:Crm", "conn_id": None, "path": None}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"source_options": {"ids": []}}, "returned no frame"),
        ({"source_options": {"idz": [1]}}, "'idz' is not an option of the row source 'acme'"),
        ({"source": "acne", "source_options": {"ids": [1]}}, "did you mean 'acme'"),
        ({"source": "acme_extension:Nothing"}, "'acme_extension' has no 'Nothing'"),
        ({"rows": "a.b:c", "source_options": {"ids": [1]}}, "exactly one of source, sql, path and rows"),
    ],
)
def test_a_bad_source_fails_at_once_and_writes_nothing(
    how: dict[str, Any], message: str, execute: Execute, kept: Any, database: Database, installed_entry_point: Any
) -> None:
    installed_entry_point(ROW_SOURCES, "acme", "Crm", ACME)
    ended = execute(ingest(**{"source": "acme"} | how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
    assert "hint:" in str(ended.error)
    assert kept() == []
    with pytest.raises(NotFound):
        catalogue.current(database, "leads", DAY)


def test_a_source_that_fails_halfway_can_be_retried_and_leaves_nothing(
    execute: Execute, kept: Any, installed_entry_point: Any
) -> None:
    installed_entry_point(ROW_SOURCES, "acme", "Crm", ACME)
    ended = execute(ingest(source="acme", source_options={"ids": [1, 2], "fail_after": 1}))
    assert not isinstance(ended.error, AirflowFailException)
    assert "the row source 'acme' failed: ConnectionError: the CRM is down" in str(ended.error)
    assert "acme_extension.py, line 11" in str(ended.error)
    assert kept() == []


def test_a_source_may_skip_the_task(execute: Execute) -> None:
    ended = execute(ingest(source=Crm, source_options={"rows": AirflowSkipException("a holiday")}))
    assert isinstance(ended.error, AirflowSkipException)


def test_the_transform_of_any_source_takes_pandas(execute: Execute, installed_entry_point: Any) -> None:
    installed_entry_point(ROW_SOURCES, "acme", "Crm", ACME)
    seen: list[Any] = []

    def add(frame: pd.DataFrame, partition: str) -> pd.DataFrame:
        seen.append((type(frame), partition))
        return frame

    execute(ingest(source="acme", source_options={"ids": [1]}, transform=add))
    assert seen == [(pd.DataFrame, DAY)]


def test_a_class_as_source_has_a_name_without_an_address_in_memory() -> None:
    task = ingest(source=Crm)
    task.render_template_fields({})
    assert str(task.source) == f"{__name__}:Crm"
