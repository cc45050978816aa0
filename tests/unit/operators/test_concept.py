"""The concept drift operator: late labels are waited for, damage is not, and the report comes before failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.store import baselines, catalogue, windows
from airflow_mlops.store.database import Database

Execute = Callable[..., Any]
DAYS = ["2026-04-01", "2026-04-02"]


def rows(seed: int, *, turned: bool = False, n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-x))
    y = (rng.random(n) < (1 - score if turned else score)).astype(int)
    return pd.DataFrame({"id": range(n), "x": x, "score": score, "model_version": 1, "y": y})


PARTS = {"scores": ["id", "score", "model_version"], "labels": ["id", "y"], "features": ["id", "x"]}


@pytest.fixture(autouse=True)
def evaluated(database: Database, root: SnapshotRoot) -> None:
    """A version that was evaluated; a day on which all is as it was, and one on which all is turned around."""
    relation = relate(rows(0), label="y", score="score", features=["x"])
    baselines.save(database, "m", 1, "relation", relation.to_dict())
    for day, frame in zip(DAYS, (rows(1), rows(2, turned=True)), strict=True):
        for dataset, columns in PARTS.items():
            catalogue.record(database, root.write(dataset, frame[columns], partition=day))


def concept(day: str = DAYS[1], **how: Any) -> CheckConceptDriftOperator:
    parts = {"scores": f"scores@{day}", "labels": f"labels@{day}", "rows": f"features@{day}"}
    return CheckConceptDriftOperator(**{"task_id": "t", "model": "m", "key": "id", "target": "y", **parts} | how)


def test_a_changed_relation_is_news_unless_it_is_told_to_fail_and_the_report_comes_first(
    execute: Execute, database: Database
) -> None:
    news = execute(concept())
    assert (news.error, news.result["verdict"]) == (None, "fail")
    assert news.result == news.pushed["report"] == news.report.ref().to_dict()
    failed = execute(concept(task_id="told", when_failed="fail"))
    assert isinstance(failed.error, AirflowFailException)
    assert failed.pushed == {"report": failed.report.ref().to_dict()}
    (window,) = windows.of_model(database, "m", "concept_drift")
    assert (window.partition, window.verdict, window.report) == (DAYS[1], "fail", failed.report.id)


def test_the_same_relation_passes_and_templates_are_rendered(execute: Execute) -> None:
    parts = {
        name: f"{dataset}@{{{{ day }}}}" for name, dataset in zip(("scores", "labels", "rows"), PARTS, strict=True)
    }
    ended = execute(concept(**parts, model="{{ name }}", target="{{ 'y' }}"), day=DAYS[0], name="m")
    assert (ended.report.verdict, ended.report.subject) == ("pass", f"m v1 {DAYS[0]}")


@pytest.mark.parametrize("late", ["scores", "labels", "rows"])
def test_what_has_not_come_yet_skips_the_task(late: str, execute: Execute, database: Database) -> None:
    ended = execute(concept(**{late: "elsewhere@2026-04-02"}))
    assert isinstance(ended.error, AirflowSkipException)
    assert "elsewhere" in str(ended.error)
    assert (ended.published, windows.of_model(database, "m", "concept_drift")) == ([], [])


def test_a_damaged_snapshot_is_not_taken_for_a_late_one(
    execute: Execute, database: Database, root: SnapshotRoot, tmp_path: Path
) -> None:
    labels = catalogue.current(database, "labels", DAYS[1])
    for file in root.open(labels).files:
        Path(file.removeprefix("file://")).unlink()
    ended = execute(concept())
    assert isinstance(ended.error, AirflowFailException)
    assert "gone or was changed" in str(ended.error)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"labels": f"labels@{DAYS[0]}"}, DAYS[0]),
        ({"target": "z"}, "z"),
        ({"key": "customer"}, "customer"),
        ({"scores": "scores"}, "is not a snapshot's address"),
        ({"policy": {"concept": {"effect": "much"}}}, "effect"),
        ({"policy": "no/such/policy.yaml"}, "no/such/policy.yaml"),
    ],
    ids=["partition", "target", "key", "address", "policy", "path"],
)
def test_what_does_not_fit_together_fails_at_once(how: dict[str, Any], message: str, execute: Execute) -> None:
    ended = execute(concept(**how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
    assert ended.published == []


def test_a_policy_is_a_path_or_its_content(execute: Execute, tmp_path: Path) -> None:
    lenient = {"concept": {"effect_threshold": 5.0, "feature_effect_threshold": 5.0}, "gate": {"metric": "auc"}}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(lenient), encoding="utf-8")
    for i, policy in enumerate([str(path), lenient, lenient["concept"]]):
        assert execute(concept(task_id=f"t{i}", policy=policy)).result["verdict"] == "pass"


def test_a_version_that_was_never_evaluated_is_not_judged_which_is_no_pass(
    execute: Execute, database: Database, root: SnapshotRoot
) -> None:
    other = rows(3).assign(model_version=7)[PARTS["scores"]]
    catalogue.record(database, root.write("scores", other, partition=DAYS[1]))
    assert execute(concept(when_failed="fail")).result["verdict"] == "inconclusive"
