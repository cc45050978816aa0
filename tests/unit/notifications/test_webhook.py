"""The webhook: what may pass is tried again a few times, and its address is told to nobody."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.notifications import webhook as posting
from airflow_mlops.notifications.webhook import WebhookNotifier

LATE: Any = {"dag_run": {"dag_id": "d", "dag_run_id": "r"}}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "RETRY_DELAYS", (0.0, 0.0))


def send(way: str, conn_id: str = "chat") -> None:
    notifier = WebhookNotifier("hello", webhook_conn_id=conn_id)
    if way == "sync":
        notifier.notify(LATE)
    else:
        asyncio.run(notifier.async_notify(LATE))


both = pytest.mark.parametrize("way", ["sync", "async"])


@both
@pytest.mark.parametrize("answers", [[503, 429], [0, 500], [0, 0]])
def test_what_may_pass_is_tried_again(webhook: Any, way: str, answers: list[int]) -> None:
    webhook.answers = list(answers)
    send(way)
    assert webhook.got == [{"text": "hello"}]
    assert webhook.requested == 3


@both
@pytest.mark.parametrize(("answers", "requested"), [([500] * 9, 3), ([404] * 9, 1), ([0] * 9, 3)])
def test_what_does_not_pass_is_an_error_without_the_address(
    webhook: Any, way: str, answers: list[int], requested: int
) -> None:
    webhook.answers = list(answers)
    with pytest.raises(MlopsError, match="did not accept the message") as raised:
        send(way)
    assert webhook.requested == requested
    assert "chat" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert str(answers[0] or "RemoteProtocolError") in str(raised.value)


@both
def test_a_server_that_is_not_there_is_an_error_without_the_address(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", "http://127.0.0.1:1/hook-s3cret")
    with pytest.raises(MlopsError, match="ConnectError") as raised:
        send(way)
    assert "s3cret" not in str(raised.value)


@both
def test_no_try_begins_after_the_deadline(webhook: Any, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", -1.0)
    webhook.answers = [500] * 9
    with pytest.raises(MlopsError):
        send(way)
    assert webhook.requested == 1


def test_the_whole_address_may_stand_in_the_host() -> None:
    connection: Any = SimpleNamespace(host="https://chat.example.org/hook/1", get_uri=lambda: "wrong")
    assert posting.webhook_url(connection) == "https://chat.example.org/hook/1"
