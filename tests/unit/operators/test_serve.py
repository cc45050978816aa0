"""What serving refuses before any container is made, and what it says where there is no engine."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.common.errors import BadInput, Conflict
from airflow_mlops.operators.serve import ServeModelOperator, StopServingOperator, _package_folder
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database

NOWHERE = "unix:///nowhere/docker.sock"


def task(**kwargs: Any) -> ServeModelOperator:
    return ServeModelOperator(**{"task_id": "serve", "model": "m", "rows": "d@p", "docker_url": NOWHERE, **kwargs})


def test_a_model_without_a_champion_is_not_served(execute: Callable[..., Any]) -> None:
    ended = execute(task())
    assert type(ended.error) is AirflowSkipException
    assert "m has no champion" in str(ended.error)


def test_without_an_engine_the_task_fails_or_is_skipped_and_says_what_is_missing(execute: Callable[..., Any]) -> None:
    failed = execute(StopServingOperator(task_id="stop", endpoint="m", docker_url=NOWHERE))
    assert type(failed.error) is AirflowFailException
    assert "the container engine cannot be reached" in str(failed.error)
    assert NOWHERE in str(failed.error)
    skipped = execute(StopServingOperator(task_id="stop", endpoint="m", docker_url=NOWHERE, when_absent="skip"))
    assert type(skipped.error) is AirflowSkipException
    assert "start Docker there" in str(skipped.error)


def test_an_open_endpoint_is_for_this_machine_only() -> None:
    assert task()._endpoint().host == "127.0.0.1"
    with pytest.raises(BadInput, match="host 0.0.0.0 requires a token"):
        task(host="0.0.0.0")._endpoint()


def test_a_token_is_the_password_of_its_connection_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEY", '{"conn_type": "http", "password": "hush"}')
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY", '{"conn_type": "http"}')
    endpoint = task(host="0.0.0.0", token_conn_id="key")._endpoint()
    assert endpoint.token == "hush"
    assert "hush" not in repr(endpoint)
    assert "hush" not in str(endpoint.labels("model"))
    with pytest.raises(BadInput, match="no password"):
        task(token_conn_id="empty")._endpoint()


def test_a_log_needs_both_connection_and_table() -> None:
    with pytest.raises(BadInput, match="needs its connection"):
        task(log_table="served")._endpoint()


def test_a_package_that_is_not_there_is_told() -> None:
    with pytest.raises(BadInput, match="package folder 'nowhere' does not exist"):
        _package_folder("nowhere")


def test_a_version_that_is_no_longer_champion_gets_no_requests(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = task()
    serve.__dict__["store"] = SimpleNamespace(database=database)
    champions = {"now": SimpleNamespace(version=2)}
    monkeypatch.setattr("airflow_mlops.core.registry.history.champion_at", lambda database, model: champions["now"])
    entered = []
    with pytest.raises(Conflict, match="m v1 is no longer champion"), serve._still_champion(SimpleNamespace(version=1)):  # type: ignore[arg-type]
        entered.append(1)
    with serve._still_champion(SimpleNamespace(version=2)):  # type: ignore[arg-type]
        entered.append(2)
    assert entered == [2]
    assert ledger.head(database, "m") is None
