"""From models to the decision: what cannot be judged has its own words and never promotes, what is worse is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.evaluation.options import EvaluationOptions

EVERYTHING = EvaluationOptions(slices=["region", "x"], groups=["sex"], importance=True, train_sample=150)


class Sick:
    """A model that says what the test wants of it to say."""

    classes_ = np.array([0, 1])

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        if self.error:
            raise self.error
        return np.full((len(frame), 2), np.nan)


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_scores_that_are_not_numbers_block(told: Any, replaced: Any, role: str) -> None:
    weak, strong = told.pair()
    replaced({"champion": weak, "challenger": strong}[role].version, Sick())
    report = told.evaluated(strong, asked=EVERYTHING)
    assert report.verdict == "fail"
    assert [(c.name, c.where) for c in report.failed if c.severity == "error"] == [("scores finite", role)]
    assert "400 of 400 scores" in report.failed[0].message
    assert report.facts["roles"][role]["metrics"]["roc_auc"] == "nan"
    assert told.decided(strong, report).decision == "blocked"


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_an_exception_in_a_model_names_it_and_leaves_nothing_behind(told: Any, replaced: Any, role: str) -> None:
    weak, strong = told.pair()
    version = {"champion": weak, "challenger": strong}[role].version
    replaced(version, Sick(ValueError("no column 'age'")))
    with pytest.raises(BadInput, match=f"the {role} m v{version} cannot score 400 rows: ValueError: no column 'age'"):
        told.evaluated(strong)
    assert not told.root.fs.exists(f"{told.root.path}/m_evidence")


def test_a_champion_whose_files_are_gone_is_no_missing_champion(told: Any) -> None:
    weak, strong = told.pair()
    uri = told.client.get_run(weak.run_id).info.artifact_uri
    shutil.rmtree(uri.removeprefix("file://"))
    with pytest.raises(NotFound, match=f"the champion m v{weak.version} cannot be loaded: a model's artifact is gone"):
        told.evaluated(strong)


def test_an_empty_test_set_has_its_own_words(told: Any) -> None:
    strong = told.model("strong", LogisticRegression())
    rows = told.root.write("none", told.frames["test"].head(0))
    with pytest.raises(BadInput, match="there are no gate rows"):
        told.evaluated(strong, rows=rows)


def test_a_test_set_of_one_class_has_its_own_words_and_blocks(told: Any) -> None:
    strong = told.model("strong", LogisticRegression())
    frame = told.frames["test"]
    report = told.evaluated(strong, rows=told.root.write("one", frame[frame["y"] == 1]), asked=EVERYTHING)
    assert report.verdict == "inconclusive"
    assert any("are of one class" in c.message for c in report.checks)
    assert told.decided(strong, report).decision == "blocked"


def test_an_evaluation_that_came_to_nothing_is_a_failed_report_without_evidence(told: Any) -> None:
    strong = told.model("strong", LogisticRegression())
    report = comparison.report_evaluation_failure(
        strong, BadInput("there are no gate rows", where="rows 2026", hint="check")
    )
    assert (report.kind, report.subject, report.verdict) == ("evaluation", str(strong), "fail")
    assert "no gate rows" in report.summary()
    assert "evidence" not in report.facts


def test_when_the_training_rows_lack_a_feature_overfitting_is_not_judged(told: Any) -> None:
    strong = told.model("strong", LogisticRegression())
    narrow = told.root.write("narrow", told.frames["train"][["id", "x", "y"]])
    told.data = {**told.data, "train": narrow}
    again = told.model("again", LogisticRegression())
    report = told.evaluated(again, asked=EvaluationOptions(train_sample=100))
    check = next(c for c in report.checks if c.name == "overfitting")
    assert check.status == "inconclusive"
    assert "train_metrics" not in report.facts["roles"]["challenger"]
    assert strong.version != again.version


def test_an_evaluation_that_came_to_nothing_blocks_in_its_own_words(told: Any) -> None:
    weak, strong = told.pair()
    for error in (
        BadInput("there are no gate rows to judge a model by", where="rows 2026"),
        NotFound(f"the champion m v{weak.version} cannot be loaded: a model's artifact is gone"),
    ):
        report = told.decided(strong, comparison.report_evaluation_failure(strong, error))
        assert report.decision == "blocked"
        assert error.what in report.summary()
        assert report.facts["binding"]["digest"] == strong.digest


def test_a_champion_that_is_not_the_one_of_its_epoch_blocks(told: Any) -> None:
    weak, strong = told.pair()
    evaluation = told.evaluated(strong)
    assert told.decided(strong, evaluation, metric="log_loss").decision == "promote"
    for key, value in (("version", 7), ("digest", "e" * 64)):
        roles = {**evaluation.facts["roles"], "champion": {**evaluation.facts["roles"]["champion"], key: value}}
        report = told.decided(strong, replace(evaluation, facts={**evaluation.facts, "roles": roles}))
        assert report.decision == "blocked"
        assert f"the ledger's champion of revision 1 is v{weak.version}" in report.summary()


def test_a_champion_of_classes_of_another_kind_is_an_error_not_a_straw_man(told: Any, replaced: Any) -> None:
    weak = told.model("weak", LogisticRegression(C=1e-4), "kind")
    told.promoted(weak, "p1", told.gated(weak, "promote_first"))
    strong = told.model("strong", LogisticRegression(), "kind")
    whole = Sick()
    whole.classes_ = np.array([0, 1, 2])
    whole.predict_proba = lambda frame: np.full((len(frame), 3), 1 / 3)  # type: ignore[method-assign]
    replaced(weak.version, whole)
    with pytest.raises(BadInput, match="the champion m v1 supports none of the classes"):
        told.evaluated(strong, "log_loss_multiclass", "kind")


@pytest.mark.parametrize("side", ["champion", "challenger"])
def test_rows_that_a_model_was_tuned_on_block_whatever_that_part_is_called(told: Any, side: str) -> None:
    parts = told.data
    told.data = {**parts, "tuning": parts["test"]} if side == "champion" else parts
    weak = told.model("weak", LogisticRegression(C=1e-4))
    told.promoted(weak, "p1", told.gated(weak, "promote_first"))
    told.data = {**parts, "tuning": parts["test"]} if side == "challenger" else parts
    strong = told.model("strong", LogisticRegression())
    report = told.decided(strong, told.evaluated(strong))
    assert report.decision == "blocked"
    assert [(c.name, c.observed) for c in report.failed] == [("unseen rows", 400)]


class Knows:
    """A model that knows the odds, but where ``z`` is large it tosses a coin."""

    classes_ = np.array([0, 1])

    def __init__(self, sharp: float, coin_above: float = np.inf) -> None:
        self.sharp, self.coin_above = sharp, coin_above

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        x, z = frame["x"].to_numpy(), frame["z"].to_numpy()
        p = 1 / (1 + np.exp(-self.sharp * np.where(z > self.coin_above, np.sin(1e4 * x), x) - np.sin(1e4 * z)))
        return np.column_stack([1 - p, p])


def test_better_on_all_rows_but_worse_in_one_slice_is_refused_and_the_slice_is_named(told: Any, replaced: Any) -> None:
    weak, strong = told.pair()
    replaced(weak.version, Knows(0.6))
    rows = told.more(3000)
    for coin_above, decision in ((np.inf, "promote"), (1.0, "reject")):
        replaced(strong.version, Knows(3.0, coin_above))
        evaluation = told.evaluated(strong, rows=rows, asked=EvaluationOptions(slices=["z", "region"]))
        report = told.decided(strong, evaluation, slices={"columns": ["z"]})
        assert report.decision == decision, report.summary()
    assert report.facts["gain"]["low"] > 0
    (failed,) = report.failed
    assert failed.name.startswith("slice z=> 0.6")
    assert "worse" in failed.message


def test_a_slice_of_twelve_rows_is_named_as_not_judged(told: Any) -> None:
    _, strong = told.pair()
    frame = told.frames["test"].assign(region=["west"] * 12 + ["east"] * 388)
    evaluation = told.evaluated(strong, rows=told.root.write("few", frame), asked=EvaluationOptions(slices=["region"]))
    report = told.decided(strong, evaluation, metric="log_loss")
    assert (report.decision, report.verdict) == ("promote", "warn")
    assert "region=west (12 rows)" in report.summary()
    for means, decision in (("hold", "hold"), ("reject", "reject")):
        rules = {"metric": "log_loss", "slices": {"inconclusive": means}}
        assert told.decided(strong, evaluation, **rules).decision == decision


def test_of_a_forest_that_is_ten_times_larger_only_the_size_is_refused(told: Any) -> None:
    told.pair()
    forest = told.model("forest", RandomForestClassifier(60, max_depth=5, random_state=0))
    evaluation = told.evaluated(forest, asked=EvaluationOptions(cost=True, slices=["region"], groups=["sex"]))
    sizes = {role: of["bytes"] for role, of in evaluation.facts["roles"].items()}
    assert sizes["challenger"] > 10 * sizes["champion"]
    rules: dict[str, Any] = {
        "metric": "log_loss",
        "floors": {"roc_auc": 0.6},
        "fairness": {"sex": {"demographic_parity": 0.9}},
        "budgets": {"predict_ms_p95": 6e4, "memory_mb": 1e5},
    }
    assert told.decided(forest, evaluation, **rules).decision == "promote"
    rules["budgets"]["bytes"] = 10 * sizes["champion"]
    report = told.decided(forest, evaluation, **rules)
    assert report.decision == "reject"
    assert [c.name for c in report.failed] == ["budget bytes"]
