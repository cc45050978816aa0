"""Runs all model tests and builds the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.evaluation.model_scoring import summarise_error
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests import custom_checks
from airflow_mlops.core.model_tests.custom_tests import CustomTests
from airflow_mlops.core.model_tests.fitted_parts import fitted
from airflow_mlops.core.model_tests.leakage import no_target_proxy
from airflow_mlops.core.model_tests.learning import better_than_a_constant, overfits_a_hundred_rows
from airflow_mlops.core.model_tests.model_output import not_constant, valid_output
from airflow_mlops.core.model_tests.outcomes import failed, inconclusive, not_applicable
from airflow_mlops.core.model_tests.serving_inputs import schema_at_serving
from airflow_mlops.core.model_tests.stability import columns_by_name, deterministic, same_after_reload
from airflow_mlops.core.model_tests.subject import ModelUnderTest

KIND = "self_test"
FITTED_TEST = ("fitted", "every part of the model is fitted")  # runs before the model scores
SCORE_TESTS: dict[str, tuple[str, Callable[[ModelUnderTest, Array], Check]]] = {
    "dtype": ("scores are finite floats, and probabilities between 0 and 1", valid_output),
    "not constant": ("scores differ between rows", not_constant),
    "deterministic": ("a row gets the same score when repeated, reordered and alone", deterministic),
    "columns by name": ("the order of the columns does not matter, or raises a clear error", columns_by_name),
    "reload": ("the saved and reloaded model gives the same scores", same_after_reload),
    "schema at serving": ("serving inputs get finite scores or a clear error", schema_at_serving),
    "better than a constant": ("the model beats every constant prediction", better_than_a_constant),
    "no target proxy": ("no single feature predicts the target", no_target_proxy),
    "overfits a hundred rows": ("a fresh build can overfit a hundred rows", overfits_a_hundred_rows),
}
BUILT_IN = (FITTED_TEST[0], *SCORE_TESTS)
"""The names of the built-in tests, in the order of the report."""


def run_model_tests(
    subject: ModelUnderTest, custom_tests: CustomTests | None = None, *, model_name: str, digest: str | None = None
) -> Report:
    """Run the built-in tests and the custom tests of the team on a model.

    :param model_name: the model, such as ``churn v3``; the report's subject.
    :param digest: the digest of the model's files.
    :returns: a report of kind ``self_test``. Its facts have ``digest`` and ``tests``: name -> ``pass``, ``fail`` or
        ``inconclusive``, failures first.
    :raises BadInput: when ``SKIP`` names an unknown test.
    """
    custom_tests = custom_tests or CustomTests()
    if unknown := sorted(set(custom_tests.skip) - set(BUILT_IN)):
        raise BadInput(
            f"SKIP names {unknown[0]!r}, which is not a built-in test", hint=f"use one of {', '.join(BUILT_IN)}"
        )
    return _build_report(
        _unique_names([*_run_built_in(subject, custom_tests), *_run_custom(subject, custom_tests)]),
        subject,
        model_name,
        digest,
    )


def report_load_failure(model_name: str, digest: str | None, error: MlopsError) -> Report:
    """Build the report for a model, or rows, that could not be read."""
    check = Check("loaded", "fail", "error", None, "model and rows can be read", error.where, error.what)
    return Report.from_checks(
        KIND, model_name, [check], facts={"digest": digest, "tests": {"loaded": "fail"}, "hint": error.hint}
    )


def _build_report(checks: list[Check], subject: ModelUnderTest, model_name: str, digest: str | None) -> Report:
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    ordered = sorted(checks, key=lambda check: order[check.status])  # a report truncates long facts
    facts: dict[str, Any] = {
        "digest": digest,
        "tests": {check.name: check.status for check in ordered},
        "rows": len(subject.rows),
        "metric": subject.metric,
        "task": subject.scorer.task,
    }
    return Report.from_checks(KIND, model_name, checks, facts=facts)


def _run_built_in(subject: ModelUnderTest, custom: CustomTests) -> Iterator[Check]:
    name, sentence = FITTED_TEST
    if name in custom.skip:
        yield _with_name(name, sentence, not_applicable(_skip_message(custom, name)))
    else:
        yield _with_name(name, sentence, _run_guarded(lambda: fitted(subject)))
    try:
        scores, failure = subject.scorer.scores(subject.rows), ""
    except BadInput as error:
        scores, failure = None, error.what
    for name, (sentence, test) in SCORE_TESTS.items():
        if name in custom.skip:
            check = not_applicable(_skip_message(custom, name))
        elif scores is None:  # report the failure once, not in every test
            check = failed(failure) if name == "dtype" else inconclusive(failure)
        else:
            check = _run_guarded(lambda test=test: test(subject, scores))  # type: ignore[misc]
        yield _with_name(name, sentence, check)


def _run_custom(subject: ModelUnderTest, custom: CustomTests) -> Iterator[Check]:
    for name, sentence, test in custom_checks.build_custom_tests(custom):
        yield _with_name(name, sentence, _run_guarded(lambda test=test: test(subject.scorer)))  # type: ignore[misc]


def _run_guarded(test: Callable[[], Check]) -> Check:
    """Run a test; any exception of the user's model or test is a failure."""
    try:
        return test()
    except MemoryError:
        raise
    except Exception as error:
        return failed(f"the test raised an error: {summarise_error(error)}")


def _with_name(name: str, sentence: str, check: Check) -> Check:
    return replace(check, name=name, expected=sentence)


def _skip_message(custom: CustomTests, name: str) -> str:
    return f"skipped by SKIP: {custom.skip[name]}"


def _unique_names(checks: list[Check]) -> list[Check]:
    """Make test names unique: the facts have one status per name, and a duplicate would hide a failure."""
    counts: dict[str, int] = {}
    unique = []
    for check in checks:
        counts[check.name] = counts.get(check.name, 0) + 1
        count = counts[check.name]
        unique.append(check if count == 1 else replace(check, name=f"{check.name} ({count})"))
    return unique
