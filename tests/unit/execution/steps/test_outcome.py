"""Outcomes survive JSON: the result, the error with its class, and the published reports."""

from __future__ import annotations

import json

import pytest

from airflow_mlops.common.errors import BadInput, Conflict, MlopsError, NotFound, Refused, Superseded
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.tracking import TrackingUnavailable
from airflow_mlops.execution.steps.outcome import StepOutcome


def through_json(outcome: StepOutcome) -> StepOutcome:
    return StepOutcome.from_dict(json.loads(json.dumps(outcome.to_dict())))


@pytest.mark.parametrize("kind", [BadInput, Conflict, NotFound, Refused, Superseded, MlopsError])
def test_an_error_keeps_its_class_and_its_message(kind: type[MlopsError]) -> None:
    error = through_json(StepOutcome(None, kind("what", where="where", hint="hint"))).error
    assert type(error) is kind
    assert str(error) == "what\n  where: where\n  hint:  hint"


def test_an_error_of_an_unknown_class_keeps_its_message() -> None:
    encoded = {"type": "OfTomorrow", "what": "what", "where": None, "hint": None}
    error = StepOutcome.from_dict({"result": None, "error": encoded, "published": []}).error
    assert (type(error), str(error)) == (MlopsError, "what")


def test_a_retryable_error_stays_retryable() -> None:
    error = through_json(StepOutcome(None, TrackingUnavailable("MLflow is away"))).error
    assert type(error) is MlopsError


def test_published_reports_survive_a_round_trip() -> None:
    report = Report.from_checks("evaluation", "m v1", [Check("roc_auc", "pass", "info")], facts={"task": "binary"})
    outcome = through_json(StepOutcome({"kind": "report"}, None, [report]))
    assert outcome.result == {"kind": "report"}
    assert [published.to_dict() for published in outcome.published] == [report.to_dict()]


@pytest.mark.parametrize("value", [{}, {"result": None}, {"result": None, "error": 3, "published": []}])
def test_an_invalid_outcome_is_rejected(value: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="not a valid outcome"):
        StepOutcome.from_dict(value)
