"""The link leads to the card that the task has made, and to nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.execution_time.xcom import XCom

from airflow_mlops.common.report import Check, Report
from airflow_mlops.links.model_card import ModelCardLink

CARD = Report.from_checks("model_card", "m v1", [Check("Data", "pass")]).ref().to_dict()
GATE = Report.from_checks("gate", "m v1", [Check("rows", "pass")]).ref().to_dict()


def link(monkeypatch: pytest.MonkeyPatch, **xcoms: Any) -> str:
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: xcoms.get(key))
    return ModelCardLink().get_link(BaseOperator(task_id="t"), ti_key=SimpleNamespace())  # type: ignore[arg-type]


def test_it_leads_to_the_card_that_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, report=CARD) == f"/mlops/cards/{CARD['id']}"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://host/airflow")
    assert link(monkeypatch, report=CARD) == f"/airflow/mlops/cards/{CARD['id']}"


@pytest.mark.parametrize("value", [None, GATE, 3, "model_card", [], {**CARD, "id": ""}, {"report_kind": "model_card"}])
def test_without_a_card_there_is_no_link(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, report=value) == ""


def test_an_id_cannot_lead_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, report={**CARD, "id": "../x?y=<z>"}) == "/mlops/cards/..%2Fx%3Fy%3D%3Cz%3E"


def test_it_has_a_name_and_a_key_of_its_own() -> None:
    assert (ModelCardLink().name, ModelCardLink().xcom_key) == ("Model card", "_link_ModelCardLink")
