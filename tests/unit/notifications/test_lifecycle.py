"""The notifiers say what a task has published, and what a deadline is about, in a worker and in the triggerer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import AsyncCallback

from airflow_mlops.common.report import Report
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.notifications.log import LogNotifier
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database

LATE: Any = {
    "dag_run": {"dag_id": "churn_training", "dag_run_id": "scheduled__1"},
    "deadline": {"id": "x", "deadline_time": "2026-05-04T12:00:00Z"},
}


def test_the_message_has_verdict_top_columns_and_the_page_of_this_task_only(published: Database, task: Any) -> None:
    (report,) = reports.of_actor(published, "d/r/drift/-1")
    lines = LifecycleNotifier("monday's check").text(task).splitlines()
    assert lines[0] == "monday's check"
    assert lines[1] == "drift of week 7: fail"
    assert [line.split(":")[0].strip(" -") for line in lines[2:4]] == [
        "weekly_price",
        "age",
    ]  # the largest effect first
    assert lines[4].strip() == f"https://airflow.example.org/team/mlops/reports/{report.id}"
    assert len(lines) == 5


@pytest.mark.usefixtures("published")
def test_without_a_lead_the_task_s_own_name_leads() -> None:
    context: Any = {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="quiet", map_index=-1)}
    assert LifecycleNotifier().text(context) == "d.quiet (r)"


def test_only_the_verdicts_that_are_asked_for_are_told_and_else_nothing(published: Database, task: Any) -> None:
    message: list[str] = []

    class Kept(LogNotifier):
        def send(self, text: str, context: Any) -> None:
            message.append(text)

    Kept(verdicts=["inconclusive"]).notify(task)
    assert message == []
    Kept(verdicts=["fail"]).notify(task)
    assert "week 7" in message[0]
    reports.publish(published, Report.from_checks("drift", "week 8", []), actor="d/r/drift/-1")
    asyncio.run(Kept(verdicts=["inconclusive"]).async_notify(task))
    assert "week 8" in message[1]
    assert "week 7" not in message[1]


@pytest.mark.usefixtures("published")
def test_a_long_message_is_cut(task: Any) -> None:
    assert len(LifecycleNotifier("x" * 10_000).text(task)) == 4000


@pytest.mark.usefixtures("published")
def test_the_log_gets_it(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notifier, written = LogNotifier(), []
    monkeypatch.setattr(type(notifier), "log", SimpleNamespace(info=lambda form, text: written.append(text)))
    notifier.notify(task)
    asyncio.run(notifier.async_notify(task))
    assert ["drift of week 7: fail" in text for text in written] == [True, True]


@pytest.mark.usefixtures("published")
def test_it_is_posted_to_the_webhook_in_a_worker_and_in_the_triggerer(webhook: Any, task: Any) -> None:
    LifecycleNotifier("lead", webhook_conn_id="chat").notify(task)
    asyncio.run(LifecycleNotifier("lead", webhook_conn_id="chat").async_notify(task))
    first, second = webhook.got
    assert "drift of week 7: fail" in first["text"]
    assert first == second


def test_a_deadline_s_callback_says_which_run_is_late(webhook: Any) -> None:
    """As Airflow's triggerer does it: the class's path, the keyword arguments, a context of plain values."""
    from airflow._shared.module_loading import accepts_context, import_string

    callback = AsyncCallback(LifecycleNotifier, kwargs={"webhook_conn_id": "chat"})
    notifier = import_string(callback.path)
    assert accepts_context(notifier)

    async def missed() -> None:
        await notifier(**callback.kwargs, context=LATE)

    asyncio.run(missed())
    (sent,) = webhook.got
    assert sent["text"] == "churn_training (scheduled__1) missed its deadline of 2026-05-04T12:00:00Z"
