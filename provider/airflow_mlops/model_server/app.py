"""REST server of one model version: MLflow's scoring protocol, health, version and metrics."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.core.serving.protocol import EXAMPLE, parse_request
from airflow_mlops.core.serving.responses import format_predictions
from airflow_mlops.model_server.request_log import LoggedPredictions, RequestLog, new_request_id
from airflow_mlops.model_server.smoke_test import SMOKE_TEST_HEADER

if TYPE_CHECKING:
    from airflow_mlops.core.serving.request_validation import RequestContract
    from airflow_mlops.core.serving.settings import ServingSettings
    from airflow_mlops.model_server.access_control import RateLimiter, TokenAuth
    from airflow_mlops.model_server.prometheus import ServerMetrics
    from airflow_mlops.model_server.scorer import RequestScorer

log = logging.getLogger(__name__)
REQUEST_ID_HEADER = "x-request-id"
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, eq=False)
class ServerComponents:
    """The components of the server.

    :param settings: the served version and its configuration.
    :param contract: the contract for rows.
    :param scorer: the model.
    :param metrics: the metrics.
    :param token: the authentication.
    :param rate: the rate limit.
    :param log: the log of predictions, if any.
    """

    settings: ServingSettings
    contract: RequestContract
    scorer: RequestScorer
    metrics: ServerMetrics
    token: TokenAuth
    rate: RateLimiter
    log: RequestLog | None = None


def create_app(components: ServerComponents) -> FastAPI:
    """Create the application."""
    server = ScoringServer(components)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=server.lifespan, redirect_slashes=False)
    for path, (method, handler, is_open) in server.paths.items():
        app.add_api_route(path, server.wrap(handler, is_open=is_open), methods=[method], response_model=None)
    app.add_exception_handler(HTTPException, server.not_found)
    return app


class ScoringServer:
    """The handlers of the server.

    :param components: its components.
    """

    def __init__(self, components: ServerComponents) -> None:
        self.components = components
        self.paths: dict[str, tuple[str, Handler, bool]] = {  # path -> method, handler, whether it needs no token
            "/invocations": ("POST", self.invocations, False),
            "/ping": ("GET", self.health, True),
            "/health": ("GET", self.health, True),
            "/version": ("GET", self.version, False),
            "/metrics": ("GET", self.metrics, False),
        }

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Load the model before the first request, and flush the prediction log after the last."""
        await self.components.scorer.start()
        yield
        await self.components.scorer.stop()
        if self.components.log is not None:
            self.components.log.close()

    def wrap(self, handler: Handler, *, is_open: bool) -> Handler:
        """Wrap a handler with authentication, rate limiting, error responses and metrics."""

        async def respond(request: Request) -> Response:
            try:
                if not is_open:
                    self.components.rate.acquire(_client_address(request), time.monotonic())
                    self.components.token.check(request.headers)
                response = await handler(request)
            except RequestError as error:
                response = self._error_response(error)
            except Exception:
                log.exception("unexpected error in a request")
                body = {"error_code": "INTERNAL_ERROR", "message": "internal server error", "hint": "try again"}
                response = _json_response(500, body)
            return self._count_response(request.url.path, response)

        return respond

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Respond to an unknown path or a wrong method with those that exist."""
        path = request.url.path
        if getattr(error, "status_code", 404) == 405 and path in self.paths:
            allowed = self.paths[path][0]
            what = f"{path} does not support {request.method[:20]}"
            bad_request = RequestError(
                405, "METHOD_NOT_ALLOWED", what, hint=f"use {allowed}", headers={"Allow": allowed}
            )
        else:
            bad_request = RequestError(
                404, "NOT_FOUND", "the path does not exist", hint=f"paths: {', '.join(self.paths)}"
            )
        return self._count_response(path, self._error_response(bad_request))

    async def health(self, _: Request) -> Response:
        """Return whether the model is ready."""
        ready = self.components.scorer.ready
        return _json_response(200 if ready else 503, {"status": "ready" if ready else "not ready"})

    async def version(self, _: Request) -> Response:
        """Return the served version."""
        served = self.components.settings
        return _json_response(200, {"model": served.model, "version": served.version, "digest": served.digest})

    async def metrics(self, _: Request) -> Response:
        """Return the metrics in Prometheus' text format."""
        return Response(self.components.metrics.render(), media_type="text/plain; version=0.0.4")

    async def invocations(self, request: Request) -> Response:
        """Score the rows of a request."""
        started, parts = time.perf_counter(), self.components
        limits, features = parts.settings.limits, parts.contract.features
        _check_content_type(request)
        content = await _read_body(request, limits.max_body_bytes)
        rows = parts.contract.validate(parse_request(content, features, max_rows=limits.max_rows))
        scores = await parts.scorer.score(rows.select(features), limits.timeout_seconds)
        predicted, request_id = format_predictions(scores, parts.scorer.classes), new_request_id()
        if parts.log is not None and not _is_smoke_test(request):
            key_columns = [name for name in rows.columns if name not in features]
            parts.log.put(LoggedPredictions(request_id, rows.select(key_columns) if key_columns else None, predicted))
        parts.metrics.increment("scored_rows_total", rows.height)
        parts.metrics.observe_duration(time.perf_counter() - started)
        body = {"predictions": predicted, "model": parts.settings.model, "version": parts.settings.version}
        return _json_response(200, body, {REQUEST_ID_HEADER: request_id})

    def _error_response(self, error: RequestError) -> Response:
        self.components.metrics.increment("rejected_requests_total", code=error.code)
        return _json_response(error.status, error.to_dict(), error.headers)

    def _count_response(self, path: str, response: Response) -> Response:
        label = path if path in self.paths else "other"
        self.components.metrics.increment("requests_total", path=label, status=str(response.status_code))
        return response


def _client_address(request: Request) -> str:
    """Return the caller's address, from the header that the proxy sets; only the proxy reaches this server."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "")


def _is_smoke_test(request: Request) -> bool:
    """Check whether the request comes from the smoke test in this container; others can only fake the header."""
    is_local = request.client is not None and request.client.host == "127.0.0.1"
    return is_local and SMOKE_TEST_HEADER in request.headers


def _check_content_type(request: Request) -> None:
    content_type = request.headers.get("content-type", "")
    media, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if media.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        what = f"the content type is {content_type[:100]!r}" if content_type else "the request has no content type"
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", what, hint=f"use application/json, and {EXAMPLE}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "UNSUPPORTED_ENCODING", "the body is compressed", hint="send it uncompressed")


async def _read_body(request: Request, max_bytes: int) -> bytes:
    """Read the body up to the limit."""
    length = request.headers.get("content-length", "0")
    content = bytearray()
    if not length.isdecimal() or int(length[:20]) <= max_bytes:
        async for chunk in request.stream():
            content += chunk
            if len(content) > max_bytes:
                break
        else:
            return bytes(content)
    hint = "send fewer rows at a time"
    raise RequestError(413, "PAYLOAD_TOO_LARGE", f"the body has more than {max_bytes} bytes", hint=hint)


def _json_response(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(content, status, media_type="application/json", headers=headers)
