"""Telling people what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.notifications import webhook
from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class LifecycleNotifier(ReportNotifier):
    """Says the verdicts that a task has published: in its log, and to a webhook where one is given.

    :param webhook_conn_id: an HTTP connection whose URL gets ``{"text": …}`` by POST, as chat tools take it.
    """

    def __init__(self, message: str = "", *, webhook_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.webhook_conn_id = webhook_conn_id

    def send(self, text: str, context: Context) -> None:
        """Say it."""
        self.log.info("%s", text)
        if self.webhook_conn_id:
            webhook.post(self.webhook_conn_id, text)

    async def asend(self, text: str, context: Context) -> None:
        """Say it from the triggerer."""
        self.log.info("%s", text)
        if self.webhook_conn_id:
            await webhook.apost(self.webhook_conn_id, text)
