"""HTTP routes for the pages of reports and model cards.

Every route authenticates the user with Airflow and checks that they may read the report's DAG. Only the API server
imports this module, on its first request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import API_ROOT_PATH
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_access_view
from fastapi import FastAPI, HTTPException, Request, status
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from airflow_mlops.common.errors import BadInput, MlopsError, NotFound, StoreNotReady
from airflow_mlops.core.reports import render_notice, render_page
from airflow_mlops.core.reports.documents import ReportDocument, load_document, render_document_markdown, render_html
from airflow_mlops.plugin import stored_reports

log = logging.getLogger(__name__)

# A report contains user data: the browser must not execute it, load from it or guess another content type.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private",
}
TITLES = {
    status.HTTP_401_UNAUTHORIZED: "Please log in",
    status.HTTP_403_FORBIDDEN: "Access denied",
    status.HTTP_404_NOT_FOUND: "Report not found",
    status.HTTP_503_SERVICE_UNAVAILABLE: "Lifecycle store unavailable",
}


def make_application() -> FastAPI:
    """Create the application that the plugin mounts."""
    application = FastAPI(title="MLOps reports", openapi_url=None, docs_url=None, redoc_url=None)
    application.get("/reports/{report_id}.json")(report_as_json)
    application.get("/reports/{report_id}")(report_as_page)
    application.get("/cards/{report_id}.md")(card_as_text)
    application.get("/cards/{report_id}")(card_as_page)
    application.exception_handler(AnyHTTPException)(render_error)
    application.middleware("http")(add_security_headers)
    return application


async def add_security_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add the security headers to every response, including errors."""
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


# Functions, not coroutines: the store blocks, so FastAPI must run them in threads.
def report_as_page(report_id: str, request: Request, user: GetUserDep) -> HTMLResponse:
    """Return a report as a page; a report with a document as that document."""
    report = _load_authorised(report_id, request, user).report
    return HTMLResponse(render_html(load_document(report)) if "document" in report.facts else render_page(report))


def report_as_json(report_id: str, request: Request, user: GetUserDep) -> JSONResponse:
    """Return the stored JSON of a report."""
    return JSONResponse(_load_authorised(report_id, request, user).body)


def card_as_page(report_id: str, request: Request, user: GetUserDep) -> HTMLResponse:
    """Return a model card as a page."""
    return HTMLResponse(render_html(_load_card(report_id, request, user)))


def card_as_text(report_id: str, request: Request, user: GetUserDep) -> PlainTextResponse:
    """Return a model card as Markdown."""
    return PlainTextResponse(render_document_markdown(_load_card(report_id, request, user)), media_type="text/markdown")


def _load_card(report_id: str, request: Request, user: Any) -> ReportDocument:
    """Load a card that this user may read.

    :raises HTTPException: as :func:`_load_authorised`, and 404 when the report is not a card.
    """
    try:
        return load_document(_load_authorised(report_id, request, user).report)
    except BadInput as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, error.what) from None


def _load_authorised(report_id: str, request: Request, user: Any) -> stored_reports.PublishedReport:
    """Load a report that this user may read. The permission is that of reading the DAG's task instances.

    :raises HTTPException: 403 without permission, 404 without such a report, 503 without a store.
    """
    try:
        report = stored_reports.load_report(report_id)
    except NotFound as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"{error.what}: {error.hint}") from None
    except StoreNotReady as error:
        log.warning("Cannot show a report: %s", error)
        detail = f"{error.what.splitlines()[0]}: ask your Airflow administrator to check the connection"
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail) from None
    except MlopsError as error:
        log.warning("Cannot show a report: %s", error)
        raise HTTPException(status.HTTP_500_INTERNAL_SERVER_ERROR, error.what) from None
    if report.dag_id is None:
        requires_access_view(AccessView.WEBSITE)(request, user)
    else:
        requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE, report.dag_id)(request, user)
    return report


async def render_error(request: Request, error: AnyHTTPException) -> Response:
    """Return an error as a page for browsers and JSON for programs; redirect to the login page on 401."""
    if request.url.path.endswith(".json") or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        query = urlencode({"next": request.url.path})
        return RedirectResponse(f"{API_ROOT_PATH.rstrip('/')}/api/v2/auth/login?{query}")
    title = TITLES.get(error.status_code, "Error")
    return HTMLResponse(
        render_notice(title, f"{str(error.detail)[:1].upper()}{str(error.detail)[1:]}."), error.status_code
    )
