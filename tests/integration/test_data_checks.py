"""The operators that judge data, each run by ``dag.test`` on a store, a snapshot root and an MLflow of the test's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from sqlalchemy import create_engine

from airflow_mlops.common.refs import ProfileRef, SnapshotRef
from airflow_mlops.core.data.profiles import profile, storage
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.core.drift.data import check_drift
from airflow_mlops.core.reports import render_page
from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.profile import ProfileDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetBranchOperator, ValidateDatasetOperator
from airflow_mlops.store import baselines, catalogue, ledger, reports, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.tables import Version
from include.bike_sharing.calendar import LATER, MONTHS, REFERENCE

Run = Callable[..., Any]
CONTRACT = {
    "name": "rentals",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "price": {"type": "float", "min": 0},
        "plan": {"type": "category", "values": ["day", "month"]},
        "seats": {"type": "int"},
    },
    "environments": {"requests": {"without": ["seats"]}},
}
DAYS = ["2026-04-01", "2026-04-02", "2026-04-03"]


def rentals(seed: int = 0, *, rows: int = 600, price: float = 20.0, bad: int = 0) -> pd.DataFrame:
    """Return rentals; ``seats`` is a whole number that is missing here and there."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows) + 10_000 * seed,
            "price": rng.gamma(4, price / 4, rows),
            "plan": rng.choice(["day", "month"], rows),
            "seats": pd.array(rng.integers(1, 5, rows), dtype="Int64"),
        }
    )
    frame.loc[::7, "seats"] = pd.NA
    frame.loc[: bad - 1, "price"] = -1.0
    return frame


def ingested(lifecycle: Any, frame: pd.DataFrame, partition: str = DAYS[0], dataset: str = "rentals") -> SnapshotRef:
    ref = lifecycle.root.write(dataset, frame, partition=partition)
    catalogue.record(lifecycle.database, ref)
    return ref


def test_validation_says_what_is_broken_before_it_fails_sets_rows_apart_and_branches(
    run_dag: Run, lifecycle: Any
) -> None:
    good, some, many = (ingested(lifecycle, rentals(bad=bad), day) for bad, day in zip((0, 6, 300), DAYS, strict=True))
    with DAG("judging_validation", schedule=None) as dag:
        ValidateDatasetOperator(task_id="fails", snapshot=some.to_dict(), contract=CONTRACT)
        ValidateDatasetOperator(task_id="warns", snapshot="rentals@2026-04-02", contract=CONTRACT, when_failed="warn")
        mapped = ValidateDatasetOperator.partial(task_id="mapped", contract=CONTRACT)
        mapped.expand(snapshot=[f"rentals@{day}" for day in DAYS])
        ValidateDatasetOperator(task_id="parts", snapshot=some.to_dict(), contract=CONTRACT, quarantine="clean")
        ValidateDatasetOperator(task_id="too_many", snapshot=many.to_dict(), contract=CONTRACT, quarantine="clean")
        for name, ref in {"good": good, "bad": some}.items():
            branch = ValidateDatasetBranchOperator(
                task_id=f"branch_{name}",
                snapshot=ref.to_dict(),
                contract=CONTRACT,
                if_passed=f"use_{name}",
                if_failed=f"hint_{name}",
            )
            branch >> [EmptyOperator(task_id=f"use_{name}"), EmptyOperator(task_id=f"hint_{name}")]

    run = run_dag(dag)

    assert run.tasks == {
        "fails": ["failed"],
        "warns": ["success"],
        "mapped": ["success", "failed", "failed"],
        "parts": ["success"],
        "too_many": ["failed"],
        "branch_good": ["success"], "use_good": ["success"], "hint_good": ["skipped"],
        "branch_bad": ["success"], "use_bad": ["skipped"], "hint_bad": ["success"],
    }  # fmt: skip
    assert run.xcom("fails") is None
    failed = reports.get(lifecycle.database, run.xcom("fails", "report")["id"])
    assert [(c.where, c.name, c.observed["count"]) for c in failed.failed] == [("price", "min", 6)]
    assert run.xcom("warns")["verdict"] == "fail"
    assert [run.xcom("mapped", "report", i)["verdict"] for i in range(3)] == ["pass", "fail", "fail"]
    verdicts = [run.xcom(f"branch_{name}") for name in ("good", "bad")]
    assert [ref["verdict"] for ref in verdicts] == ["pass", "fail"]
    assert verdicts == [run.xcom(f"branch_{name}", "report") for name in ("good", "bad")]
    # Rows are set apart: good and bad together are all, and each side is in the catalogue.
    parts = run.xcom("parts")
    assert parts["report"]["verdict"] == "warn"
    sides = [catalogue.current(lifecycle.database, name, DAYS[1]) for name in ("clean", "clean_quarantine")]
    assert [ref.to_dict() for ref in sides] == [parts["good"], parts["bad"]]
    assert [ref.rows for ref in sides] == [594, 6]
    # More are bad than may be set apart: the report says so, and nothing is written.
    assert "quarantine" in {
        c.name for c in reports.get(lifecycle.database, run.xcom("too_many", "report")["id"]).failed
    }
    assert [ref.partition for ref in catalogue.partitions(lifecycle.database, "clean")] == [DAYS[1]]


