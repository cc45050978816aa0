"""Windows of slices and against the window before: beside the window of the whole, never in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.monitoring.drift import DriftOptions, check_features
from airflow_mlops.core.monitoring.performance import PerformanceOptions, check_performance
from airflow_mlops.store import catalogue, reports, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def rows(seed: int, price: float = 20.0, basic: float | None = None, count: int = 3000) -> pd.DataFrame:
    """Customers on three plans; those on basic may pay another price."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "standard", "premium"], count, p=[0.2, 0.4, 0.4])
    paid = rng.gamma(16, price / 16, count)
    if basic is not None:
        paid = np.where(plan == "basic", paid * basic, paid)
    return pd.DataFrame({"id": range(count), "plan": plan, "price": paid})


@pytest.fixture
def served(database: Database, root: SnapshotRoot) -> tuple[Database, SnapshotRoot, Version]:
    """Version 1, trained on calm rows; two calm weeks are in the catalogue."""
    train = root.write("train", rows(1), partition="2026-03")
    versions.add(
        database,
        Version(
            model="m", version=1, digest="0", run_id="r", artifact_uri="/a", candidate="c", actor="a",
            data={"train": train.to_dict()}, recorded_at=now(),
            baseline=profile(root.open(train), columns=["plan", "price"]).to_dict(),
        ),
    )  # fmt: skip
    for number, partition in enumerate(["2026-04-06", "2026-04-13"]):
        catalogue.record(database, root.write("f", rows(2 + number), partition=partition))
    return database, root, versions.get(database, "m", 1)


def looked(served: Any, frame: pd.DataFrame, partition: str = "2026-04-20", **look: Any) -> Report:
    database, root, version = served
    return check_features(
        database, version, root.open(root.write("f", frame, partition=partition)), None, DriftOptions(root=root, **look)
    )


def test_a_slice_that_drifted_warns_and_the_whole_keeps_its_own_verdict(served: Any) -> None:
    report = looked(served, rows(13, basic=1.08), slices=["plan"])
    assert report.verdict == "warn"
    (told,) = [c for c in report.checks if c.name == "slice" and c.status == "fail"]
    assert (told.where, told.severity, told.observed["drifted"]) == ("plan=basic", "warn", ["price"])
    found = windows.of_model(served[0], "m", "drift", slice_=None)
    assert {w.slice: w.verdict for w in found} == {
        "": "pass", "plan=basic": "fail", "plan=premium": "pass", "plan=standard": "pass",
    }  # fmt: skip
    assert [w.slice for w in windows.of_model(served[0], "m", "drift")] == [""]  # what an episode sees


def test_columns_that_can_be_no_slices_are_refused(served: Any) -> None:
    with pytest.raises(BadInput, match="slice column 'plann' does not exist"):
        looked(served, rows(9), slices=["plann"])
    with pytest.raises(BadInput, match="not a slice column"):
        looked(served, rows(9), slices=["price"])
    served[2].data = {}
    with pytest.raises(NotFound, match="without its training rows"):
        looked(served, rows(9), slices=["plan"])


def test_against_the_window_before_a_step_is_seen_once_and_then_is_the_new_normal(served: Any) -> None:
    database, root, _ = served
    verdicts = {}
    for number, price in enumerate([20.0, 30.0, 30.0]):
        partition = f"2026-05-{4 + 7 * number:02}"
        verdicts[partition] = (
            looked(served, rows(20 + number, price), partition).verdict,
            looked(served, rows(20 + number, price), partition, against="previous").verdict,
        )
        catalogue.record(database, root.write("f", rows(20 + number, price), partition=partition))
    assert list(verdicts.values()) == [("pass", "pass"), ("fail", "fail"), ("fail", "pass")]
    assert [w.verdict for w in windows.of_model(database, "m", "drift", against="previous")] == ["pass", "fail", "pass"]


