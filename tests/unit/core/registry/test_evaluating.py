"""An evaluation says everything of both models, of every task; and what cannot be judged never looks judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from airflow_mlops.core.errors import BadInput, NotFound
from airflow_mlops.core.evaluation import GatePolicy
from airflow_mlops.core.evaluation.asked import Asked
from airflow_mlops.core.metrics import of_task
from airflow_mlops.core.refs import ModelVersionRef, RunRef
from airflow_mlops.core.registry import comparison, footprint, gating
from airflow_mlops.core.report import Report
from airflow_mlops.core.training import artifact, runs
from airflow_mlops.store import baselines, reports
from airflow_mlops.store.tables import Version

X = ["x", "z"]
EVERYTHING = Asked(slices=["region", "x"], groups=["sex"], importance=True, train_sample=150)


def people(count: int = 400, seed: int = 0, first: int = 0) -> pd.DataFrame:
    """``y``: 0 or 1; ``kind``: one of three classes; ``value``: a number; all by ``x``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    noisy = x + rng.normal(0, 0.6, count)
    return pd.DataFrame(
        {
            "id": np.arange(first, first + count),
            "x": x,
            "z": rng.normal(size=count),
            "region": rng.choice(["north", "south"], count),
            "sex": rng.choice(["f", "m"], count),
            "y": (noisy > 0).astype(int),
            "kind": np.array(["low", "middle", "high"])[np.digitize(noisy, [-0.5, 0.5])],
            "value": 3 * noisy,
        }
    )


@pytest.fixture
def told(world: Any) -> Any:
    """A world whose data have all three targets, and which registers a fitted model in a line."""
    frames = {part: people(400, seed, 1000 * seed) for seed, part in enumerate(("train", "validation", "test"))}
    world.data = {part: world.root.write(part, frame, partition="2026-04-06") for part, frame in frames.items()}
    world.frames = frames
    return world


def registered(world: Any, name: str, model: Any, target: str = "y", features: list[str] = X) -> ModelVersionRef:
    """Fit a model on training rows and register it, without all that a training records."""
    train = world.frames["train"]
    model.fit(train[features], train[target])
    with runs.claimed(world.client, world.database, key=name, experiment="e", name=name) as run:
        folder = Path(f"model-{name}")
        digest = artifact.write(model, folder, train[features].head())
        world.client.log_artifacts(run.id, str(folder), "model")
        world.client.log_metric(run.id, "train_seconds", 1.5)
        ref = run.finish(RunRef(run.id, name, "model", digest, "roc_auc", 0.7))
    version: ModelVersionRef = world.registered(name, run=ref)
    return version


def evaluated(
    world: Any, challenger: ModelVersionRef, metric: str = "roc_auc", target: str = "y", **how: Any
) -> Report:
    rows = comparison.Rows(world.root.open(how.pop("rows", world.data["test"])), ["id"], target, X)
    report = comparison.compare(
        world.database,
        world.root,
        challenger=challenger,
        rows=rows,
        metric=metric,
        tracking_uri=world.client.tracking_uri,
        asked=how.pop("asked", None),
    )
    reports.publish(world.database, report, actor="evaluate")
    return reports.get(world.database, report.id)


def gated(world: Any, challenger: ModelVersionRef, evaluation: Report, **policy: Any) -> Report:
    rules = GatePolicy(min_rows=100, **policy)
    return gating.gate(world.database, world.root, evaluation=evaluation, challenger=challenger, policy=rules)


def champion_and_challenger(world: Any) -> tuple[ModelVersionRef, ModelVersionRef]:
    weak = registered(world, "weak", LogisticRegression(C=1e-4))
    world.promoted(weak, "p1", world.gated(weak, "bootstrap"))
    return weak, registered(world, "strong", LogisticRegression())


