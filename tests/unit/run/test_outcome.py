"""How a step ended is the same on both sides: what it gave, its error with its class, the reports it published."""

from __future__ import annotations

import json

import pytest

from airflow_mlops.core.errors import BadInput, Conflict, MlopsError, NotFound, Refused, Superseded
from airflow_mlops.core.report import Check, Report
from airflow_mlops.core.tracking import TrackingUnavailable
from airflow_mlops.run.outcome import Outcome


def through_json(outcome: Outcome) -> Outcome:
    return Outcome.from_dict(json.loads(json.dumps(outcome.to_dict())))


@pytest.mark.parametrize("kind", [BadInput, Conflict, NotFound, Refused, Superseded, MlopsError])
def test_an_error_keeps_its_class_and_its_words(kind: type[MlopsError]) -> None:
    error = through_json(Outcome(None, kind("what", where="where", mend="mend"))).error
    assert type(error) is kind
    assert str(error) == "what\n  where: where\n  mend:  mend"


def test_an_error_of_a_class_that_only_the_other_side_has_keeps_its_words() -> None:
    told = {"type": "OfTomorrow", "what": "what", "where": None, "mend": None}
    error = Outcome.from_dict({"given": None, "error": told, "published": []}).error
    assert (type(error), str(error)) == (MlopsError, "what")


def test_an_error_that_a_retry_may_mend_stays_one() -> None:
    error = through_json(Outcome(None, TrackingUnavailable("MLflow is away"))).error
    assert type(error) is MlopsError


def test_published_reports_travel_whole() -> None:
    report = Report.of("evaluation", "m v1", [Check("roc_auc", "pass", "info")], facts={"task": "binary"})
    ended = through_json(Outcome({"kind": "report"}, None, [report]))
    assert ended.given == {"kind": "report"}
    assert [one.to_dict() for one in ended.published] == [report.to_dict()]


@pytest.mark.parametrize("told", [{}, {"given": None}, {"given": None, "error": 3, "published": []}])
def test_what_is_no_outcome_is_told(told: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="no outcome"):
        Outcome.from_dict(told)
