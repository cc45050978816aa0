"""Telling verdicts in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class LogNotifier(ReportNotifier):
    """Says the verdicts that a task has published in the log. Its parameters are those of every ``ReportNotifier``."""

    def send(self, text: str, context: Context) -> None:
        """Write it."""
        self.log.info("%s", text)

    async def asend(self, text: str, context: Context) -> None:
        """Write it."""
        self.send(text, context)
