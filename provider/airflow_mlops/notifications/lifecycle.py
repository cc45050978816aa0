"""Notifier that writes to the log and, optionally, a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.notifications import webhook
from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class LifecycleNotifier(ReportNotifier):
    """Write the verdicts of a task to its log, and post them to a webhook if one is set.

    Other parameters: see :class:`~airflow_mlops.notifications.base.ReportNotifier`.

    :param webhook_conn_id: connection ID of an HTTP connection; its URL receives ``{"text": ...}`` by POST, the format
        of chat tools. Default: no webhook.
    """

    def __init__(self, message: str = "", *, webhook_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.webhook_conn_id = webhook_conn_id

    def send(self, text: str, context: Context) -> None:
        """Log and post a message."""
        self.log.info("%s", text)
        if self.webhook_conn_id:
            webhook.post(self.webhook_conn_id, text)

    async def asend(self, text: str, context: Context) -> None:
        """Log and post a message from the triggerer."""
        self.log.info("%s", text)
        if self.webhook_conn_id:
            await webhook.apost(self.webhook_conn_id, text)
