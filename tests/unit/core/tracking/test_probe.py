"""What is wrong with an MLflow connection, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.tracking import Access
from airflow_mlops.core.tracking.probe import probe


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "<html>hello</html>", "the server is not MLflow"),
        (200, '{"status": "ok"}', "the server is not MLflow"),
        (404, "nothing here", "the server is not MLflow: '404 nothing here'"),
        (401, "", "MLflow requires a login"),
        (403, "Invalid Host header", "does not allow reading experiments: Invalid Host header"),
        (503, "", "it responded with status 503"),
    ],
)
def test_each_unusable_server_has_a_message_of_its_own(
    stub: Any, answer: Any, status: int, body: str, expected: str
) -> None:
    stub.answers = [answer(status, body)]
    good, message = probe(Access(stub.url))
    assert not good
    assert expected in message
    assert "hint:" in message
    assert len(stub.asked) == 1  # a person waits


def test_a_server_says_its_version(stub: Any, answer: Any) -> None:
    stub.answers = [answer(200, '{"experiments": []}'), answer(200, "3.17.2")]
    assert probe(Access(stub.url)) == (True, f"MLflow 3.17.2 responds at {stub.url}")


def test_a_server_that_tells_no_version_will_do(stub: Any, answer: Any) -> None:
    stub.answers = [answer(200, "{}"), answer(404)]
    assert probe(Access(stub.url)) == (True, f"MLflow responds at {stub.url}")


def test_a_database_that_is_there(mlflow_client: Any) -> None:
    uri = mlflow_client.tracking_uri
    assert probe(Access(uri)) == (True, f"MLflow's database responds at {uri}")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    good, message = probe(Access(f"sqlite:///{tmp_path}/new/x.db"))
    assert not good
    assert "there is no such SQLite file" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1:1", "nothing listens"), ("no-such-host.invalid", "its host is unknown")]
)
def test_a_database_server_that_is_not_there_is_told_without_its_password(host: str, expected: str) -> None:
    good, message = probe(Access(f"postgresql://u:canary-7@{host}/db"))
    assert not good
    assert expected in message
    assert "canary-7" not in message
