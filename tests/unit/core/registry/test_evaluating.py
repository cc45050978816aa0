"""An evaluation says everything of both models, of every task; and what cannot be judged never looks judged."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation import comparison, resource_usage
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.metrics import metrics_of_same_task
from airflow_mlops.store import baselines

EVERYTHING = EvaluationOptions(slices=["region", "x"], groups=["sex"], importance=True, train_sample=150)


def test_the_report_says_everything_that_was_asked_for(told: Any) -> None:
    told.pair()
    strong = told.model("forest", RandomForestClassifier(30, random_state=0))
    report = told.evaluated(strong, asked=EVERYTHING)
    assert (report.facts["task"], report.facts["metric"]) == ("binary", "roc_auc")
    assert (report.facts["slices"], report.facts["groups"]) == (["region", "x"], ["sex"])
    assert report.facts["champion_revision"] == 1
    for role, facts in report.facts["roles"].items():
        assert (
            set(facts["metrics"])
            == set(facts["intervals"])
            == set(facts["train_metrics"])
            == set(metrics_of_same_task("roc_auc"))
        )
        assert facts["intervals"]["roc_auc"][0] < facts["metrics"]["roc_auc"] < facts["intervals"]["roc_auc"][1]
        assert sum(rows for *_, rows in facts["calibration"]) == 400
        assert (facts["seen_rows"], facts["bytes"] > 0) == (0, True)
        assert ("importance" in facts) == (role == "challenger")
    assert report.facts["roles"]["challenger"]["importance"][0][0] == "x"
    names = {(c.name, (c.where or "").partition("=")[0]) for c in report.checks}
    assert {("roc_auc", "slice region"), ("roc_auc", "slice x")} <= names
    assert {("demographic parity", "group sex"), ("equalised odds", "group sex")} <= names
    assert any(c.name == "worst slice" for c in report.checks)
    overfitting = {c.where: c.status for c in report.checks if c.name == "overfitting"}
    assert overfitting == {"challenger": "fail", "champion": "pass"}  # a forest knows its training rows by heart
    assert report.verdict == "warn"
    assert len(json.dumps(report.to_dict())) < 60_000


def test_a_champion_of_other_features_gets_its_own(told: Any) -> None:
    old = told.model("old", LogisticRegression(), features=["value", "z"])  # value is no feature any more
    told.promoted(old, "p1", told.gated(old, "promote_first"))
    new = told.model("new", LogisticRegression(), features=["z", "x"])  # in another order than they are read
    report = told.evaluated(new, asked=EvaluationOptions(importance=True, cost=True, train_sample=100))
    facts = report.facts["roles"]
    assert facts["champion"]["metrics"]["roc_auc"] > 0.99  # the value tells all
    assert [c.message for c in report.checks if c.status == "inconclusive"] == []
    assert all("predict_ms_p95" in of and "memory_mb" in of and "train_metrics" in of for of in facts.values())
    assert {name for name, *_ in facts["challenger"]["importance"]} == {"x", "z"}
    assert "value" not in json.dumps(baselines.get(told.database, "m", new.version, "relation"))


def test_slices_and_groups_reach_the_gate(told: Any) -> None:
    _, strong = told.pair()
    evaluation = told.evaluated(strong, asked=EVERYTHING)
    rules = {"slices": {"columns": ["region"]}, "fairness": {"sex": {"demographic_parity": 0.9}}}
    report = told.decided(strong, evaluation, **rules)
    assert report.decision in ("promote", "reject")
    assert {c.name for c in report.checks} >= {"slice region=north", "slice region=south", "fairness sex"}
    unsliced = told.decided(strong, told.evaluated(strong), **rules)
    assert unsliced.decision == "blocked"


def test_cost_is_measured_for_the_budgets(told: Any) -> None:
    strong = told.model("strong", LogisticRegression())
    report = told.evaluated(strong, asked=EvaluationOptions(cost=True))
    assert [c.message for c in report.checks if c.name == "memory"] == []
    facts = report.facts["roles"]["challenger"]
    measured = ("predict_ms_p50", "predict_ms_p95", "batch_ms_p50", "batch_ms_p95", "load_seconds", "memory_mb")
    assert all(facts[name] > 0 for name in measured)
    assert facts["train_seconds"] == 1.5
    assert facts["predict_ms_p50"] <= facts["predict_ms_p95"]
    assert told.decided(strong, report, budgets={"memory_mb": 1e5, "load_seconds": 1e5}).decision == "promote_first"
    assert told.decided(strong, report, budgets={"memory_mb": 1e-9}).decision == "reject"


def test_what_could_not_be_measured_is_no_fact_and_is_said(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strong = told.model("strong", LogisticRegression())
    monkeypatch.setattr(
        resource_usage, "measure_loading", lambda *_: {"challenger": {"reason": "it took longer than 120 s"}}
    )
    monkeypatch.setattr(comparison, "measure_latency", lambda *_: {"challenger": {}})
    report = told.evaluated(strong, asked=EvaluationOptions(cost=True))
    assert not {"memory_mb", "predict_ms_p95"} & set(report.facts["roles"]["challenger"])
    said = next(c for c in report.checks if c.name == "memory")
    assert (said.status, said.message) == ("inconclusive", "it took longer than 120 s")
    gate = told.decided(strong, report, budgets={"memory_mb": 1e9, "predict_ms_p95": 1e9})
    assert gate.decision == "reject"
    assert {c.name for c in gate.failed} == {"budget memory_mb", "budget predict_ms_p95"}


def test_a_model_that_fails_on_one_row_alone_has_no_latency_and_that_is_said(told: Any, replaced: Any) -> None:
    strong = told.model("strong", LogisticRegression())

    class Batches:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            if len(frame) == 1:
                raise ValueError("one row is no batch")
            return np.column_stack([1 - frame["x"].abs() / 9, frame["x"].abs() / 9])

    replaced(strong.version, Batches())
    report = told.evaluated(strong, asked=EvaluationOptions(cost=True))
    assert "predict_ms_p95" not in report.facts["roles"]["challenger"]
    (said,) = [c for c in report.checks if c.name == "latency"]
    assert "ValueError: one row is no batch" in said.message


def test_several_classes_are_judged_by_their_names(told: Any) -> None:
    weak = told.model("weak", LogisticRegression(C=1e-4), "kind")
    told.promoted(weak, "p1", told.gated(weak, "promote_first"))
    strong = told.model("strong", LogisticRegression(), "kind")
    report = told.evaluated(strong, "log_loss_multiclass", "kind", asked=EVERYTHING)
    assert report.facts["classes"] == ["high", "low", "middle"]
    metrics = {role: facts["metrics"] for role, facts in report.facts["roles"].items()}
    assert metrics["challenger"]["log_loss_multiclass"] < metrics["champion"]["log_loss_multiclass"]
    assert set(metrics["challenger"]) == set(metrics_of_same_task("f1_macro"))
    assert told.decided(strong, report, metric="log_loss_multiclass").decision == "promote"
    scores = baselines.get(told.database, "m", strong.version, "scores")
    assert "middle" in json.dumps(scores)


def test_a_champion_of_other_classes_gives_the_missing_one_no_chance(told: Any) -> None:
    two = told.frames["train"]["kind"] != "middle"
    whole, told.frames["train"] = told.frames["train"], told.frames["train"][two]
    old = told.model("two", LogisticRegression(), "kind")
    told.frames["train"] = whole
    told.promoted(old, "p1", told.gated(old, "promote_first"))
    new = told.model("three", LogisticRegression(), "kind")
    report = told.evaluated(new, "accuracy_multiclass", "kind")
    scored = told.root.open(report.facts["evidence"]).to_pandas()
    assert (scored["score_champion_2"] == 0).all()
    assert scored[[f"score_champion_{i}" for i in range(3)]].sum(axis=1).to_numpy() == pytest.approx(np.ones(400))
    assert scored["score_challenger_2"].max() > 0.3


def test_a_class_that_the_challenger_does_not_know_is_named(told: Any) -> None:
    strong = told.model("strong", LogisticRegression(), "kind")
    rows = told.root.write("odd", told.frames["test"].assign(kind=["unheard of", *told.frames["test"]["kind"][1:]]))
    with pytest.raises(BadInput, match="classes that the model was not trained on: 'unheard of'"):
        told.evaluated(strong, "log_loss_multiclass", "kind", rows=rows)


def test_values_are_judged_by_their_errors(told: Any) -> None:
    strong = told.model("strong", LinearRegression(), "value")
    report = told.evaluated(strong, "mae", "value", asked=EVERYTHING)
    facts = report.facts["roles"]["challenger"]
    assert set(facts["metrics"]) == set(metrics_of_same_task("mae"))
    assert facts["metrics"]["r2"] > 0.5
    assert "calibration" not in facts
    assert {c.status for c in report.checks if c.where == "group sex"} == {"inconclusive"}
    assert told.decided(strong, report, metric="mae").decision == "promote_first"
