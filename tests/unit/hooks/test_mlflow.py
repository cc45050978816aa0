"""The MLflow hook reads all fields of its connection form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_mlops.common.errors import BadInput
from airflow_mlops.get_provider_info import get_provider_info
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.model_loading import loading_options


def hook(login: str | None = None, password: str | None = None, **extra: Any) -> MlflowHook:
    text = json.dumps(extra)
    return MlflowHook(
        connection=Connection(conn_id="m", conn_type="mlflow", login=login, password=password, extra=text)
    )


def test_all_settings_of_the_connection_are_read() -> None:
    access = hook(
        "ann", "p", tracking_uri="https://host:5000/path", verify="false", ca_bundle="/ca.pem", client_cert="/me.pem",
        connect_seconds="2", read_seconds=3, overall_seconds=4.5,
    ).access  # fmt: skip
    assert (access.uri, access.login, access.password) == ("https://host:5000/path", "ann", "p")
    assert (access.verify, access.ca_bundle, access.client_cert) == (False, "/ca.pem", "/me.pem")
    assert (access.connect_seconds, access.read_seconds, access.overall_seconds) == (2.0, 3.0, 4.5)


def test_empty_fields_of_the_form_mean_the_defaults() -> None:
    fields = ("token", "ca_bundle", "client_cert", "connect_seconds", "read_seconds", "overall_seconds", "verify")
    for empty in (None, ""):
        access = hook(tracking_uri="http://host", **dict.fromkeys(fields, empty)).access
        assert access == hook(tracking_uri="http://host").access
        assert access.verify


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, "no full tracking URI"),
        ({"tracking_uri": "http://h", "verify": "maybe"}, "verify='maybe' is not a valid boolean"),
        ({"tracking_uri": "http://h", "read_seconds": "soon"}, "read_seconds is not a number"),
    ],
)
def test_an_invalid_setting_names_the_connection_in_task_and_form(extra: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _ = hook(**extra).client
    usable, text = hook(**extra).test_connection()
    assert not usable
    assert message in text
    assert "connection mlflow_default" in text


def test_the_form_has_a_field_for_each_setting() -> None:
    (form,) = [c for c in get_provider_info()["connection-types"] if c["connection-type"] == "mlflow"]
    names: list[str] = []

    class RecordingDict(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            names.append(name)
            return super().get(name, default)

    mlflow_hook = hook()
    extra = RecordingDict(tracking_uri="http://h")
    mlflow_hook._connection = type("C", (), {"extra_dejson": extra, "login": "", "password": ""})()
    _ = mlflow_hook.access, mlflow_hook.artifact_location, loading_options(mlflow_hook)
    assert set(form["conn-fields"]) == set(names)
    assert not {"login", "password"} & set(form["ui-field-behaviour"]["hidden-fields"])
