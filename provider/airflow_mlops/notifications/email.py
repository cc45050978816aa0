"""Telling verdicts by e-mail, through Airflow's own SMTP provider."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk import Context

LONGEST_SUBJECT = 150


class EmailNotifier(ReportNotifier):
    """Mails the verdicts that a task has published, through ``apache-airflow-providers-smtp``.

    Server, login, sender, deadline and retries are those of the SMTP connection.

    :param to: who gets it: one address, or several.
    :param from_email: who sends it; default: the connection's ``from_email``.
    :param smtp_conn_id: the SMTP connection; default: Airflow's.
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
        """Mail it."""
        self._mail(text).notify(context)

    async def asend(self, text: str, context: Context) -> None:
        """Mail it from the triggerer."""
        await self._mail(text).async_notify(context)

    def _mail(self, text: str) -> SmtpNotifier:
        """Give the provider's own notifier. It is told finished texts: what data has put into them is no template."""
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        return SmtpNotifier(
            to=self.to if isinstance(self.to, str) else list(self.to),
            from_email=self.from_email,
            subject=subject_of(text),
            html_content=f"<pre>{escape(text)}</pre>",
            smtp_conn_id=self.smtp_conn_id,
        )


def subject_of(text: str) -> str:
    """Give the subject: the first verdict if there is one, else the lead; one line."""
    lines = [line for line in text.splitlines() if line.strip()]
    subject = next((line for line in lines[1:] if not line.startswith((" ", "…"))), lines[0] if lines else "")
    return subject[:LONGEST_SUBJECT]