def test_the_first_window_of_all_has_none_before_it_and_is_not_judged(served: Any) -> None:
    report = looked(served, rows(2), "2026-04-06", against="previous")
    assert (report.verdict, report.checks[0].message) == ("inconclusive", "there is no previous window")


def test_a_backfill_over_past_windows_says_what_was_said_live(served: Any) -> None:
    """Live, each week came when the later ones were not there yet."""
    database, root, _ = served
    weeks = {f"2026-05-{4 + 7 * n:02}": rows(30 + n, [20.0, 20.0, 30.0, 30.0][n]) for n in range(4)}

    def look_all(order: list[str]) -> dict[Any, Any]:
        for partition in order:
            catalogue.record(database, root.write("f", weeks[partition], partition=partition))
            for against in ("baseline", "previous"):
                looked(served, weeks[partition], partition, against=against, slices=["plan"])
        found = [
            w
            for a in ("baseline", "previous")
            for w in windows.of_model(database, "m", "drift", slice_=None, against=a)
        ]
        return {(w.partition, w.slice, w.against): (w.verdict, w.value, w.rows, w.inputs) for w in found}

    live = look_all(sorted(weeks))
    assert len(live) == 4 * 2 * 4
    assert look_all(sorted(weeks, reverse=True)) == live


# Performance.


def scored(served: Any, partition: str, strength: float, seed: int = 0) -> tuple[Any, Any, Any]:
    _, root, _ = served
    rng, frame = np.random.default_rng(seed), rows(seed)
    y = rng.integers(0, 2, len(frame))
    score = 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(size=len(frame)))))
    parts = {
        "s": pd.DataFrame({"id": frame["id"], "score": score, "model_version": 1}),
        "l": pd.DataFrame({"id": frame["id"], "y": y}),
        "f": frame,
    }
    found = [root.open(root.write(name, part, partition=partition)) for name, part in parts.items()]
    return found[0], found[1], found[2]


def test_performance_of_slices_is_held_against_what_the_gate_saw_there(served: Any) -> None:
    database = served[0]
    checks = [Check("slice plan=basic", "pass", observed={"challenger": 0.99})]
    facts = {"metric": "roc_auc", "values": {"challenger": {"roc_auc": 0.75}}}
    gate = Report.from_checks("gate", "m v1", checks, decision="promote", facts=facts)
    reports.publish(database, gate, actor="g")
    versions.bind_gate(database, "m", 1, report_id=gate.id, decision="promote")
    scores, labels, features = scored(served, "2026-04-20", 0.6)
    report = check_performance(
        database,
        scores,
        labels,
        model="m",
        key="id",
        target="y",
        options=PerformanceOptions(slices=["plan"], rows=features),
    )
    told = {c.where: c.status for c in report.checks}
    assert told == {None: "pass", "plan=basic": "fail", "plan=premium": "inconclusive", "plan=standard": "inconclusive"}
    assert report.verdict == "warn"
    assert [w.verdict for w in windows.of_model(database, "m", "performance")] == ["pass"]
    assert len(windows.of_model(database, "m", "performance", slice_=None)) == 4


def test_performance_against_the_window_before_sees_the_week_in_which_it_fell(served: Any) -> None:
    database, verdicts = served[0], []
    for number, strength in enumerate([0.8, 0.8, 0.2, 0.2]):
        scores, labels, _ = scored(served, f"2026-05-{4 + 7 * number:02}", strength, seed=number)
        for closely in (PerformanceOptions("previous"), PerformanceOptions()):
            report = check_performance(database, scores, labels, model="m", key="id", target="y", options=closely)
            if closely.against == "previous":
                verdicts.append(report.verdict)
            # With no gate nothing is expected, so it is told and not judged; it is a window before all the same.
            window = windows.WindowResult(
                model="m", version=1, kind="performance", partition=str(scores.ref.partition),
                verdict="pass", value=report.facts["value"], rows=report.facts["rows"],
            )  # fmt: skip
            windows.record(database, window, report)
    assert verdicts == ["inconclusive", "pass", "fail", "pass"]
