"""The passenger of the form, as a request: plain JSON in which what is not known is null."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.serving.protocol import parse_request
from airflow_mlops.core.serving.request_validation import RequestContract
from include.titanic import serving
from include.titanic.features import FEATURES

FORM = {"passenger_class": 3, "sex": "male", "age": None, "fare": None, "siblings_spouses": 0, "parents_children": 0}


def test_a_passenger_of_whom_little_is_known_keeps_the_contract() -> None:
    body = json.dumps(serving.request_body(FORM), allow_nan=False).encode()
    contract = RequestContract(Contract.load("include/titanic/contract.yaml"))
    checked = contract.validate(parse_request(body, FEATURES, max_rows=1))
    assert checked.select("Age", "Cabin", "Embarked").row(0) == (None, None, None)


def test_the_endpoint_is_asked_as_any_program_would(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def post(url: str, **given: Any) -> httpx.Response:
        asked.update(given, url=url)
        return httpx.Response(200, json={"predictions": [0.25], "version": 3})

    monkeypatch.setattr(httpx, "post", post)
    assert serving.request_prediction("http://here:1", FORM) == {"survives": 0.25, "version": 3}
    assert asked["url"] == "http://here:1/invocations"


def test_what_the_endpoint_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "post", lambda url, **given: httpx.Response(422, text="Sex: values"))
    with pytest.raises(RuntimeError, match="422: Sex: values"):
        serving.request_prediction("http://here:1", FORM)