def test_profiles_of_partitions_are_merged_to_that_of_the_whole_and_a_database_gives_the_same(
    run_dag: Run, lifecycle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [rentals(seed, rows=200 + 50 * seed) for seed in range(3)]
    for frame, day in zip(frames, DAYS, strict=True):
        ingested(lifecycle, frame, day)
    whole = ingested(lifecycle, pd.concat(frames, ignore_index=True), "2026-04")
    url = f"sqlite:///{lifecycle.folder}/shop.db"
    frames[0].to_sql("rentals", create_engine(url), index=False)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "generic", "extra": {"sqlalchemy_url": url}}))
    with DAG("judging_profiles", schedule=None) as dag:
        first = ProfileDatasetOperator(task_id="first", snapshot=f"rentals@{DAYS[0]}", contract=CONTRACT)
        mapped = ProfileDatasetOperator.partial(task_id="parts", like=first.output)
        parts = mapped.expand(snapshot=[f"rentals@{day}" for day in DAYS])
        ProfileDatasetOperator(task_id="merged", merge=parts.output)
        ProfileDatasetOperator(task_id="whole", snapshot=whole.to_dict(), like=first.output)
        ProfileDatasetOperator(task_id="pushed_down", conn_id="shop_db", table="rentals", like=first.output)

    run = run_dag(dag)

    assert run.state == "success"

    def kept(task: str) -> Any:
        return storage.load_profile(lifecycle.root, ProfileRef.from_dict(run.xcom(task)))

    assert (kept("merged").rows, set(kept("merged").columns)) == (750, {"price", "plan", "seats"})
    assert check_drift(kept("whole"), kept("merged")).facts["drifted"] == []
    for name, column in kept("whole").columns.items():
        other = kept("merged").columns[name]
        assert (other.rows, other.missing, other.kind) == (column.rows, column.missing, column.kind)
    assert kept("merged").columns["price"].mean == pytest.approx(kept("whole").columns["price"].mean, rel=1e-12)
    assert kept("merged").columns["plan"].to_dict() == kept("whole").columns["plan"].to_dict()
    assert kept("pushed_down").columns["plan"].to_dict() == kept("first").columns["plan"].to_dict()
    assert kept("pushed_down").columns["price"].mean == pytest.approx(kept("first").columns["price"].mean, rel=1e-9)


@pytest.fixture
def champion(lifecycle: Any) -> Version:
    """A version in MLflow and in the ledger, with what its evaluation has left: profile, scores, relation."""
    train = ingested(lifecycle, rentals(1), "2026-03", "training")
    client, database = lifecycle.client, lifecycle.database
    experiment = client.create_experiment("rentals", artifact_location=(lifecycle.folder / "artifacts").as_uri())
    version = Version(
        model="m", version=1, digest="d", run_id=client.create_run(experiment).info.run_id, artifact_uri="/nowhere",
        cutoff=None, candidate="c", data={"train": train.to_dict()}, actor="test", recorded_at=now(),
        baseline=profile(lifecycle.root.open(train), columns=["price", "plan"]).to_dict(),
    )  # fmt: skip
    versions.add(database, version)
    ledger.append(
        database, model="m", expected_revision=None, version=1, digest="d", gate_report=None, approver=None, reason="r",
        actor="test",
    )  # fmt: skip
    evaluated = scored(2)
    baselines.save(database, "m", 1, "scores", profile(evaluated, columns=["score"]).to_dict())
    relation = relate(evaluated, label="y", score="score", features=["x"])
    baselines.save(database, "m", 1, "relation", relation.to_dict())
    return versions.get(database, "m", 1)


