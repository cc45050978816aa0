"""The Airflow plugin: it mounts the pages of reports below ``/mlops``.

Every Airflow component loads plugins, task processes too, so this module imports next to nothing; the web
application is made when the API server gets its first request.
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
    """An ASGI application that is made when it is first asked for something."""

    @cached_property
    def application(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """The application itself."""
        from airflow_mlops.plugin.routes import make_application

        return make_application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        await self.application(scope, receive, send)


class ReportsPlugin(AirflowPlugin):
    """Serves published reports at ``/mlops/reports/<id>``."""

    name = "mlops_reports"
    fastapi_apps: list[Any] = [{"app": LazyApplication(), "url_prefix": PREFIX, "name": "MLOps reports"}]  # noqa: RUF012 - as the base class has it
