"""The pages of reports and model cards over HTTP.

Every route asks Airflow who is there, and whether the report's DAG is theirs to see.

Only the API server imports this module, and only for its first request.
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

from airflow_mlops.core.errors import BadInput, MlopsError, NotFound, StoreNotReady
from airflow_mlops.core.pages import notice, render
from airflow_mlops.core.pages.documents import Document, document_of, html, markdown
from airflow_mlops.plugin import stored

log = logging.getLogger(__name__)

# A report shows what stood in somebody's data: nothing of it may run, load or be guessed to be something else.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private",
}
TITLES = {
    status.HTTP_401_UNAUTHORIZED: "Please log in",
    status.HTTP_403_FORBIDDEN: "Not yours to see",
    status.HTTP_404_NOT_FOUND: "No such report",
    status.HTTP_503_SERVICE_UNAVAILABLE: "The store does not answer",
}


def make_application() -> FastAPI:
    """Make the application that the plugin mounts."""
    application = FastAPI(title="MLOps reports", openapi_url=None, docs_url=None, redoc_url=None)
    application.get("/reports/{report_id}.json")(report_as_json)
    application.get("/reports/{report_id}")(report_as_page)
    application.get("/cards/{report_id}.md")(card_as_text)
    application.get("/cards/{report_id}")(card_as_page)
    application.exception_handler(AnyHTTPException)(told)
    application.middleware("http")(with_headers)
    return application


async def with_headers(request: Request, pass_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Put the guarding headers on every answer, errors too."""
    answer = await pass_on(request)
    for name, value in HEADERS.items():
        answer.headers[name] = value
    return answer


# Plain functions, not coroutines: the store blocks, so FastAPI runs them in its threads.
def report_as_page(report_id: str, request: Request, user: GetUserDep) -> HTMLResponse:
    """Give a report as a page; one that keeps a document is that document."""
    report = _allowed(report_id, request, user).report
    return HTMLResponse(html(document_of(report)) if "document" in report.facts else render(report))


def report_as_json(report_id: str, request: Request, user: GetUserDep) -> JSONResponse:
    """Give a report as it was kept."""
    return JSONResponse(_allowed(report_id, request, user).body)


def card_as_page(report_id: str, request: Request, user: GetUserDep) -> HTMLResponse:
    """Give a model card as a page."""
    return HTMLResponse(html(_card(report_id, request, user)))


def card_as_text(report_id: str, request: Request, user: GetUserDep) -> PlainTextResponse:
    """Give a model card as Markdown."""
    return PlainTextResponse(markdown(_card(report_id, request, user)), media_type="text/markdown")


def _card(report_id: str, request: Request, user: Any) -> Document:
    """Read a card that this user may see.

    :raises HTTPException: as :func:`_allowed`, and 404 when the report is no card.
    """
    try:
        return document_of(_allowed(report_id, request, user).report)
    except BadInput as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, error.what) from None


def _allowed(report_id: str, request: Request, user: Any) -> stored.Stored:
    """Read a report that this user may see: whoever may read the tasks of a DAG may read what they have found.

    :raises HTTPException: 403 when the DAG is not theirs, 404 without such a report, 503 without a store.
    """
    try:
        found = stored.find(report_id)
    except NotFound as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"{error.what}: {error.mend}") from None
    except StoreNotReady as error:
        log.warning("a report cannot be shown: %s", error)
        said = f"{error.what.splitlines()[0]}: ask whoever runs this Airflow to look at its connection"
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, said) from None
    except MlopsError as error:
        log.warning("a report cannot be shown: %s", error)
        raise HTTPException(status.HTTP_500_INTERNAL_SERVER_ERROR, error.what) from None
    if found.dag_id is None:
        requires_access_view(AccessView.WEBSITE)(request, user)
    else:
        requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE, found.dag_id)(request, user)
    return found


async def told(request: Request, error: AnyHTTPException) -> Response:
    """Say an error in words: a page for a browser, JSON for a program; who is not logged in is sent to do so."""
    if request.url.path.endswith(".json") or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        back = urlencode({"next": request.url.path})
        return RedirectResponse(f"{API_ROOT_PATH.rstrip('/')}/api/v2/auth/login?{back}")
    said = TITLES.get(error.status_code, "That did not work")
    return HTMLResponse(notice(said, f"{str(error.detail)[:1].upper()}{str(error.detail)[1:]}."), error.status_code)
