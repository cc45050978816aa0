"""Telling people what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier

from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow.sdk import Context

TIMEOUT_SECONDS = 15


class LifecycleNotifier(BaseNotifier):
    """Says the verdicts that a task has published: in its log, and to a webhook where one is given.

    For a task's ``on_success_callback`` and ``on_failure_callback``.

    :param message: one line that leads in; templated.
    :param webhook_conn_id: an HTTP connection whose URL gets ``{"text": …}`` by POST, as chat tools take it.
    :param store_conn_id: the connection to the lifecycle store.
    """

    template_fields: Sequence[str] = ("message",)

    def __init__(
        self,
        message: str = "{{ ti.dag_id }}.{{ ti.task_id }} ({{ ti.run_id }})",
        *,
        webhook_conn_id: str | None = None,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
    ) -> None:
        super().__init__()
        self.message = message
        self.webhook_conn_id = webhook_conn_id
        self.store_conn_id = store_conn_id

    def notify(self, context: Context) -> None:
        """Say it."""
        text = self.text(context)
        self.log.info("%s", text)
        if self.webhook_conn_id:
            import httpx

            url = BaseHook.get_connection(self.webhook_conn_id).get_uri()
            httpx.post(url, json={"text": text}, timeout=TIMEOUT_SECONDS).raise_for_status()

    def text(self, context: Context | dict[str, Any]) -> str:
        """Give the message: the lead, then each verdict of the task with its first reasons."""
        from airflow_mlops.keys import task_key
        from airflow_mlops.store import reports

        database = LifecycleStoreHook(self.store_conn_id).database
        published = reports.of_actor(database, task_key(context))
        return "\n".join([self.message, *(report.summary(5) for report in published)])
