"""Telling verdicts to a webhook, as chat tools take them."""

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

PAUSES = (1.0, 3.0)
"""Seconds between tries: three tries in all."""
CONNECT_SECONDS, TRY_SECONDS, ALL_SECONDS = 5.0, 10.0, 30.0


class WebhookNotifier(ReportNotifier):
    """Posts the verdicts that a task has published as ``{"text": …}``, with a deadline and at most three tries.

    Tried again is what may pass: no connection, no answer in time, 429 and 5xx. As an answer may be lost after the
    message was taken, it may come twice. The address is a secret: no error names it.

    :param webhook_conn_id: an HTTP connection: its URL; or as ``host`` the whole address with its ``https://``.
    """

    template_fields: Sequence[str] = ("message", "webhook_conn_id")

    def __init__(self, message: str = "", *, webhook_conn_id: str, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.webhook_conn_id = webhook_conn_id

    def send(self, text: str, context: Context) -> None:
        """Post it."""
        post(self.webhook_conn_id, text)

    async def asend(self, text: str, context: Context) -> None:
        """Post it from the triggerer."""
        await apost(self.webhook_conn_id, text)


def post(conn_id: str, text: str) -> None:
    """Post a text to a webhook.

    :param conn_id: the webhook's connection.
    :param text: what to say.
    :raises MlopsError: when it was not taken; says why, without the address.
    """
    import httpx

    url, tries = address(BaseHook.get_connection(conn_id)), _Tries(conn_id)
    with httpx.Client(timeout=_limits()) as client:
        while True:
            try:
                said, again = _judged(client.post(url, json={"text": text}))
            except httpx.HTTPError as error:
                said, again = _trouble(error)
            if not said:
                return
            time.sleep(tries.pause(said, again))


async def apost(conn_id: str, text: str) -> None:
    """Post a text to a webhook from an event loop, as :func:`post`.

    :raises MlopsError: when it was not taken; says why, without the address.
    """
    import httpx

    url, tries = address(await BaseHook.aget_connection(conn_id)), _Tries(conn_id)
    async with httpx.AsyncClient(timeout=_limits()) as client:
        while True:
            try:
                said, again = _judged(await client.post(url, json={"text": text}))
            except httpx.HTTPError as error:
                said, again = _trouble(error)
            if not said:
                return
            await asyncio.sleep(tries.pause(said, again))


class _Tries:
    """Counts the tries of one message.

    :param conn_id: the webhook's connection.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self._pauses = list(PAUSES)
        self._until = time.monotonic() + ALL_SECONDS

    def pause(self, said: str, again: bool) -> float:
        """Give how long to wait before the next try.

        :param said: what was wrong with the last.
        :param again: whether another may be better.
        :raises MlopsError: when there is none.
        """
        from airflow_mlops.core.errors import MlopsError

        if again and self._pauses and time.monotonic() + self._pauses[0] < self._until:
            return self._pauses.pop(0)
        raise MlopsError(
            f"the webhook did not take the message: {said}",
            where=f"connection {self.conn_id}",
            mend="check the connection's address, and that it can be reached from here",
        )


def address(connection: Connection) -> str:
    """Give the URL of a webhook's connection."""
    host = connection.host or ""
    return host if "://" in host else str(connection.get_uri())


def _limits() -> httpx.Timeout:
    import httpx

    return httpx.Timeout(TRY_SECONDS, connect=CONNECT_SECONDS)


def _judged(response: httpx.Response) -> tuple[str, bool]:
    """Say what is wrong with an answer, nothing when it is fine, and whether to try again."""
    if response.is_success:
        return "", False
    again = response.status_code == 429 or response.status_code >= 500
    return f"it answered {response.status_code} {response.reason_phrase}", again


def _trouble(error: Exception) -> tuple[str, bool]:
    import httpx

    # The kind only: the text of some of them has the address.
    return f"{type(error).__name__} in place of an answer", isinstance(error, httpx.TransportError)
