from __future__ import annotations

import pytest

from airflow_mlops.common.report import Check, Report
from benchmarks.calibration.bounds import promise
from benchmarks.calibration.concept_studies import APART, SIGNALS, LabelledSize, heard
from benchmarks.calibration.customers import PLANTS, Plant

SIZE = LabelledSize({}, rows=(200, 300), reference_rows=1_000, fitted_rows=1_000)
BROKEN = Plant("broken column", "income 0", column="income", to=0.0)


def report(kind: str, *checks: Check, **facts) -> Report:
    return Report.from_checks(kind, "", checks, facts=facts)


def failed(where: str | None, name: str = "drift") -> Check:
    return Check(name, "fail", observed={"method": "ks"}, where=where)


def test_the_same_stream_has_the_same_outcomes_one_for_each_signal_and_size_with_what_is_promised():
    first, again = (list(APART["apart logistic"](7, 3, SIZE)) for _ in range(2))
    assert first == again
    keys = [(o.study, o.rows) for o in first]
    assert len(keys) == len(set(keys)) == 2 * sum(len(SIGNALS[plant.family]) for plant in PLANTS)
    found = {o.study: promise(o.study) for o in first}
    assert {promised for study, promised in found.items() if study.startswith("info")} == {None}
    assert found["apart label flip, age turned, logistic: concept found"] == "awake"
    assert found["apart label flip, age turned, logistic: data quiet"] == "quiet"
    assert found["apart broken column, income 0, logistic: named found"] == "awake"


@pytest.mark.parametrize(
    ("named", "fired", "by"),
    [(["income"], True, ()), (["income", "age"], False, ("age",)), (["age"], False, ("age",)), ([], False, ())],
)
def test_data_drift_has_to_name_the_broken_column_and_no_other(named, fired, by):
    reports = {"data": report("drift", Check("drift", "pass"), *map(failed, named))}
    assert heard("data", reports, BROKEN) == (fired, by)


def test_other_plants_fire_at_any_column():
    reports = {"data": report("drift", failed("age"))}
    assert heard("data", reports, Plant()) == (True, ("ks on age",))


@pytest.mark.parametrize(("broken", "fired"), [(["income"], True), (["age"], False), (["income", "age"], False)])
def test_the_concept_check_has_to_name_the_broken_column_and_no_other(broken, fired):
    said = {"concept": report("concept_drift", Check("relation", "inconclusive"), broken=broken)}
    assert heard("named", said, BROKEN)[0] is fired


def test_a_relation_that_was_not_judged_is_no_quiet_pass():
    said = {"concept": report("concept_drift", Check("relation", "inconclusive"))}
    assert heard("unjudged", said, Plant())[0] is True
    assert heard("concept", said, Plant())[0] is False
    assert heard("concept", {"concept": report("concept_drift", failed(None, "level"))}, Plant()) == (True, ("level",))
