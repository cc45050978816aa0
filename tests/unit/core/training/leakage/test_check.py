"""Leakage as a report: what is found on data that leak, and that nothing is on data that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.snapshots.training_set import join_labels
from airflow_mlops.core.reports import render_markdown, render_page
from airflow_mlops.core.training.leakage import check_leakage
from airflow_mlops.core.training.splits import PARTS, KeyRule, SplitFractions, TimeRule, split_snapshot
from airflow_mlops.store import catalogue
from include.churn import business, calendar, offline
from include.churn import database as churn_database
from include.churn.features import KEY as CUSTOMER
from include.titanic.synthetic_data import generate_passengers

FEATURES = ["amount", "age", "score", "plan", "active", "since", "note"]
BIKES = "include/bike_sharing/contract.yaml"
HOURS = ["season", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(3, 400),
    seed=st.integers(0, 10**6),
    target=st.sampled_from(["binary", "number", "classes"]),
    columns=st.sets(st.sampled_from(FEATURES), min_size=1),
)
def test_nothing_is_found_in_pure_noise(rows: int, seed: int, target: str, columns: set[str], tools: Any) -> None:
    frame = tools["noise"](rows, seed, target=target)
    report = check_leakage(tools["parted"](frame), target="y", features=sorted(columns), key="id")
    assert report.verdict in ("pass", "inconclusive"), report.summary()
    if rows >= 250:
        assert report.verdict == "pass", report.summary()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 300), st.integers(1, 60))
def test_many_noisy_numbers_never_add_up_nor_tell(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(2 * rows, columns))).rename(columns=str)
    frame["y"] = rng.normal(size=2 * rows)
    parts = {"train": frame[:rows], "test": frame[rows:]}
    report = check_leakage(parts, target="y", features=[str(i) for i in range(columns)])
    assert report.verdict == "pass", report.summary()


def bikes_of(root: SnapshotRoot, path: Path) -> dict[str, Any]:
    whole = root.open(root.write("bikes", pd.read_csv(path), partition="2012-12"))
    refs = split_snapshot(root, whole, TimeRule("dteday", 0.15, 0.1))
    return {part: root.open(refs[part]) for part in PARTS}


@pytest.mark.data
def test_casual_and_registered_riders_are_found_and_named_and_without_them_nothing_is(
    root: SnapshotRoot, test_data: Path, tools: Any
) -> None:
    parts = bikes_of(root, test_data / "bike_sharing_hour.csv")
    how: dict[str, Any] = {"contract": BIKES, "time": "dteday", "cutoff": "2012-12"}
    report = check_leakage(parts, **how)
    assert report.verdict == "fail"
    assert tools["told"](report) == {"derived target": ["casual, registered"]}
    assert "cnt = casual + registered" in report.summary()
    assert report.subject == "bikes_train 2012-12"
    clean = check_leakage(parts, features=HOURS, **how)
    assert clean.verdict == "pass", clean.summary()


@pytest.mark.data
@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_found_in_the_passenger_list(seed: int, test_data: Path) -> None:
    frame = pd.read_csv(test_data / "titanic.csv")
    rows = KeyRule("PassengerId", seed=seed, stratify="Survived").assign(frame)
    report = check_leakage({p: frame[rows == p] for p in PARTS}, contract="include/titanic/contract.yaml")
    assert report.verdict == "pass", report.summary()


def test_nothing_is_found_in_the_generated_passenger_list() -> None:
    frame = generate_passengers()
    rows = KeyRule("PassengerId").assign(frame)
    report = check_leakage({p: frame[rows == p] for p in PARTS}, contract="include/titanic/contract.yaml")
    assert report.verdict == "pass", report.summary()


def test_nothing_is_found_in_the_weeks_of_the_simulated_customers(
    root: SnapshotRoot, database: Any, tmp_path: Path, tools: Any
) -> None:
    source = create_engine(f"sqlite:///{tmp_path}/business.db")
    churn_database.write(business.build(2, 600), source)
    world = offline.OfflineScenario(source, database, root, None)  # type: ignore[arg-type]
    for week in calendar.weeks(calendar.FIRST_WEEK, calendar.FIRST_WEEK + 6 * calendar.WEEK):
        offline.ingest(world, calendar.key(week))
    refs = [catalogue.partitions(database, name) for name in ("churn_features", "churn_labels")]
    whole = root.open(root.write("churn", join_labels(root, *refs, CUSTOMER)))
    parts = {
        p: root.open(r) for p, r in split_snapshot(root, whole, KeyRule(CUSTOMER, SplitFractions(0.3, 0.15))).items()
    }
    report = check_leakage(parts, contract="include/churn/contract.yaml")
    assert report.verdict == "pass", report.summary()
    assert {c.where for c in report.checks if c.name.startswith("overlapping")} == {
        "customer_id, partition",
        "customer_id",
    }
    torn = {p: root.open(r) for p, r in split_snapshot(root, whole, KeyRule([CUSTOMER, "partition"])).items()}
    assert tools["told"](check_leakage(torn, contract="include/churn/contract.yaml")) == {
        "overlapping groups": ["customer_id"]
    }


def leaking(tools: Any, rows: int = 1500) -> dict[str, pd.DataFrame]:
    """A frame with one leak of each kind."""
    frame = tools["noise"](rows, 1)
    frame["refund"] = np.where(frame["y"] == 1, frame["amount"], np.nan)
    parts = tools["parted"](frame)
    parts["train"] = pd.concat([parts["train"], parts["test"].head(40)])
    return parts


def test_each_leak_has_its_own_check_and_the_page_shows_them(tools: Any) -> None:
    report = check_leakage(leaking(tools), target="y", features=[*FEATURES, "refund"], key="id")
    assert tools["told"](report) == {
        "overlapping rows": ["id"],
        "identical rows": [None],
        "target proxy": ["refund"],
    }
    assert (report.kind, report.verdict) == ("leakage", "fail")
    assert report.facts["tables"][0]["rows"][0] == ["refund", 1.0]
    read = Report.from_dict(report.to_dict())
    for shown in (render_page(read), render_markdown(read)):
        assert "refund alone predicts y" in shown


def test_what_is_known_to_be_no_leak_is_news_with_its_reason(tools: Any) -> None:
    ignore = [
        {"check": "overlapping rows", "reason": "the copies are meant"},
        {"check": "target proxy", "where": "amount", "reason": "not what is found"},
        {"check": "target proxy", "where": "refund", "reason": "known when the call comes in"},
    ]
    report = check_leakage(leaking(tools), target="y", features=[*FEATURES, "refund"], key="id", ignore=ignore)
    assert report.verdict == "warn"  # identical rows
    assert [(c.name, c.severity) for c in report.failed] == [
        ("overlapping rows", "info"),
        ("identical rows", "warn"),
        ("target proxy", "info"),
    ]
    assert "(ignored: known when the call comes in)" in report.failed[-1].message


def test_only_a_bounded_sample_is_looked_at_and_the_report_says_so(tools: Any) -> None:
    parts = leaking(tools)
    report = check_leakage(parts, target="y", features=[*FEATURES, "refund"], key="id", sample=200)
    assert report.facts["rows"] == {part: len(rows) for part, rows in parts.items()}
    assert report.facts["sampled_rows"] == dict.fromkeys(parts, 200)
    assert {"overlapping rows", "target proxy"} <= set(tools["told"](report))
    again = check_leakage(parts, target="y", features=[*FEATURES, "refund"], key="id", sample=200)
    assert [c.to_dict() for c in again.checks] == [c.to_dict() for c in report.checks]


@pytest.mark.parametrize(
    ("parts", "how", "said"),
    [
        (["train"], {}, "leakage checks need two parts; parts with rows: train"),
        (["test", "validation"], {}, "parts with rows: validation, test"),
        (["train", "tests"], {}, "'tests' is not a valid part"),
        (["train", "test"], {"target": None}, "the target is not specified"),
        (["train", "test"], {"features": []}, "the features are not specified"),
        (["train", "test"], {"features": ["y"]}, "the target 'y' is among the features"),
        (["train", "test"], {"features": ["gone"]}, "the train part has no column .'gone'."),
        (["train", "test"], {"key": "gone"}, "the train part has no column .'gone'."),
        (["train", "test"], {"cutoff": "2026"}, "a cut-off requires a column of timestamps"),
        (["train", "test"], {"ignore": [{"check": "tells", "reason": "x"}]}, "check"),
        (["train", "test"], {"ignore": [{"check": "target proxy"}]}, "reason"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(parts: list[str], how: dict[str, Any], said: str, tools: Any) -> None:
    frames = dict.fromkeys(parts, tools["noise"](50))
    with pytest.raises(BadInput, match=said):
        check_leakage(frames, **({"target": "y", "features": FEATURES} | how))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": 1}, "one class has 0 rows"),
        ({"y": np.nan}, "have a target"),
        ({"y": [1.0] * 3 + [0.0] * 147}, "one class has"),
        ({"y": np.r_[np.arange(100.0), np.zeros(50)]}, "'y' is constant"),
    ],
    ids=["one class", "no target", "rare", "constant"],
)
def test_too_little_evidence_is_not_judged_and_never_a_pass(change: dict[str, Any], said: str, tools: Any) -> None:
    frame = tools["noise"](150).assign(**change)
    parts = {"train": frame[:100], "test": frame[100:]}
    report = check_leakage(parts, target="y", features=["amount", "age"])
    assert report.verdict == "inconclusive"
    assert said in report.summary()


def test_an_empty_validation_part_is_left_out(tools: Any) -> None:
    frame = tools["noise"](300)
    report = check_leakage(
        {"train": frame[:200], "validation": frame[:0], "test": frame[200:]}, target="y", features=FEATURES
    )
    assert report.verdict == "pass"
    assert report.facts["rows"] == {"train": 200, "test": 100}
