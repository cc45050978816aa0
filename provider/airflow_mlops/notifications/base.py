"""Base class of the report notifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.notifications import message

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

    from airflow_mlops.common.report import Report


class ReportNotifier(BaseNotifier):
    """Base class of notifiers that send the verdicts of a task's reports. Subclasses define the channel.

    Use it as ``on_success_callback`` or ``on_failure_callback`` of a task, or as the ``AsyncCallback`` of a
    ``DeadlineAlert``, where it names the late run.

    :param message: templated first line. Default: the task and its run.
    :param verdicts: send only reports with one of these verdicts, such as ``["warn", "fail"]``; no message without a
        match. ``None`` (default): all.
    :param store_conn_id: connection ID of the lifecycle store.
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
        """Send the notification."""
        reports = self._load_reports(context)
        if self._is_filtered(context, reports):
            return
        self.send(self._render_message(context, reports), context)

    async def async_notify(self, context: Context) -> None:
        """Send the notification from the triggerer, without blocking its event loop."""
        connection = await BaseHook.aget_connection(self.store_conn_id) if context.get("ti") is not None else None
        reports = await asyncio.to_thread(self._load_reports, context, connection)
        if self._is_filtered(context, reports):
            return
        await self.asend(self._render_message(context, reports), context)

    def send(self, text: str, context: Context) -> None:
        """Deliver a message."""
        raise NotImplementedError

    async def asend(self, text: str, context: Context) -> None:
        """Deliver a message from the triggerer."""
        await asyncio.to_thread(self.send, text, context)

    def text(self, context: Context | Mapping[str, Any]) -> str:
        """Return the message: the first line, then each verdict of the task with its first reasons and report page."""
        return self._render_message(context, self._load_reports(context))

    def _load_reports(self, context: Mapping[str, Any] | Context, connection: Connection | None = None) -> list[Report]:
        if context.get("ti") is None:  # a deadline callback
            return []
        from airflow_mlops.store import reports
        from airflow_mlops.task_keys import task_key

        database = LifecycleStoreHook(self.store_conn_id, connection).database
        return message.filter_by_verdict(reports.of_actor(database, task_key(context)), self.verdicts)

    def _is_filtered(self, context: Mapping[str, Any] | Context, reports: list[Report]) -> bool:
        return self.verdicts is not None and context.get("ti") is not None and not reports

    def _render_message(self, context: Mapping[str, Any] | Context, reports: list[Report]) -> str:
        from airflow.sdk.configuration import conf

        base_url = str(conf.get("api", "base_url", fallback="") or "")
        return message.render_message(self.message or message.default_lead(context), reports, base_url)
