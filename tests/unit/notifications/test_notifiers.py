"""Notifiers by name: built-in, of an installed package, by import path."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from airflow_mlops.common.errors import BadInput
from airflow_mlops.notifications.base import ReportNotifier
from airflow_mlops.notifications.notifiers import NOTIFIERS, create_notifier
from airflow_mlops.notifications.webhook import WebhookNotifier

ACME = """
from airflow_mlops.notifications.base import ReportNotifier

SENT = []

class Pager(ReportNotifier):
    def __init__(self, message="", *, team="all", **kwargs):
        super().__init__(message, **kwargs)
        self.team = team

    def send(self, text, context):
        SENT.append((self.team, text))
"""


def test_every_built_in_name_is_a_report_notifier() -> None:
    assert [name for name, cls in NOTIFIERS.items() if issubclass(cls, ReportNotifier)] == list(NOTIFIERS.builtin)  # type: ignore[arg-type]


def test_a_mapping_has_the_options_of_the_notifier() -> None:
    notifier = create_notifier({"kind": "webhook", "webhook_conn_id": "chat", "verdicts": ["fail"]})
    assert isinstance(notifier, WebhookNotifier)
    assert (notifier.webhook_conn_id, notifier.verdicts) == ("chat", ["fail"])


@pytest.mark.parametrize("by_name", [False, True])
def test_the_notifier_of_another_package_sends_the_reports_of_a_task(
    by_name: bool, published: Any, task: Any, installed_entry_point: Any
) -> None:
    import sys

    path = installed_entry_point(NOTIFIERS, "pager", "Pager", ACME)
    notifier = create_notifier({"kind": "pager" if by_name else path, "team": "churn", "verdicts": ["fail"]})
    notifier.notify(task)
    ((team, text),) = sys.modules["acme_extension"].SENT
    assert team == "churn"
    assert "weekly_price" in text


def test_airflow_s_own_notifiers_are_accepted() -> None:
    notifier = create_notifier(
        {"kind": "airflow.providers.smtp.notifications.smtp:SmtpNotifier", "to": "a@example.org"}
    )
    assert isinstance(notifier, BaseNotifier)


@pytest.mark.parametrize(
    ("notify", "message"),
    [
        ("pagr", "'pagr' is not a known notifier(.|\n)*known are lifecycle, log, webhook, email"),
        ("pathlib:Path", "'pathlib:Path' is not a valid notifier: it is not a subclass of Airflow's BaseNotifier"),
        ("webhook", "the notifier 'webhook' requires the option 'webhook_conn_id'"),
        ({"kind": "log", "verdikts": ["fail"]}, "the notifier 'log' cannot be created|'verdikts' is not an option"),
        ({"webhook_conn_id": "chat"}, "notify has no kind"),
    ],
)
def test_what_is_no_notifier_is_refused(notify: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        create_notifier(notify)
    assert caught.value.hint
