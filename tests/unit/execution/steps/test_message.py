"""Messages survive a round trip; invalid ones and those of another version are rejected."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps.message import StepMessage
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.execution.steps.spec import CodeOrigin, StepSpec

RESOURCES = ResourceConfig.load(
    {
        "store": {
            "url": "postgresql+psycopg2://me:hush@db/mlops",
            "snapshots": "s3://b/s",
            "snapshot_options": {"k": 1},
        },
        "mlflow": {"access": {"uri": "https://mlflow.example.org", "token": "hush"}},
        "databases": {"shop": "sqlite:////shop.db"},
    }
)


def message(**parameters: Any) -> StepMessage:
    spec = StepSpec(
        key="d/r/t/-1", parameters=parameters, attempt="token", code=CodeOrigin(dag_run="d/r"), tags={"a": "b"}
    )
    return StepMessage(spec, RESOURCES, {"TEAM": "hush"}, ["/project"])


def test_a_message_is_one_line_and_survives_a_round_trip() -> None:
    sent = message(build="a.b:c", shape=(1, 2), class_weight={0: 1.0})
    line = sent.to_line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    parsed = StepMessage.from_line(line)
    assert parsed.spec.model_dump() == sent.spec.model_dump()
    assert parsed.resources.model_dump() == sent.resources.model_dump()
    assert (parsed.environment, parsed.path) == (sent.environment, sent.path)


def test_the_representation_hides_secrets() -> None:
    assert "hush" not in repr(message())
    assert "hush" not in str(RESOURCES)


def test_a_message_of_another_version_is_rejected_with_a_hint() -> None:
    message_dict = {**json.loads(message().to_line()), "version": "9.9"}
    with pytest.raises(BadInput, match=r"(?s)the task 9\.9.*install airflow-provider-mlops==9\.9"):
        StepMessage.from_line(json.dumps(message_dict).encode())


@pytest.mark.parametrize("line", [b"", b"no json\n", b"[]\n", b"{}\n"])
def test_an_invalid_message_is_rejected(line: bytes) -> None:
    with pytest.raises(BadInput, match="received no valid message"):
        StepMessage.from_line(line)


def test_a_message_sets_the_environment_and_the_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/here"])
    monkeypatch.setattr(os, "environ", {"TEAM": "before"})
    message().apply()
    assert sys.path == ["/project", "/here"]
    assert os.environ == {"TEAM": "hush"}
