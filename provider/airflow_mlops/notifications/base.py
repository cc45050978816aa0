"""What the notifiers share: which reports they tell of, in a task's callback and in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.notifications import message

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

    from airflow_mlops.core.report import Report


class ReportNotifier(BaseNotifier):
    """Tells the verdicts that a task has published. Subclasses say where.

    For ``on_success_callback`` and ``on_failure_callback`` of a task, and as the ``AsyncCallback`` of a
    ``DeadlineAlert``: there it tells which run is late.

    :param message: one line that leads in, templated; default: the task's name and its run.
    :param verdicts: tell only of reports with one of these verdicts, such as ``["warn", "fail"]``, and nothing at all
        when the task has published others only; ``None``: of all.
    :param store_conn_id: the connection to the lifecycle store.
    """

    template_fields: Sequence[str] = ("message",)

    def __init__(
        self,
        message: str = "",
        *,
        verdicts: Sequence[str] | None = None,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
        context: Context | None = None,
    ) -> None:
        super().__init__(context)
        self.message = message
        self.verdicts = verdicts
        self.store_conn_id = store_conn_id

    def notify(self, context: Context) -> None:
        """Say it."""
        published = self._published(context)
        if self._silent(context, published):
            return
        self.send(self._text(context, published), context)

    async def async_notify(self, context: Context) -> None:
        """Say it from the triggerer, without holding up its event loop."""
        connection = await BaseHook.aget_connection(self.store_conn_id) if context.get("ti") is not None else None
        published = await asyncio.to_thread(self._published, context, connection)
        if self._silent(context, published):
            return
        await self.asend(self._text(context, published), context)

    def send(self, text: str, context: Context) -> None:
        """Bring a text to where it is read."""
        raise NotImplementedError

    async def asend(self, text: str, context: Context) -> None:
        """Bring a text to where it is read, from the triggerer."""
        await asyncio.to_thread(self.send, text, context)

    def text(self, context: Context | Mapping[str, Any]) -> str:
        """Give the message: the lead, then each verdict of the task with its first reasons and its page."""
        return self._text(context, self._published(context))

    def _published(self, context: Mapping[str, Any] | Context, connection: Connection | None = None) -> list[Report]:
        if context.get("ti") is None:  # a deadline's callback
            return []
        from airflow_mlops.keys import task_key
        from airflow_mlops.store import reports

        database = LifecycleStoreHook(self.store_conn_id, connection).database
        return message.wanted(reports.of_actor(database, task_key(context)), self.verdicts)

    def _silent(self, context: Mapping[str, Any] | Context, published: list[Report]) -> bool:
        return self.verdicts is not None and context.get("ti") is not None and not published

    def _text(self, context: Mapping[str, Any] | Context, published: list[Report]) -> str:
        from airflow.sdk.configuration import conf

        base_url = str(conf.get("api", "base_url", fallback="") or "")
        return message.text_of(self.message or message.lead_of(context), published, base_url)
