"""The built-in tests, beyond the mutants: what is too little, what is refused clearly, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.model_tests import CustomTests, ModelUnderTest, run_model_tests
from airflow_mlops.core.model_tests.fitted_parts import fitted
from airflow_mlops.core.model_tests.learning import better_than_a_constant, overfits_a_hundred_rows, skill_score
from airflow_mlops.core.model_tests.serving_inputs import schema_at_serving
from airflow_mlops.core.model_tests.stability import deterministic, same_after_reload

CONTRACT = {
    "name": "guests",
    "environments": {"serving": {"without": ["stays"]}},
    "columns": {
        "age": {"type": "float"},
        "fare": {"type": "float", "nullable": False},
        "town": {"type": "category", "nullable": False},
        "stays": {"type": "int", "role": "label"},
    },
}


class Asked(ClassifierMixin, BaseEstimator):
    """A classifier that does what a test wants with the rows that it is asked about."""

    answer: Any = None

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.classes_ = np.array([0, 1])

    def fit(self, features: pd.DataFrame, target: Any) -> Asked:
        return self

    def predict_proba(self, features: pd.DataFrame) -> Any:
        chances = np.asarray(self.answer(features), dtype=float)
        return np.column_stack([1 - chances, chances])


def by_age(rows: pd.DataFrame) -> Any:
    return 1 / (1 + np.exp(-0.1 * (rows["age"].fillna(40).to_numpy(float) - 40)))


def scored(test: Any, subject: ModelUnderTest) -> Any:
    return test(subject, subject.scorer.scores(subject.rows))


def test_too_few_rows_are_not_judged_and_neither_is_the_report(subject: Any, guests: Any) -> None:
    report = run_model_tests(subject(held=guests(8)), model_name="m")
    tests = report.facts["tests"]
    names = ("not constant", "better than a constant", "overfits a hundred rows", "no target proxy")
    assert [tests[name] for name in names] == ["inconclusive"] * 4
    assert report.verdict == "inconclusive"


def test_one_class_alone_tells_nothing_about_learning(subject: Any, guests: Any) -> None:
    report = run_model_tests(subject(held=guests().query("stays == 1")), model_name="m")
    for name in ("better than a constant", "overfits a hundred rows", "no target proxy"):
        assert report.facts["tests"][name] == "inconclusive"


def test_a_model_that_cannot_score_fails_once_and_is_not_judged_otherwise(subject: Any) -> None:
    def fall(rows: pd.DataFrame) -> Any:
        raise RuntimeError("no weights")

    report = run_model_tests(subject(Asked(fall)), model_name="m")
    assert report.verdict == "fail"
    assert [check.name for check in report.failed] == ["dtype"]
    assert "no weights" in report.failed[0].message
    assert report.facts["tests"]["reload"] == "inconclusive"


def test_no_rows_and_a_target_of_another_task_are_errors(subject: Any, guests: Any) -> None:
    with pytest.raises(BadInput, match="there are no rows"):
        subject(held=guests().head(0))
    with pytest.raises(BadInput, match="a binary task has 0 and 1"):
        subject(target="bill", model=Asked(by_age))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows: np.random.default_rng().random(len(rows)), "in a second call"),
        (lambda rows: np.arange(len(rows)) / 1000, "are reordered"),
        (lambda rows: by_age(rows) * (0.5 if len(rows) == 1 else 1), "when a row is scored alone"),
    ],
    ids=["chance", "place", "alone"],
)
def test_scores_that_depend_on_more_than_the_row_are_found(subject: Any, answer: Any, said: str) -> None:
    check = scored(deterministic, subject(Asked(answer)))
    assert check.status == "fail"
    assert said in check.message


def test_a_model_that_is_another_one_once_it_is_loaded_again_is_found(
    subject: Any, build: Any, guests: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_mlops.core.models import artifact

    assert scored(same_after_reload, subject()).status == "pass"
    other = build(LogisticRegression(C=0.01)).fit(guests(300, 5), guests(300, 5)["stays"])
    monkeypatch.setattr(artifact, "load_model", lambda *given, **how: other)
    assert "after saving and reloading" in scored(same_after_reload, subject()).message


def test_the_types_of_serving_are_tried(subject: Any, build: Any, guests: Any) -> None:
    healthy = scored(schema_at_serving, subject(contract=Contract.load(CONTRACT)))
    assert healthy.status == "pass"
    assert healthy.observed == {"rejected": ["age missing"]}, "a logistic regression says that it takes no NaN"
    strict = build(encoder=OneHotEncoder()).fit(guests(600, 1), guests(600, 1)["stays"])
    assert scored(schema_at_serving, subject(strict)).observed == {"rejected": ["town never seen"]}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows: by_age(rows) if rows["age"].notna().all() else np.full(len(rows), np.nan), "age missing: scores"),
        (lambda rows: [{"ash": 0.1, "birch": 0.2, "cedar": 0.3}[town] for town in rows["town"]], ""),
        (
            lambda rows: [0.1] * len(rows) if set(rows["town"]) <= set("abc") or len(rows) > 20 else 1 / 0,
            "scoring fails",
        ),
        (lambda rows: by_age(rows) + (0.01 if rows["town"].dtype == object else 0), ""),
    ],
    ids=["NaN", "key", "unclear", "dtype"],
)
def test_what_serving_may_bring_has_to_be_answered_or_refused_clearly(subject: Any, answer: Any, said: str) -> None:
    check = scored(schema_at_serving, subject(Asked(answer), contract=Contract.load(CONTRACT)))
    if said:
        assert check.status == "fail"
        assert said in check.message


def test_a_feature_that_is_not_there_when_the_model_serves_is_found(subject: Any, guests: Any, build: Any) -> None:
    contract = Contract.load({**CONTRACT, "environments": {"serving": {"without": ["stays", "fare"]}}})
    check = scored(schema_at_serving, subject(contract=contract))
    assert (check.status, check.observed) == ("fail", ["fare"])


def test_whole_numbers_may_come_as_floats(subject: Any, guests: Any) -> None:
    held = guests().assign(age=lambda rows: rows["age"].round().astype("int64"))

    def picky(rows: pd.DataFrame) -> Any:
        return by_age(rows) * (1 if rows["age"].dtype == "int64" else 0.5)

    check = scored(schema_at_serving, subject(Asked(picky), held=held))
    assert (check.status, check.message[:20]) == ("fail", "integers as floats: ")


def test_parts_without_anything_to_learn_need_no_fit_and_a_part_that_lost_it_is_named(
    subject: Any, build: Any, guests: Any
) -> None:
    class Bare(BaseEstimator):
        """It learns nothing, and does not say so."""

        def fit(self, rows: Any, target: Any = None) -> Bare:
            return self

        def transform(self, rows: Any) -> Any:
            return rows

    train = guests(600, 1)
    model = Pipeline([("bare", Bare()), *build().steps]).fit(train[["age", "fare", "town"]], train["stays"])
    assert fitted(subject(model)).status == "pass"
    scaler = model.named_steps["columns"].named_transformers_["numbers"]
    for name in [name for name in vars(scaler) if name.endswith("_")]:
        delattr(scaler, name)
    check = fitted(subject(model))
    assert check.status == "fail"
    assert "StandardScaler is not fitted: Pipeline.columns.numbers" in check.message


def test_a_model_that_ignores_what_it_is_fitted_on_learns_nothing(subject: Any, build: Any) -> None:
    broken = subject(build=lambda: Asked(lambda rows: np.full(len(rows), 0.5)))
    check = scored(overfits_a_hundred_rows, broken)
    assert check.status == "fail"
    assert "learns nothing" in check.message
    simple = scored(overfits_a_hundred_rows, subject(build=lambda: build(LogisticRegression(C=1e-3))))
    assert (simple.status, simple.severity) == ("inconclusive", "info"), simple
    failing = scored(overfits_a_hundred_rows, subject(build=lambda: OneHotEncoder()))
    assert failing.status == "fail"


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy", "recall", "calibration_error", "brier"])
def test_turned_round_a_model_is_worse_than_a_constant(subject: Any, metric: str) -> None:
    assert scored(better_than_a_constant, subject(Asked(by_age), metric)).status == "pass"
    assert scored(better_than_a_constant, subject(Asked(lambda rows: 1 - by_age(rows)), metric)).status == "fail"


def test_skill_is_one_for_the_truth_and_none_for_the_mean() -> None:
    target = np.array([0.0, 1.0, 2.0, 1.0])
    hot = (target[:, None] == np.arange(3)).astype(float)
    assert skill_score("multiclass", target, hot) == 1
    assert skill_score("multiclass", target, np.tile(hot.mean(0), (4, 1))) == 0
    assert skill_score("regression", target, target) == 1
    assert skill_score("regression", target, np.full(4, 1.0)) == 0
    assert skill_score("regression", target, target[::-1] * 5) < 0


def test_the_report_fits_its_bounds_and_loses_no_failure(subject: Any) -> None:
    def fails(model: Any) -> None:
        raise AssertionError("x" * 10_000)

    many = {f"test_{number:03}": (fails if number == 119 else (lambda model: None)) for number in range(120)}
    report = run_model_tests(subject(), CustomTests(functions=many), model_name="m v1", digest="d")
    back = type(report).from_dict(report.to_dict())
    assert back.facts["tests"]["test_119"] == "fail"
    assert back.verdict == "fail"
    assert len(report.to_json()) < 100_000
