"""E-mail notifier, based on Airflow's SMTP provider."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk import Context

MAX_SUBJECT_LENGTH = 150


class EmailNotifier(ReportNotifier):
    """Send the verdicts of a task by e-mail, with ``apache-airflow-providers-smtp``.

    The SMTP connection sets server, login, sender, timeout and retries. Other parameters: see
    :class:`~airflow_mlops.notifications.base.ReportNotifier`.

    :param to: recipient address, or several.
    :param from_email: sender address. Default: the connection's ``from_email``.
    :param smtp_conn_id: SMTP connection ID. Default: Airflow's.
    """

    template_fields: Sequence[str] = ("message", "to", "from_email")

    def __init__(
        self,
        message: str = "",
        *,
        to: str | Sequence[str],
        from_email: str | None = None,
        smtp_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, **kwargs)
        self.to = to
        self.from_email = from_email
        self.smtp_conn_id = smtp_conn_id

    def send(self, text: str, context: Context) -> None:
        """Send a message by e-mail."""
        self._smtp_notifier(text).notify(context)

    async def asend(self, text: str, context: Context) -> None:
        """Send a message by e-mail from the triggerer."""
        await self._smtp_notifier(text).async_notify(context)

    def _smtp_notifier(self, text: str) -> SmtpNotifier:
        """Return the SMTP provider's notifier. The text is already rendered, so its content is not a template."""
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        return SmtpNotifier(
            to=self.to if isinstance(self.to, str) else list(self.to),
            from_email=self.from_email,
            subject=subject_line(text),
            html_content=f"<pre>{escape(text)}</pre>",
            smtp_conn_id=self.smtp_conn_id,
        )


def subject_line(text: str) -> str:
    """Return a one-line subject: the first verdict, or the first line without one."""
    lines = [line for line in text.splitlines() if line.strip()]
    subject = next((line for line in lines[1:] if not line.startswith((" ", "…"))), lines[0] if lines else "")
    return subject[:MAX_SUBJECT_LENGTH]
