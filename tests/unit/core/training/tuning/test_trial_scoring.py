"""Parameters are judged as scikit-learn would judge them, on folds of the training rows or on validation rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error, roc_auc_score
from sklearn.model_selection import cross_val_score

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.training.candidate import Candidate, read_training_rows
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.folds import make_folds
from airflow_mlops.core.training.tuning.trial_scoring import TrialScorer

CANDIDATE = Candidate("c", LogisticRegression, ["x", "z"], "y")


@pytest.fixture
def parts(root: SnapshotRoot, people: Any) -> dict[str, Snapshot]:
    made = {"train": people(240, 1), "validation": people(100, 2)}
    for frame in made.values():
        frame["group"] = frame["id"] // 4
        frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["id"] // 5, unit="D")
        frame["weight"] = 1.0 + frame["id"] % 3
        frame["kind"] = np.select([frame["x"] > 0.5, frame["x"] < -0.5], ["high", "low"], "mid")
        frame["amount"] = 3 * frame["x"] + frame["z"]
    return {name: root.open(root.write(name, frame)) for name, frame in made.items()}


def judging(candidate: Candidate, parts: dict[str, Snapshot], **settings: Any) -> TrialScorer:
    tuning = Tuning.load({"space": {"C": [1]}, **settings})
    return TrialScorer(
        candidate, tuning, read_training_rows(candidate, parts["train"]), parts["train"], parts["validation"]
    )


def test_without_folds_trials_are_judged_on_the_validation_rows(parts: dict[str, Snapshot]) -> None:
    train, validation = (parts[name].to_pandas() for name in ("train", "validation"))
    model = LogisticRegression(C=0.1).fit(train[["x", "z"]], train["y"])
    expected = roc_auc_score(validation["y"], model.predict_proba(validation[["x", "z"]])[:, 1])
    judge = judging(CANDIDATE, parts)
    assert list(judge.scores({"C": 0.1})) == [pytest.approx(expected)]
    assert judge.steps == 1


@pytest.mark.parametrize(
    "rule", [{}, {"group": "group"}, {"time": "day", "gap": "2d"}], ids=["random", "group", "time"]
)
def test_folds_give_what_scikit_learn_gives_for_them(parts: dict[str, Snapshot], rule: dict[str, Any]) -> None:
    frame = parts["train"].to_pandas()
    tuning = Tuning.load({"space": {"C": [1]}, "folds": 4, **rule})
    cut = [(fold.train, fold.test) for fold in make_folds(tuning, frame["y"], frame, "binary")]
    expected = cross_val_score(LogisticRegression(C=0.1), frame[["x", "z"]], frame["y"], cv=cut, scoring="roc_auc")
    judge = judging(CANDIDATE, parts, folds=4, **rule)
    running = np.cumsum(expected) / np.arange(1, 5)
    assert list(judge.scores({"C": 0.1})) == pytest.approx(running.tolist())
    assert judge.steps == 4


def test_folds_do_not_read_the_validation_rows(parts: dict[str, Snapshot], root: SnapshotRoot) -> None:
    other = root.open(root.write("other", pd.DataFrame({"a": [1]})))
    assert len(list(judging(CANDIDATE, {**parts, "validation": other}, folds=3).scores({}))) == 3


def test_weights_are_those_of_the_fold_s_own_rows(parts: dict[str, Snapshot]) -> None:
    frame = parts["train"].to_pandas()
    tuning = Tuning.load({"space": {"C": [1]}, "folds": 2})
    fold = make_folds(tuning, frame["y"], frame, "binary")[0]
    fitted, judged = frame.iloc[fold.train], frame.iloc[fold.test]
    model = LogisticRegression().fit(fitted[["x", "z"]], fitted["y"], sample_weight=fitted["weight"])
    candidate = Candidate("c", LogisticRegression, ["x", "z"], "y", sample_weight="weight")
    first = next(judging(candidate, parts, folds=2).scores({}))
    assert first == pytest.approx(roc_auc_score(judged["y"], model.predict_proba(judged[["x", "z"]])[:, 1]))


def test_iterations_are_the_steps_each_over_all_folds(parts: dict[str, Snapshot]) -> None:
    candidate = Candidate("c", HistGradientBoostingRegressor, ["x", "z"], "amount", metric="mae", seed=0)
    judge = judging(candidate, parts, folds=2, iterations={"name": "max_iter", "steps": [2, 5, 20]})
    scores = list(judge.scores({"max_leaf_nodes": 5}))
    assert len(scores) == judge.steps == 3
    assert scores[0] > scores[1] > scores[2]
    frame = parts["train"].to_pandas()
    cut = make_folds(Tuning.load({"space": {"C": [1]}, "folds": 2}), frame["amount"], frame, "regression")
    errors = []
    for fold in cut:
        model = HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=5, random_state=0)
        model.fit(frame[["x", "z"]].iloc[fold.train], frame["amount"].iloc[fold.train])
        predicted = model.predict(frame[["x", "z"]].iloc[fold.test])
        errors.append(mean_absolute_error(frame["amount"].iloc[fold.test], predicted))
    assert scores[2] == pytest.approx(np.mean(errors))


def test_classes_named_by_text_are_judged(parts: dict[str, Snapshot]) -> None:
    candidate = Candidate("c", LogisticRegression, ["x", "z"], "kind", metric="log_loss_multiclass")
    assert list(judging(candidate, parts, folds=3).scores({}))[-1] < 0.5


def test_a_keyword_that_build_does_not_take_is_told(parts: dict[str, Snapshot]) -> None:
    with pytest.raises(BadInput, match="unexpected keyword argument 'C'"):
        list(judging(Candidate("c", Ridge, ["x"], "amount", metric="mae"), parts).scores({"C": 1}))
