"""Plugin that mounts the report pages below ``/mlops``.

All Airflow components load plugins, including task processes. Therefore this module has minimal imports, and the web
application is created on the first request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/mlops"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LazyApplication:
    """An ASGI application that is created on its first request."""

    @cached_property
    def application(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """The wrapped application."""
        from airflow_mlops.plugin.routes import make_application

        return make_application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request."""
        await self.application(scope, receive, send)


class ReportsPlugin(AirflowPlugin):
    """Serve published reports at ``/mlops/reports/<id>``."""

    name = "mlops_reports"
    fastapi_apps: list[Any] = [{"app": LazyApplication(), "url_prefix": PREFIX, "name": "MLOps reports"}]  # noqa: RUF012 - as the base class has it
