"""What a team writes down: read with words for what is wrong, and judged row by row."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.model_tests import (
    Case,
    CustomTests,
    Direction,
    Expected,
    Invariance,
    ModelScorer,
    ModelUnderTest,
    about,
    at_least,
    at_most,
    between,
    run_model_tests,
)
from airflow_mlops.core.model_tests.custom_checks import scores_as_expected

EVERYTHING = dict.fromkeys(
    ("reload", "schema at serving", "overfits a hundred rows", "no target proxy"), "not looked at here"
)


class Line:
    """A regression whose score is known: ``2 * age``, and 5 more in the town of ash."""

    def fit(self, features: pd.DataFrame, target: Any) -> Line:
        return self

    def predict(self, features: pd.DataFrame) -> Any:
        return 2 * features["age"].to_numpy(float) + 5 * (features["town"] == "ash").to_numpy(float)


@pytest.fixture
def judged() -> Any:
    rows = pd.DataFrame({"age": np.arange(60.0), "rooms": np.arange(60) % 5, "town": ["ash", "birch", "birch"] * 20})

    def judge(**written: Any) -> dict[str, Any]:
        subject = ModelUnderTest.from_model(Line(), rows, 2 * rows["age"] + np.arange(60) % 7, metric="mae")
        report = run_model_tests(subject, CustomTests(skip=EVERYTHING, **written), model_name="m v1")
        return {check.name: check for check in report.checks}

    return judge


def module(**names: Any) -> ModuleType:
    made = ModuleType("my_self_tests")
    for name, value in names.items():
        setattr(made, name, value)
        if callable(value):
            value.__module__ = made.__name__
    return made


@pytest.mark.parametrize(
    ("expected", "inside", "outside"),
    [
        (between(0, 0.3), (0.0, 0.3), (-1e-9, 0.31)),
        (at_least(2), (2.0, math.inf), (1.9,)),
        (at_most(2), (2.0, -5.0), (2.1,)),
        (about(10, 1), (9.0, 11.0), (8.9,)),
    ],
)
def test_an_expectation_has_its_ends_and_never_what_is_no_number(
    expected: Expected, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    assert all(score in expected for score in inside)
    assert not any(score in expected for score in (*outside, math.nan))


def test_a_case_fails_with_its_score_and_its_reason(judged: Any) -> None:
    checks = judged(
        cases=(
            Case(inputs={"age": 10.0, "town": "ash"}, expect=between(25, 25), reason="ten in ash"),
            Case(inputs={"age": 10.0, "town": "birch"}, expect=at_least(25), reason="ten in birch"),
        )
    )
    assert checks["case 1: ten in ash"].status == "pass"
    wrong = checks["case 2: ten in birch"]
    assert (wrong.status, wrong.observed["score"]) == ("fail", 20)
    assert "the score is 20, expected is one at least 25: ten in birch" in wrong.message


def test_what_a_case_does_not_name_is_typical_of_the_rows(judged: Any) -> None:
    seen: dict[str, Any] = {}

    def look(model: ModelScorer) -> None:
        seen.update(model.build_rows([{"age": 3}]).iloc[0])
        seen["dtypes"] = [str(dtype) for dtype in model.build_rows([{}]).dtypes]
        seen["fraction"] = model.build_rows([{"rooms": 2.5}])["rooms"].tolist()

    assert judged(functions={"test_look": look})["test_look"].status == "pass"
    assert (seen["age"], seen["rooms"], seen["town"]) == (3, 2, "birch")
    assert seen["dtypes"][:2] == ["float64", "int64"]
    assert seen["fraction"] == [2.5]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (Invariance(column="rooms", to=9), "pass"),
        (Invariance(column="age", to=0.0), "fail"),
        (Invariance(column="town", to="birch", min_fraction=1.0), "fail"),
        (Invariance(column="town", to=lambda towns: towns.str.upper(), where={"town": "birch"}), "pass"),
        (Invariance(column="town", to="oak", also={"age": 0.0}, where={"town": "birch"}), "fail"),
        (Direction(column="age", by=1, expect="higher"), "pass"),
        (Direction(column="age", by=1, expect="lower"), "fail"),
        (Direction(column="rooms", by=1, expect="not lower"), "pass"),
        (Direction(column="rooms", by=1, expect="higher"), "fail"),
        (Direction(column="town", to="birch", expect="lower", where={"town": "ash"}), "pass"),
        (Direction(column="town", by=1, expect="higher"), "fail"),
        (Direction(column="street", to="x", expect="higher"), "fail"),
        (Direction(column="rooms", to=3, expect="not lower", where={"town": "oak"}), "inconclusive"),
        (Invariance(column="town", to=None), "fail"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.column}",
)
def test_a_change_is_judged_on_the_rows_that_it_alters(judged: Any, change: Any, status: str) -> None:
    kind = "invariances" if isinstance(change, Invariance) else "directions"
    check = judged(**{kind: (change,)})[f"{kind[:-1]} {change.column}"]
    assert check.status == status, check


def test_some_rows_may_break_a_rule_and_few_of_them_are_shown(judged: Any) -> None:
    change = Invariance(column="town", to="ash", min_fraction=0.5)
    broken = judged(invariances=(change,))["invariance town"]
    assert broken.observed["rows"] == 40, "rows that are in ash already are not counted"
    assert broken.observed["fraction"] == 0
    assert broken.observed["examples"][0] == {"town": ["birch", "ash"], "score": [2.0, 7.0]}
    assert len(broken.observed["examples"]) == 3
    half = Direction(column="town", to=lambda towns: ["ash", "oak"] * 30, expect="higher", min_fraction=0.4)
    assert judged(directions=(half,))["direction town"].status == "pass"
    stricter = Direction(column="town", to=lambda towns: ["ash", "oak"] * 30, expect="higher", min_fraction=0.41)
    assert judged(directions=(stricter,))["direction town"].status == "fail"


@given(st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=20), st.floats(0, 1))
def test_a_score_that_is_not_finite_keeps_to_nothing(pairs: list[tuple[float, float]], tolerance: float) -> None:
    before, after = np.array(pairs).T
    with np.errstate(all="ignore"):
        moved = after - before
        up = scores_as_expected(Direction(column="x", by=1, expect="not lower", tolerance=tolerance), before, after)
        down = scores_as_expected(Direction(column="x", by=1, expect="not higher", tolerance=tolerance), before, after)
        still = scores_as_expected(Invariance(column="x", to=1, tolerance=tolerance), before, after)
        higher = scores_as_expected(Direction(column="x", by=1, expect="higher", tolerance=tolerance), before, after)
    assert not (up | down | still | higher)[np.isnan(moved)].any()
    assert (still == (up & down)).all()
    assert not (higher & down).any()
    assert (higher | down)[~np.isnan(moved)].all()


def test_functions_fail_with_their_words_and_errors_are_failures(judged: Any) -> None:
    def spoken(model: ModelScorer) -> None:
        """What it is about."""
        assert model.score({"age": 1.0}) > 100, "one year is too little"

    def mute(model: ModelScorer) -> None:
        if model.score({"age": 1.0}) < 100:
            raise AssertionError

    def broken(model: ModelScorer) -> None:
        model.score({"aeg": 1.0})

    checks = judged(functions={"test_spoken": spoken, "test_mute": mute, "test_broken": broken})
    assert checks["test_spoken"].message.startswith("one year is too little")
    assert checks["test_spoken"].expected == "What it is about."
    assert checks["test_mute"].message.endswith(": raise AssertionError")
    assert "the model has no feature 'aeg'" in checks["test_broken"].message
    assert {check.status for name, check in checks.items() if name.startswith("test_")} == {"fail"}


def test_two_tests_of_one_name_are_two_tests(judged: Any) -> None:
    good, bad = Invariance(column="rooms", to=9), Invariance(column="rooms", to=9, also={"age": -5.0})
    for order in ((good, bad), (bad, good)):
        checks = judged(invariances=order)
        assert sorted(checks[name].status for name in ("invariance rooms", "invariance rooms (2)")) == ["fail", "pass"]


def test_a_module_is_read() -> None:
    def test_it(model: ModelScorer) -> None: ...

    case = Case(inputs={}, expect=at_least(0), reason="never below")
    written = CustomTests.load(module(CASES=[case], SKIP={"reload": "it is kept elsewhere"}, test_it=test_it))
    assert written.cases == (case,)
    assert list(written.functions) == ["test_it"]
    assert written.skip == {"reload": "it is kept elsewhere"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({}, "there are no model tests in the module"),
        ({"CASES": [{"inputs": {}}]}, "CASES is not a list of Case"),
        ({"DIRECTIONS": [Invariance(column="x", to=1)]}, "DIRECTIONS is not a list of Direction"),
        ({"SKIP": {"reload": " "}}, "SKIP needs a reason"),
    ],
)
def test_a_module_that_says_nothing_or_something_else_is_an_error(names: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        CustomTests.load(module(**names))


@pytest.mark.parametrize("path", ["no.such.module", "", "include/churn/self_tests.py"])
def test_a_module_that_cannot_be_imported_is_an_error(path: str) -> None:
    with pytest.raises(BadInput, match="the model tests cannot be imported"):
        CustomTests.load(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Case(inputs={}, expect=0.3, reason="x"), "is not an expectation"),  # type: ignore[arg-type]
        (lambda: Direction(column="x", expect="up", by=1), "is not a direction"),  # type: ignore[arg-type]
        (lambda: Direction(column="x", expect="higher"), "the change of 'x' needs either"),
        (lambda: Direction(column="x", expect="higher", by=1, to=2), "the change of 'x' needs either"),
        (lambda: Invariance(column="x", to=1, min_fraction=95), "is not a fraction of rows"),
        (lambda: between(0.3, 0.1), "no score is between"),
        (lambda: between(math.nan, 1), "no score is between"),
    ],
)
def test_what_cannot_be_meant_is_an_error_where_it_is_written(make: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make()


def test_a_test_that_is_left_out_is_not_judged_and_says_why(judged: Any) -> None:
    left_out = judged()["reload"]
    assert (left_out.status, left_out.severity) == ("inconclusive", "info")
    assert "not looked at here" in left_out.message
    subject = ModelUnderTest.from_model(
        Line(), pd.DataFrame({"age": [1.0], "town": ["ash"]}), pd.Series([1.0]), metric="mae"
    )
    with pytest.raises(BadInput, match="SKIP names 'relaod'"):
        run_model_tests(subject, CustomTests(skip={"relaod": "a slip"}), model_name="m")