def test_the_report_says_everything_that_was_asked_for(told: Any) -> None:
    champion_and_challenger(told)
    strong = registered(told, "forest", RandomForestClassifier(30, random_state=0))
    report = evaluated(told, strong, asked=EVERYTHING)
    assert (report.facts["task"], report.facts["metric"]) == ("binary", "roc_auc")
    assert (report.facts["slices"], report.facts["groups"]) == (["region", "x"], ["sex"])
    assert report.facts["champion_epoch"] == 1
    for role, facts in report.facts["roles"].items():
        assert (
            set(facts["metrics"]) == set(facts["intervals"]) == set(facts["train_metrics"]) == set(of_task("roc_auc"))
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


def test_slices_and_groups_reach_the_gate(told: Any) -> None:
    _, strong = champion_and_challenger(told)
    evaluation = evaluated(told, strong, asked=EVERYTHING)
    rules = {"slices": {"columns": ["region"]}, "fairness": {"sex": {"demographic_parity": 0.9}}}
    report = gated(told, strong, evaluation, **rules)
    assert report.decision in ("promote", "reject")
    assert {c.name for c in report.checks} >= {"slice region=north", "slice region=south", "fairness sex"}
    unsliced = gated(told, strong, evaluated(told, strong), **rules)
    assert unsliced.decision == "blocked"


def test_cost_is_measured_for_the_budgets(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())
    report = evaluated(told, strong, asked=Asked(cost=True))
    assert [c.message for c in report.checks if c.name == "memory"] == []
    facts = report.facts["roles"]["challenger"]
    measured = ("predict_ms_p50", "predict_ms_p95", "batch_ms_p50", "batch_ms_p95", "load_seconds", "memory_mb")
    assert all(facts[name] > 0 for name in measured)
    assert facts["train_seconds"] == 1.5
    assert facts["predict_ms_p50"] <= facts["predict_ms_p95"]
    assert gated(told, strong, report, budgets={"memory_mb": 1e5, "load_seconds": 1e5}).decision == "bootstrap"
    assert gated(told, strong, report, budgets={"memory_mb": 1e-9}).decision == "reject"


def test_what_could_not_be_measured_is_no_fact_and_is_said(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strong = registered(told, "strong", LogisticRegression())
    monkeypatch.setattr(footprint, "of_loading", lambda *_: {"challenger": {"why": "it took longer than 120 s"}})
    monkeypatch.setattr(comparison, "latency", lambda *_: {"challenger": {}})
    report = evaluated(told, strong, asked=Asked(cost=True))
    assert not {"memory_mb", "predict_ms_p95"} & set(report.facts["roles"]["challenger"])
    said = next(c for c in report.checks if c.name == "memory")
    assert (said.status, said.message) == ("not_judged", "it took longer than 120 s")
    gate = gated(told, strong, report, budgets={"memory_mb": 1e9, "predict_ms_p95": 1e9})
    assert gate.decision == "reject"
    assert {c.name for c in gate.failed} == {"budget memory_mb", "budget predict_ms_p95"}


def test_a_model_that_fails_on_one_row_alone_has_no_latency_and_that_is_said(told: Any, replaced: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())

    class Batches:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            if len(frame) == 1:
                raise ValueError("one row is no batch")
            return np.column_stack([1 - frame["x"].abs() / 9, frame["x"].abs() / 9])

    replaced(strong.version, Batches())
    report = evaluated(told, strong, asked=Asked(cost=True))
    assert "predict_ms_p95" not in report.facts["roles"]["challenger"]
    (said,) = [c for c in report.checks if c.name == "latency"]
    assert "ValueError: one row is no batch" in said.message


def test_several_classes_are_judged_by_their_names(told: Any) -> None:
    weak = registered(told, "weak", LogisticRegression(C=1e-4), "kind")
    told.promoted(weak, "p1", told.gated(weak, "bootstrap"))
    strong = registered(told, "strong", LogisticRegression(), "kind")
    report = evaluated(told, strong, "log_loss_multiclass", "kind", asked=EVERYTHING)
    assert report.facts["classes"] == ["high", "low", "middle"]
    metrics = {role: facts["metrics"] for role, facts in report.facts["roles"].items()}
    assert metrics["challenger"]["log_loss_multiclass"] < metrics["champion"]["log_loss_multiclass"]
    assert set(metrics["challenger"]) == set(of_task("f1_macro"))
    assert gated(told, strong, report, metric="log_loss_multiclass").decision == "promote"
    scores = baselines.get(told.database, "m", strong.version, "scores")
    assert "middle" in json.dumps(scores)


def test_a_champion_of_other_classes_gives_the_missing_one_no_chance(told: Any) -> None:
    two = told.frames["train"]["kind"] != "middle"
    whole, told.frames["train"] = told.frames["train"], told.frames["train"][two]
    old = registered(told, "two", LogisticRegression(), "kind")
    told.frames["train"] = whole
    told.promoted(old, "p1", told.gated(old, "bootstrap"))
    new = registered(told, "three", LogisticRegression(), "kind")
    report = evaluated(told, new, "accuracy_multiclass", "kind")
    scored = told.root.open(report.facts["evidence"]).to_pandas()
    assert (scored["score_champion_2"] == 0).all()
    assert scored[[f"score_champion_{i}" for i in range(3)]].sum(axis=1).to_numpy() == pytest.approx(np.ones(400))
    assert scored["score_challenger_2"].max() > 0.3


def test_a_class_that_the_challenger_does_not_know_is_named(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression(), "kind")
    rows = told.root.write("odd", told.frames["test"].assign(kind=["unheard of", *told.frames["test"]["kind"][1:]]))
    with pytest.raises(BadInput, match="classes that the model does not know: 'unheard of'"):
        evaluated(told, strong, "log_loss_multiclass", "kind", rows=rows)


def test_values_are_judged_by_their_errors(told: Any) -> None:
    strong = registered(told, "strong", LinearRegression(), "value")
    report = evaluated(told, strong, "mae", "value", asked=EVERYTHING)
    facts = report.facts["roles"]["challenger"]
    assert set(facts["metrics"]) == set(of_task("mae"))
    assert facts["metrics"]["r2"] > 0.5
    assert "calibration" not in facts
    assert {c.status for c in report.checks if c.where == "group sex"} == {"not_judged"}
    assert gated(told, strong, report, metric="mae").decision == "bootstrap"


# What cannot be judged: each has its own words, and never promotes.


class Sick:
    """A model that says what the test wants of it to say."""

    classes_ = np.array([0, 1])

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        if self.error:
            raise self.error
        return np.full((len(frame), 2), np.nan)


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a model in the place of the one of a version."""
    load = comparison.load_version

    def put(number: int, model: Any) -> None:
        def loaded(version: Version, *rest: Any) -> Any:
            return model if version.version == number else load(version, *rest)

        monkeypatch.setattr(comparison, "load_version", loaded)

    return put


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_scores_that_are_not_numbers_block(told: Any, replaced: Any, role: str) -> None:
    weak, strong = champion_and_challenger(told)
    replaced({"champion": weak, "challenger": strong}[role].version, Sick())
    report = evaluated(told, strong, asked=EVERYTHING)
    assert report.verdict == "fail"
    assert [(c.name, c.where) for c in report.failed if c.severity == "error"] == [("scores finite", role)]
    assert "400 of 400 scores" in report.failed[0].message
    assert report.facts["roles"][role]["metrics"]["roc_auc"] == "nan"
    assert gated(told, strong, report).decision == "blocked"


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_an_exception_in_a_model_names_it_and_leaves_nothing_behind(told: Any, replaced: Any, role: str) -> None:
    weak, strong = champion_and_challenger(told)
    version = {"champion": weak, "challenger": strong}[role].version
    replaced(version, Sick(ValueError("no column 'age'")))
    with pytest.raises(BadInput, match=f"the {role} m v{version} cannot score 400 rows: ValueError: no column 'age'"):
        evaluated(told, strong)
    assert not told.root.fs.exists(f"{told.root.path}/m_evidence")


def test_a_champion_whose_files_are_gone_is_no_missing_champion(told: Any) -> None:
    weak, strong = champion_and_challenger(told)
    uri = told.client.get_run(weak.run_id).info.artifact_uri
    shutil.rmtree(uri.removeprefix("file://"))
    with pytest.raises(NotFound, match=f"the champion m v{weak.version} cannot be loaded: a model's artifact is gone"):
        evaluated(told, strong)


def test_an_empty_test_set_has_its_own_words(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())
    rows = told.root.write("none", told.frames["test"].head(0))
    with pytest.raises(BadInput, match="there are no gate rows"):
        evaluated(told, strong, rows=rows)


def test_a_test_set_of_one_class_has_its_own_words_and_blocks(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())
    frame = told.frames["test"]
    report = evaluated(told, strong, rows=told.root.write("one", frame[frame["y"] == 1]), asked=EVERYTHING)
    assert report.verdict == "not_judged"
    assert any("are of one class" in c.message for c in report.checks)
    assert gated(told, strong, report).decision == "blocked"


def test_an_evaluation_that_came_to_nothing_is_a_failed_report_without_evidence(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())
    report = comparison.unjudged(strong, BadInput("there are no gate rows", where="rows 2026", mend="check"))
    assert (report.kind, report.subject, report.verdict) == ("evaluation", str(strong), "fail")
    assert "no gate rows" in report.summary()
    assert "evidence" not in report.facts


def test_when_the_training_rows_lack_a_feature_overfitting_is_not_judged(told: Any) -> None:
    strong = registered(told, "strong", LogisticRegression())
    narrow = told.root.write("narrow", told.frames["train"][["id", "x", "y"]])
    told.data = {**told.data, "train": narrow}
    again = registered(told, "again", LogisticRegression())
    report = evaluated(told, again, asked=Asked(train_sample=100))
    check = next(c for c in report.checks if c.name == "overfitting")
    assert check.status == "not_judged"
    assert "train_metrics" not in report.facts["roles"]["challenger"]
    assert strong.version != again.version