def scored(seed: int, *, turned: bool = False, rows: int = 3000) -> pd.DataFrame:
    """Return rows with what was predicted and what came true; ``turned``: the opposite of what was predicted."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    score = 1 / (1 + np.exp(-x))
    y = (rng.random(rows) < (1 - score if turned else score)).astype(int)
    return pd.DataFrame({"id": range(rows), "x": x, "score": score, "model_version": 1, "y": y})


def test_drift_and_concept_are_judged_against_the_champion_or_any_reference(
    run_dag: Run, lifecycle: Any, champion: Version
) -> None:
    database = lifecycle.database
    calm, dear = ingested(lifecycle, rentals(3), DAYS[0]), ingested(lifecycle, rentals(4, price=40), DAYS[1])
    # What is asked of the model when it serves: no seats, and in one pipeline another unit.
    asked = rentals(8).drop(columns="seats")
    requests = ingested(lifecycle, asked, DAYS[0], "requests")
    cents = ingested(lifecycle, asked.assign(price=asked["price"] * 100), DAYS[1], "requests")
    for day, frame in ((DAYS[0], scored(5)), (DAYS[1], scored(6, turned=True)), (DAYS[2], scored(7))):
        ingested(lifecycle, frame[["id", "score", "model_version"]], day, "scores")
        ingested(lifecycle, frame[["id", "x"]], day, "features")
        if day != DAYS[2]:
            ingested(lifecycle, frame[["id", "y"]], day, "labels")
    with DAG("judging_drift", schedule=None) as dag:
        calm_and_dear = [calm.to_dict(), dear.to_dict()]
        drift = CheckDriftOperator.partial(task_id="drift", model="m").expand(snapshot=calm_and_dear)
        CheckDriftOperator(task_id="scores", model="m", snapshot=f"scores@{DAYS[0]}", data_kind="scores")
        drift >> CheckDriftOperator(  # the window is that of the last who has judged it
            task_id="evidently",
            model="m",
            snapshot=dear.to_dict(),
            evidently_report=True,
            when_failed="fail",
            trigger_rule="all_done",
        )
        skew = CheckDriftOperator.partial(
            task_id="skew", reference=calm.to_dict(), contract=CONTRACT, environment="requests"
        )
        skew.expand(snapshot=[requests.to_dict(), cents.to_dict()])
        CheckDriftOperator(
            task_id="by_snapshot", reference=calm.to_dict(), snapshot=dear.to_dict(), policy={"ignore": ["id"]}
        )
        reference = ProfileDatasetOperator(task_id="profile", snapshot=calm.to_dict(), contract=CONTRACT)
        CheckDriftOperator(task_id="by_profile", reference=reference.output, snapshot=dear.to_dict())
        CheckDriftOperator(task_id="neither", snapshot=dear.to_dict(), retries=3)
        CheckDriftOperator(task_id="both", snapshot=dear.to_dict(), model="m", reference=calm.to_dict(), retries=3)
        CheckConceptDriftOperator.partial(task_id="concept", model="m", key="id", target="y").expand_kwargs(
            [
                {name: f"{name if name != 'rows' else 'features'}@{d}" for name in ("scores", "labels", "rows")}
                for d in DAYS
            ]
        )

    run = run_dag(dag)

    assert run.tasks == {
        "drift": ["success", "success"],
        "scores": ["success"],
        "skew": ["success", "success"],
        "evidently": ["failed"],
        "profile": ["success"],
        "by_snapshot": ["success"],
        "by_profile": ["success"],
        "neither": ["failed"],
        "both": ["failed"],
        "concept": ["success", "success", "skipped"],
    }
    assert [run.xcom("drift", map_index=i)["verdict"] for i in range(2)] == ["pass", "fail"]
    drifted = [run.xcom(task)["id"] for task in ("by_snapshot", "by_profile")]
    assert [reports.get(database, found).facts["drifted"] for found in drifted] == [["price"], ["price"]]
    skews = [reports.get(database, run.xcom("skew", map_index=i)["id"]) for i in range(2)]
    assert [(r.kind, r.verdict, [c.where for c in r.failed]) for r in skews] == [
        ("skew", "pass", []),
        ("skew", "fail", ["price"]),
    ]
    assert [(run.xcom(task), run.xcom(task, "report")) for task in ("neither", "both")] == [(None, None)] * 2
    tries = {ti.task_id: ti.try_number for ti in run.run.get_task_instances() if ti.task_id in ("neither", "both")}
    assert tries == {"neither": 1, "both": 1}
    assert (run.xcom("scores")["report_kind"], run.xcom("scores")["verdict"]) == ("prediction_drift", "pass")
    assert [run.xcom("concept", map_index=i)["verdict"] for i in range(2)] == ["pass", "fail"]
    # Each report about the champion has its window; those against another reference have none.
    seen = {
        kind: [(w.partition, w.verdict, w.report) for w in windows.of_model(database, "m", kind)]
        for kind in ("drift", "prediction_drift", "concept_drift")
    }
    assert seen == {
        "drift": [
            (DAYS[0], "pass", run.xcom("drift", map_index=0)["id"]),
            (DAYS[1], "fail", run.xcom("evidently", "report")["id"]),
        ],
        "prediction_drift": [(DAYS[0], "pass", run.xcom("scores")["id"])],
        "concept_drift": [
            (DAYS[0], "pass", run.xcom("concept", map_index=0)["id"]),
            (DAYS[1], "fail", run.xcom("concept", map_index=1)["id"]),
        ],
    }
    (page,) = lifecycle.client.list_artifacts(champion.run_id, f"drift/{DAYS[1]}")
    text = (lifecycle.folder / "artifacts" / champion.run_id / "artifacts" / page.path).read_text(encoding="utf-8")
    assert "random sample: 600 of 600 reference rows" in text


@pytest.mark.data
def test_two_years_of_rentals_tell_season_and_growth_on_one_page(run_dag: Run, lifecycle: Any, test_data: Path) -> None:
    run = run_dag("bike_sharing", run_conf={"csv": str(test_data / "bike_sharing_hour.csv")})

    assert run.state == "success"
    assert {task: len(states) for task, states in run.tasks.items()} == {
        "find": 1, "ingest": 24, "validate": 24, "cells": 1, "profile": 3, "reference": 1, "drift": 21, "summary": 1,
    }  # fmt: skip
    rows = {ref.partition: ref.rows for ref in catalogue.partitions(lifecycle.database, "bike_sharing")}
    assert (list(rows), sum(rows.values())) == (MONTHS, 17_379)
    assert [run.xcom("validate", map_index=i)["verdict"] for i in range(len(MONTHS))] == ["pass"] * 24
    assert run.xcom("reference")["rows"] == sum(rows[month] for month in REFERENCE)

    months = {m: reports.get(lifecycle.database, run.xcom("drift", map_index=i)["id"]) for i, m in enumerate(LATER)}
    drifted = {month: set(report.facts["drifted"]) for month, report in months.items()}
    for summer in ("2011-06", "2011-07", "2011-08", "2012-06", "2012-07", "2012-08"):
        assert {"temp", "atemp", "season"} <= drifted[summer]
    for winter in ("2012-01", "2012-02"):  # as cold as the year before, and yet more riders
        assert not {"temp", "atemp"} & drifted[winter]
        assert {"cnt", "registered"} <= drifted[winter]

    report = reports.get(lifecycle.database, run.xcom("summary")["id"])
    (table,) = report.facts["tables"]
    told = {name: rest for name, *rest in table["rows"]}
    winter = {name: moved for name, (_, moved, *_) in told.items()}
    assert min(winter["cnt"], winter["registered"]) > 2 * max(winter["temp"], winter["atemp"], winter["casual"])
    assert {name: mostly for name, (_, _, mostly, _) in told.items()} == {
        "registered": "growth", "cnt": "growth", "temp": "season", "atemp": "season", "casual": "season",
        "hum": "neither", "windspeed": "neither", "weathersit": None,
    }  # fmt: skip
    assert told["temp"][-1] == "2011-04 to 2011-12, 2012-03 to 2012-11"
    assert told["registered"][-1] == "2011-04 to 2012-12"
    assert [window["partition"] for window in report.facts["windows"]] == LATER
    strongest = {window["partition"]: window["value"] for window in report.facts["windows"]}
    assert {
        max(m for m in strongest if m[:4] == y and strongest[m] == max(v for k, v in strongest.items() if k[:4] == y))
        for y in ("2011", "2012")
    } == {"2011-07", "2012-07"}
    page = render_page(report)
    assert page.index("Season or growth?") < page.index("2011-04 to 2011-12") < page.index("Drifted columns")
    assert run.xcom("summary", "_link_ReportLink").endswith(f"/mlops/reports/{report.id}")
