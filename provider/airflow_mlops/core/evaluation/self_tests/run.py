"""Running all self-tests of a model, and the report about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.evaluation.scoring import said
from airflow_mlops.core.evaluation.self_tests import judging
from airflow_mlops.core.evaluation.self_tests.fitted import fitted
from airflow_mlops.core.evaluation.self_tests.leak import no_feature_tells_it_all
from airflow_mlops.core.evaluation.self_tests.learning import better_than_a_constant, overfits_a_hundred_rows
from airflow_mlops.core.evaluation.self_tests.outcome import failed, not_judged, set_aside
from airflow_mlops.core.evaluation.self_tests.output import dtype, not_constant
from airflow_mlops.core.evaluation.self_tests.same import columns_by_name, deterministic, reload
from airflow_mlops.core.evaluation.self_tests.serving import schema_at_serving
from airflow_mlops.core.evaluation.self_tests.subject import Subject
from airflow_mlops.core.evaluation.self_tests.written import Written
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check, Report

KIND = "self_test"
FITTED = ("fitted", "every part of the model is fitted")
SCORING: dict[str, tuple[str, Callable[[Subject, Array], Check]]] = {
    "dtype": ("scores are finite floats, of a classifier between 0 and 1", dtype),
    "not constant": ("scores differ from row to row", not_constant),
    "deterministic": ("the same row gets the same score, again, alone and among others", deterministic),
    "columns by name": ("the order of the columns does not matter, or is refused", columns_by_name),
    "reload": ("written and loaded again, it gives the same scores", reload),
    "schema at serving": ("rows as they come when it serves get finite scores, or a clear refusal", schema_at_serving),
    "better than a constant": ("it beats every score that is the same for all", better_than_a_constant),
    "no feature tells it all": ("no feature alone tells the target", no_feature_tells_it_all),
    "overfits a hundred rows": ("a fresh build learns a hundred rows by heart", overfits_a_hundred_rows),
}
BUILT_IN = (FITTED[0], *SCORING)
"""The names of the tests that every model is put to, in the order of the report."""


def self_test(subject: Subject, written: Written | None = None, *, called: str, digest: str | None = None) -> Report:
    """Put a model to the built-in tests, and to those that its team wrote down.

    :param called: the model, such as ``churn v3``; the report's subject.
    :param digest: that of the model's files.
    :returns: a report of kind ``self_test``. Its facts have ``digest`` and ``tests``: name -> ``pass``, ``fail`` or
        ``not_judged``, failures first.
    :raises BadInput: when ``SKIP`` names a test that there is not.
    """
    written = written or Written()
    if unknown := sorted(set(written.skip) - set(BUILT_IN)):
        raise BadInput(f"SKIP names {unknown[0]!r}, which is no built-in test", mend=f"they are {', '.join(BUILT_IN)}")
    return _report(_unique([*_built_in(subject, written), *_written(subject, written)]), subject, called, digest)


def untested(called: str, digest: str | None, error: MlopsError) -> Report:
    """Make the report of self-tests that came to nothing: the model, or the rows, could not be read."""
    check = Check("loaded", "fail", "error", None, "model and rows can be read", error.where, error.what)
    return Report.of(KIND, called, [check], facts={"digest": digest, "tests": {"loaded": "fail"}, "mend": error.mend})


def _report(checks: list[Check], subject: Subject, called: str, digest: str | None) -> Report:
    order = {"fail": 0, "not_judged": 1, "pass": 2}
    told = sorted(checks, key=lambda check: order[check.status])  # a report keeps the first of many facts
    facts: dict[str, Any] = {
        "digest": digest,
        "tests": {check.name: check.status for check in told},
        "rows": len(subject.rows),
        "metric": subject.metric,
        "task": subject.scorer.task,
    }
    return Report.of(KIND, called, checks, facts=facts)


def _built_in(subject: Subject, written: Written) -> Iterator[Check]:
    name, sentence = FITTED
    if name in written.skip:
        yield _named(name, sentence, set_aside(_left_out(written, name)))
    else:
        yield _named(name, sentence, _guarded(lambda: fitted(subject)))
    try:
        scores, broken = subject.scorer.scores(subject.rows), ""
    except BadInput as error:
        scores, broken = None, error.what
    for name, (sentence, test) in SCORING.items():
        if name in written.skip:
            check = set_aside(_left_out(written, name))
        elif scores is None:  # each test would only say the same
            check = failed(broken) if name == "dtype" else not_judged(broken)
        else:
            check = _guarded(lambda test=test: test(subject, scores))  # type: ignore[misc]
        yield _named(name, sentence, check)


def _written(subject: Subject, written: Written) -> Iterator[Check]:
    for name, sentence, test in judging.tests_of(written):
        yield _named(name, sentence, _guarded(lambda test=test: test(subject.scorer)))  # type: ignore[misc]


def _guarded(test: Callable[[], Check]) -> Check:
    """Run a test; whatever a user's model or test raises is a failure with its words."""
    try:
        return test()
    except MemoryError:
        raise
    except Exception as error:
        return failed(f"the test ended in an error: {said(error)}")


def _named(name: str, sentence: str, check: Check) -> Check:
    return replace(check, name=name, expected=sentence)


def _left_out(written: Written, name: str) -> str:
    return f"left out by SKIP: {written.skip[name]}"


def _unique(checks: list[Check]) -> list[Check]:
    """Give each test a name of its own: the facts have one status a name, and a failure must not hide."""
    seen: dict[str, int] = {}
    found = []
    for check in checks:
        seen[check.name] = seen.get(check.name, 0) + 1
        times = seen[check.name]
        found.append(check if times == 1 else replace(check, name=f"{check.name} ({times})"))
    return found
