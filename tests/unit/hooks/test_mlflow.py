"""The connection to MLflow: everything in the form arrives, and nothing is guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_mlops.core.errors import BadInput
from airflow_mlops.get_provider_info import get_provider_info
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_of


def hook(login: str | None = None, password: str | None = None, **extra: Any) -> MlflowHook:
    told = json.dumps(extra)
    return MlflowHook(
        connection=Connection(conn_id="m", conn_type="mlflow", login=login, password=password, extra=told)
    )


def test_everything_that_the_connection_says_arrives() -> None:
    access = hook(
        "ann", "p", tracking_uri="https://host:5000/path", verify="false", ca_bundle="/ca.pem", client_cert="/me.pem",
        connect_seconds="2", read_seconds=3, overall_seconds=4.5,
    ).access  # fmt: skip
    assert (access.uri, access.login, access.password) == ("https://host:5000/path", "ann", "p")
    assert (access.verify, access.ca_bundle, access.client_cert) == (False, "/ca.pem", "/me.pem")
    assert (access.connect_seconds, access.read_seconds, access.overall_seconds) == (2.0, 3.0, 4.5)


def test_fields_left_empty_in_the_form_mean_the_defaults() -> None:
    fields = ("token", "ca_bundle", "client_cert", "connect_seconds", "read_seconds", "overall_seconds", "verify")
    for empty in (None, ""):
        access = hook(tracking_uri="http://host", **dict.fromkeys(fields, empty)).access
        assert access == hook(tracking_uri="http://host").access
        assert access.verify


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({}, "no full tracking URI"),
        ({"tracking_uri": "http://h", "verify": "maybe"}, "verify='maybe' cannot be read"),
        ({"tracking_uri": "http://h", "read_seconds": "soon"}, "read_seconds is no number"),
    ],
)
def test_a_mistake_names_the_connection_in_task_and_form(extra: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        _ = hook(**extra).client
    good, message = hook(**extra).test_connection()
    assert not good
    assert said in message
    assert "connection mlflow_default" in message


def test_the_form_has_a_field_for_all_that_the_hook_reads() -> None:
    (form,) = [c for c in get_provider_info()["connection-types"] if c["connection-type"] == "mlflow"]
    asked: list[str] = []

    class Noting(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.append(name)
            return super().get(name, default)

    found = hook()
    found._connection = type("C", (), {"extra_dejson": Noting(tracking_uri="http://h"), "login": "", "password": ""})()
    _ = found.access, found.artifact_location, loading_of(found)
    assert set(form["conn-fields"]) == set(asked)
    assert not {"login", "password"} & set(form["ui-field-behaviour"]["hidden-fields"])
