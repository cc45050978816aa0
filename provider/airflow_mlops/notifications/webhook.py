"""Webhook notifier for chat tools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_mlops.notifications.base import ReportNotifier

if TYPE_CHECKING:
    import httpx
    from airflow.sdk import Connection, Context

RETRY_DELAYS = (1.0, 3.0)
"""Seconds between attempts: three attempts in total."""
CONNECT_SECONDS, ATTEMPT_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 30.0


class WebhookNotifier(ReportNotifier):
    """Post the verdicts of a task as ``{"text": ...}``, with a timeout and at most three attempts.

    Transient failures are retried: connection errors, timeouts, 429 and 5xx. If a response is lost, the message may
    arrive twice. The URL is a secret and does not appear in errors. Other parameters: see
    :class:`~airflow_mlops.notifications.base.ReportNotifier`.

    :param webhook_conn_id: connection ID of an HTTP connection: its URL, or the complete ``https://`` URL as ``host``.
    """

    template_fields: Sequence[str] = ("message", "webhook_conn_id")

    def __init__(self, message: str = "", *, webhook_conn_id: str, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.webhook_conn_id = webhook_conn_id

    def send(self, text: str, context: Context) -> None:
        """Post a message."""
        post(self.webhook_conn_id, text)

    async def asend(self, text: str, context: Context) -> None:
        """Post a message from the triggerer."""
        await apost(self.webhook_conn_id, text)


def post(conn_id: str, text: str) -> None:
    """Post a text to a webhook.

    :param conn_id: connection ID of the webhook.
    :param text: message.
    :raises MlopsError: when the message was not delivered; has the reason, without the URL.
    """
    import httpx

    url, retries = webhook_url(BaseHook.get_connection(conn_id)), _RetryBudget(conn_id)
    with httpx.Client(timeout=_timeout()) as client:
        while True:
            try:
                failure, is_transient = _response_failure(client.post(url, json={"text": text}))
            except httpx.HTTPError as error:
                failure, is_transient = _connection_failure(error)
            if not failure:
                return
            time.sleep(retries.next_delay(failure, is_transient))


async def apost(conn_id: str, text: str) -> None:
    """Post a text to a webhook from an event loop; see :func:`post`.

    :raises MlopsError: when the message was not delivered; has the reason, without the URL.
    """
    import httpx

    url, retries = webhook_url(await BaseHook.aget_connection(conn_id)), _RetryBudget(conn_id)
    async with httpx.AsyncClient(timeout=_timeout()) as client:
        while True:
            try:
                failure, is_transient = _response_failure(await client.post(url, json={"text": text}))
            except httpx.HTTPError as error:
                failure, is_transient = _connection_failure(error)
            if not failure:
                return
            await asyncio.sleep(retries.next_delay(failure, is_transient))


class _RetryBudget:
    """Remaining attempts of one message.

    :param conn_id: connection ID of the webhook.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self._delays = list(RETRY_DELAYS)
        self._deadline = time.monotonic() + TOTAL_SECONDS

    def next_delay(self, failure: str, is_transient: bool) -> float:
        """Return the seconds to wait before the next attempt.

        :param failure: reason why the last attempt failed.
        :param is_transient: whether a retry may succeed.
        :raises MlopsError: when no attempt remains.
        """
        from airflow_mlops.common.errors import MlopsError

        if is_transient and self._delays and time.monotonic() + self._delays[0] < self._deadline:
            return self._delays.pop(0)
        raise MlopsError(
            f"the webhook did not accept the message: {failure}",
            where=f"connection {self.conn_id}",
            hint="check the connection's URL and that it is reachable from this machine",
        )


def webhook_url(connection: Connection) -> str:
    """Return the URL of a webhook connection."""
    host = connection.host or ""
    return host if "://" in host else str(connection.get_uri())


def _timeout() -> httpx.Timeout:
    import httpx

    return httpx.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS)


def _response_failure(response: httpx.Response) -> tuple[str, bool]:
    """Return why a response failed (empty on success), and whether the failure is transient."""
    if response.is_success:
        return "", False
    is_transient = response.status_code == 429 or response.status_code >= 500
    return f"HTTP {response.status_code} {response.reason_phrase}", is_transient


def _connection_failure(error: Exception) -> tuple[str, bool]:
    """Return the type of a connection error, and whether it is transient."""
    import httpx

    # Only the type: some messages contain the URL.
    return f"{type(error).__name__}, no response", isinstance(error, httpx.TransportError)
