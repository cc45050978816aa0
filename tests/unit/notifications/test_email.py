"""Mail goes through Airflow's own SMTP provider, and what data has put into the text stays text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_mlops.notifications.email import EmailNotifier, subject_line

smtp = pytest.importorskip("airflow.providers.smtp.notifications.smtp")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    mails: list[tuple[str, dict[str, Any]]] = []

    class Hook:
        default_conn_name = "smtp_default"
        from_email = "airflow@example.org"
        subject_template = html_content_template = None

        def __init__(self, **_: Any) -> None: ...

        def __enter__(self) -> Hook:
            return self

        def __exit__(self, *_: Any) -> None: ...

        async def __aenter__(self) -> Hook:
            return self

        async def __aexit__(self, *_: Any) -> None: ...

        def send_email_smtp(self, **mail: Any) -> None:
            mails.append(("sync", mail))

        async def asend_email_smtp(self, **mail: Any) -> None:
            mails.append(("async", mail))

    monkeypatch.setattr(smtp, "SmtpHook", Hook)
    return mails


@pytest.mark.usefixtures("published")
def test_it_is_mailed_in_a_worker_and_in_the_triggerer(sent: list[tuple[str, dict[str, Any]]], task: Any) -> None:
    notifier = EmailNotifier(to=["a@example.org", "b@example.org"])
    notifier(task)
    asyncio.run(EmailNotifier(to="a@example.org").async_notify(task))
    (way, mail), (other, second) = sent
    assert (way, other) == ("sync", "async")
    assert mail["to"] == ["a@example.org", "b@example.org"]
    assert mail["from_email"] == "airflow@example.org"
    assert mail["subject"] == second["subject"] == "drift of week 7: fail"
    assert "https://airflow.example.org/team/mlops/reports/" in mail["html_content"]
    assert "{{ 1/0 }} &lt;b&gt;" in mail["html_content"]  # neither a template nor a tag


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("lead\ndrift of week 7: fail\n  - age: x", "drift of week 7: fail"),
        ("lead", "lead"),
        ("", ""),
        ("lead\n" + "x" * 500, "x" * 150),
    ],
)
def test_the_subject_is_the_first_verdict_in_one_short_line(text: str, subject: str) -> None:
    assert subject_line(text) == subject
