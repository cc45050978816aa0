"""What a step's process is told arrives whole; of another version, or garbled, it is refused in words."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.run.message import Message
from airflow_mlops.run.places import Told
from airflow_mlops.run.spec import Code, Spec

TOLD = Told.load(
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


def message(**parameters: Any) -> Message:
    spec = Spec(key="d/r/t/-1", parameters=parameters, attempt="token", code=Code(dag_run="d/r"), tags={"a": "b"})
    return Message(spec, TOLD, {"TEAM": "hush"}, ["/project"])


def test_a_message_is_one_line_and_is_read_as_it_was_written() -> None:
    sent = message(build="a.b:c", shape=(1, 2), class_weight={0: 1.0})
    line = sent.to_line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    read = Message.from_line(line)
    assert read.spec.model_dump() == sent.spec.model_dump()
    assert read.places.model_dump() == sent.places.model_dump()
    assert (read.environment, read.path) == (sent.environment, sent.path)


def test_secrets_show_in_no_representation() -> None:
    assert "hush" not in repr(message())
    assert "hush" not in str(TOLD)


def test_a_message_of_another_version_is_refused_and_says_which_to_install() -> None:
    told = {**json.loads(message().to_line()), "version": "9.9"}
    with pytest.raises(BadInput, match=r"(?s)the task has 9\.9.*install airflow-provider-mlops==9\.9"):
        Message.from_line(json.dumps(told).encode())


@pytest.mark.parametrize("line", [b"", b"no json\n", b"[]\n", b"{}\n"])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(BadInput, match="told nothing that it understands"):
        Message.from_line(line)


def test_a_message_sets_the_environment_and_where_imports_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/here"])
    monkeypatch.setattr(os, "environ", {"TEAM": "before"})
    message().take_effect()
    assert sys.path == ["/project", "/here"]
    assert os.environ == {"TEAM": "hush"}
