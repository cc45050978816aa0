from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.registry.history import champion_at
from airflow_mlops.store import ledger, reports, versions
from include.titanic.synthetic_data import generate_passengers

Run = Callable[..., Any]
BEFORE_THE_GATE = ["find", "ingest", "validate", "split", "leakage", "select", "register", "self_test", "evaluate"]
LADY = {
    "passenger_class": 1,
    "sex": "female",
    "age": 38,
    "fare": 80,
    "name": "Example, Mrs. Eve",
    "cabin": "C85",
}


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No container engine: what is served for real is in tests/docker."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


def auc(run: Any, lifecycle: Any, role: str = "challenger") -> float:
    report = reports.get(lifecycle.database, run.xcom("evaluate")["id"])
    return report.facts["roles"][role]["metrics"]["roc_auc"]


def test_without_a_file_it_runs_on_a_look_alike_and_the_second_run_keeps_the_champion(
    run_dag: Run, lifecycle: Any
) -> None:
    first = run_dag("titanic")

    assert first.state == "success"
    assert first.tasks == {
        **{task: ["success"] for task in [*BEFORE_THE_GATE, "gate", "promote", "predict", "card"]},
        "train": ["success", "success"],
        "reject": ["skipped"],
        "serve": ["skipped"],
        "ask": ["skipped"],
    }
    assert first.xcom("gate")["decision"] == "promote_first"
    answer = first.xcom("predict")
    assert answer == {"survives": pytest.approx(0.15, abs=0.15), "version": 1}
    assert auc(first, lifecycle) > 0.75
    champion = champion_at(lifecycle.database, "titanic_synthetic")
    assert (champion.version, champion.candidate) == (1, first.xcom("select")["candidate"])
    assert lifecycle.client.get_model_version_by_alias("titanic_synthetic", "champion").run_id == champion.run_id

    second = run_dag("titanic", run_conf=LADY)

    assert second.state == "success"
    assert second.states["promote"] == "skipped"
    assert second.states["reject"] == second.states["predict"] == "success"
    assert second.xcom("gate")["decision"] == "reject"
    assert second.xcom("register")["version"] == 2
    assert second.xcom("ingest")["id"] == first.xcom("ingest")["id"]
    assert second.xcom("predict")["version"] == 1
    assert second.xcom("predict")["survives"] > answer["survives"] + 0.5
    assert len(ledger.history(lifecycle.database, "titanic_synthetic")) == 1


def test_a_broken_contract_ends_the_run_before_anything_is_trained(
    run_dag: Run, lifecycle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = generate_passengers(0, rows=200)
    rows.loc[7, "Sex"] = "robot"
    rows.to_csv(lifecycle.folder / "broken.csv", index=False)
    monkeypatch.setenv("TITANIC_CSV", str(lifecycle.folder / "broken.csv"))

    run = run_dag("titanic")

    assert run.state == "failed"
    assert run.states["find"] == run.states["ingest"] == "success"
    assert run.states["validate"] == "failed"
    stopped = set(run.tasks) - {"find", "ingest", "validate"}
    assert {state for task in stopped for state in run.tasks[task]} == {"upstream_failed"}
    assert {"train", "promote", "predict"} < stopped
    assert versions.of_model(lifecycle.database, "titanic") == []


@pytest.mark.data
def test_the_real_list_given_by_param_trains_a_model_of_its_own(
    run_dag: Run, lifecycle: Any, test_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TITANIC_CSV", "/not/this/one.csv")

    run = run_dag("titanic", run_conf={**LADY, "csv": str(test_data / "titanic.csv"), "seed": 7})

    assert run.state == "success"
    assert run.xcom("ingest")["rows"] == 891
    shares = {part: run.xcom("split", part)["rows"] / 891 for part in ("train", "validation", "test")}
    assert shares == pytest.approx({"train": 0.6, "validation": 0.15, "test": 0.25}, abs=0.002)
    assert champion_at(lifecycle.database, "titanic_seed_7").version == 1
    assert auc(run, lifecycle) > 0.8
    assert run.xcom("predict") == {"survives": pytest.approx(0.95, abs=0.05), "version": 1}
