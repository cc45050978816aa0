"""Notifier that writes to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class LogNotifier(ReportNotifier):
    """Write the verdicts of a task to the log. Parameters: see ``ReportNotifier``."""

    def send(self, text: str, context: Context) -> None:
        """Log a message."""
        self.log.info("%s", text)

    async def asend(self, text: str, context: Context) -> None:
        """Log a message."""
        self.send(text, context)
