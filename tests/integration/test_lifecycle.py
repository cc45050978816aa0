"""A model added as a new user would: ``airflow mlops new``, two files edited, its DAGs run."""

from __future__ import annotations

import difflib
import json
import sqlite3
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import include
from airflow_mlops.cli import new, spec
from airflow_mlops.dag_factory import lifecycle_dags
from airflow_mlops.store import catalogue, ledger

WEEKS = ["2026-01-05", "2026-01-12", "2026-01-19"]
NEXT = "2026-01-26"
CARDS = 1600

# What the user writes in place of what the command has written: old line -> new lines.
CONTRACT = {
    "key: [customer_id, partition]": "key: [card_id, partition]",
    "cluster: customer_id # a customer's rows are one cluster: significance tests resample customers, not rows": (
        "cluster: card_id"
    ),
    "  serving: {without: [label, partition]} # labels arrive later": "  serving: {without: [fraud, partition]}",
    "  customer_id: {type: int, nullable: false}": "  card_id: {type: int, nullable: false}",
    "  amount: {type: float, min: 0, max: 1000, max_missing: 0.1}": "  largest: {type: float, nullable: false, min: 0}",
    "  visits: {type: int, nullable: false, min: 0, max: 50}": "  payments: {type: int, nullable: false, min: 0}",
    "  segment: {type: category, nullable: false, values: [small, medium, large]}": (
        "  country: {type: category, nullable: false, values: [home, near, far]}"
    ),
    "  label: {type: int, nullable: false, values: [0, 1], role: label}": (
        "  fraud: {type: int, nullable: false, values: [0, 1], role: label}"
    ),
}
LIFECYCLE = {
    "key: customer_id # the entity of a row": "key: card_id",
    "target: label": "target: fraud",
    "  rows: include.fraud.source:features # synthetic; in production for example:": (
        "  conn_id: bank\n"
        "  sql: SELECT card_id, largest, payments, country FROM cards WHERE week = :cutoff ORDER BY card_id"
    ),
    "  rows: include.fraud.source:labels": (
        "  conn_id: bank\n  sql: SELECT card_id, fraud FROM cards WHERE week = :cutoff ORDER BY card_id"
    ),
    "  slices: [segment] # a new champion must not be worse in any of them": "  slices: [country]",
}


@pytest.fixture
def fraud(lifecycle: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bundle with the files that ``airflow mlops new fraud`` has written; return its root."""
    root = lifecycle.folder
    new.new(Namespace(model="fraud", into=str(root)))
    monkeypatch.setattr(include, "__path__", [*include.__path__, str(root / "include")])
    yield root
    for name in [name for name in sys.modules if name.startswith("include.fraud")]:
        del sys.modules[name]


@pytest.fixture
def bank(lifecycle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bank's database with the cards of each week, at the connection ``bank``."""
    import numpy as np

    path = lifecycle.folder / "bank.db"
    rng = np.random.default_rng(5)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE cards (week TEXT, card_id INT, largest REAL, payments INT, country TEXT, fraud INT)"
        )
        for week in [*WEEKS, NEXT]:
            largest, payments = rng.gamma(2, 100, CARDS), rng.poisson(6, CARDS)
            country = rng.choice(["home", "near", "far"], CARDS, p=[0.7, 0.2, 0.1])
            odds = -3.5 + largest / 100 - payments / 6 + np.where(country == "far", 1.5, 0)
            stolen = rng.random(CARDS) < 1 / (1 + np.exp(-odds))
            rows = zip(
                range(CARDS), largest.tolist(), payments.tolist(), country.tolist(), stolen.tolist(), strict=True
            )
            database.executemany("INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?)", [(week, *row) for row in rows])
    monkeypatch.setenv("AIRFLOW_CONN_BANK", json.dumps({"conn_type": "sqlite", "host": str(path)}))


def edit(path: Path, lines: dict[str, str]) -> int:
    """Replace lines of a file as a person would; return how many lines of the file are new."""
    before = path.read_text(encoding="utf-8").splitlines()
    assert lines.keys() <= set(before), sorted(lines.keys() - set(before))
    after = [new for line in before for new in lines.get(line, line).splitlines()]
    path.write_text("\n".join([*after, ""]), encoding="utf-8")
    told = difflib.unified_diff(before, after, n=0, lineterm="")
    return sum(line.startswith("+") and not line.startswith("+++") for line in told)


def at(week: str) -> datetime:
    return datetime.fromisoformat(week).replace(tzinfo=UTC)


def live(run_dag: Callable[..., Any], lifecycle: Any) -> None:
    """Let the four DAGs run: three weeks of data, a training, a week that is scored and watched."""
    dags = {dag.dag_id: dag for dag in lifecycle_dags("include/fraud/lifecycle.yaml")}
    assert list(dags) == ["fraud_features", "fraud_training", "fraud_scoring", "fraud_monitoring"]
    for week in WEEKS:
        read = run_dag(dags["fraud_features"], partition_key=week, run_after=at(week))
        assert read.state == "success"
        assert read.states["ingest_labels"] == ("skipped" if week == WEEKS[0] else "success")
    labelled = [ref.partition for ref in catalogue.partitions(lifecycle.database, "fraud_labels")]
    assert labelled == WEEKS[:-1], "labels are a week late"

    trained = run_dag(dags["fraud_training"], run_after=at(WEEKS[-1]), logical_date=None)
    assert trained.state == "success"
    assert trained.tasks["train"] == ["success", "success"]
    assert trained.xcom("gate")["decision"] == "promote_first"
    assert {task for task, state in trained.states.items() if state == "skipped"} == {"hold", "reject"}
    assert ledger.head(lifecycle.database, "fraud").version == 1

    assert run_dag(dags["fraud_features"], partition_key=NEXT, run_after=at(NEXT)).state == "success"
    scored = run_dag(dags["fraud_scoring"], partition_key=NEXT, run_after=at(NEXT))
    assert scored.states == {"score": "success"}
    scores = lifecycle.root.open(catalogue.current(lifecycle.database, "fraud_scores", NEXT)).to_pandas()
    assert scores["score"].between(0, 1).all()
    watched = run_dag(dags["fraud_monitoring"], partition_key=NEXT, run_after=at(NEXT))
    assert watched.state == "success"
    assert watched.xcom("drift")["verdict"] == watched.xcom("predictions")["verdict"] == "pass"
    assert watched.states["performance"] == "skipped", "the week before had no champion yet"


def test_a_new_model_runs_as_it_is_on_rows_that_are_made_up(
    fraud: Path, run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    live(run_dag, lifecycle)


@pytest.mark.usefixtures("bank")
def test_with_two_files_edited_it_runs_on_data_of_its_own(
    fraud: Path, run_dag: Callable[..., Any], lifecycle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fraud / "include" / "fraud"
    untouched = {file: file.read_bytes() for file in folder.iterdir() if file.suffix != ".yaml"}
    written = edit(folder / "contract.yaml", CONTRACT) + edit(folder / "lifecycle.yaml", LIFECYCLE)
    assert written == 15, "README and docs say how many lines it takes"
    spec.check(Namespace(spec="include/fraud/lifecycle.yaml", root=str(fraud)))
    assert "valid" in capsys.readouterr().out
    live(run_dag, lifecycle)
    assert {file: file.read_bytes() for file in untouched} == untouched
    rows = lifecycle.root.open(catalogue.current(lifecycle.database, "fraud_features", NEXT)).to_pandas()
    assert list(rows) == ["card_id", "largest", "payments", "country"]
    assert len(rows) == CARDS
