"""Notifiers by name: the ``notify`` of a lifecycle file. Other packages add theirs, see docs/extending-notifiers.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import BaseNotifier

from airflow_mlops.common.extensions import ExtensionPoint, parse_choice


def _check(value: Any) -> str | None:
    is_notifier = isinstance(value, type) and issubclass(value, BaseNotifier)
    return None if is_notifier else "it is not a subclass of Airflow's BaseNotifier"


NOTIFIERS: ExtensionPoint[Callable[..., BaseNotifier]] = ExtensionPoint(
    kind="notifier",
    group="notifiers",
    builtin={
        "lifecycle": "airflow_mlops.notifications.lifecycle:LifecycleNotifier",
        "log": "airflow_mlops.notifications.log:LogNotifier",
        "webhook": "airflow_mlops.notifications.webhook:WebhookNotifier",
        "email": "airflow_mlops.notifications.email:EmailNotifier",
    },
    check=_check,
    hint="derive the class from airflow_mlops.notifications.base.ReportNotifier",
)


def create_notifier(notify: str | Mapping[str, Any]) -> BaseNotifier:
    """Create a notifier.

    :param notify: its name or import path, or a mapping with its name as ``kind`` and its options.
    :raises BadInput: when there is no such notifier, or an option is unknown or missing.
    """
    return NOTIFIERS.create(*parse_choice(notify, "notify"))  # type: ignore[no-any-return]
