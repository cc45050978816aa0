"""The REST server of one model version: MLflow's scoring protocol, health, version and figures."""

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

from airflow_mlops.core.serving.answers import predictions
from airflow_mlops.core.serving.protocol import EXAMPLE, read
from airflow_mlops.core.serving.refusals import BadRequest
from airflow_mlops.serving.logged import Answered, RequestLog, new_id
from airflow_mlops.serving.trial import TRIAL

if TYPE_CHECKING:
    from airflow_mlops.core.serving.checking import RequestContract
    from airflow_mlops.core.serving.settings import ServingSettings
    from airflow_mlops.serving.figures import Figures
    from airflow_mlops.serving.limiting import Rate, Token
    from airflow_mlops.serving.scorer import Scorer

log = logging.getLogger(__name__)
REQUEST_ID = "x-request-id"
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What the server is made of.

    :param settings: what is served.
    :param contract: what rows have to keep.
    :param scorer: the model.
    :param figures: what counts.
    :param token: who may ask.
    :param rate: how often.
    :param log: where predictions are kept, if anywhere.
    """

    settings: ServingSettings
    contract: RequestContract
    scorer: Scorer
    figures: Figures
    token: Token
    rate: Rate
    log: RequestLog | None = None


def application(parts: Parts) -> FastAPI:
    """Make the server."""
    server = Server(parts)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=server.lifespan, redirect_slashes=False)
    for path, (method, handler, is_open) in server.paths.items():
        app.add_api_route(path, server.answering(handler, is_open=is_open), methods=[method], response_model=None)
    app.add_exception_handler(HTTPException, server.not_there)
    return app


class Server:
    """Answers requests.

    :param parts: what it is made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.paths: dict[str, tuple[str, Handler, bool]] = {  # path -> method, what answers, whether it needs no token
            "/invocations": ("POST", self.invocations, False),
            "/ping": ("GET", self.health, True),
            "/health": ("GET", self.health, True),
            "/version": ("GET", self.version, False),
            "/metrics": ("GET", self.metrics, False),
        }

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Load the model before the first request, and write what waits after the last."""
        await self.parts.scorer.start()
        yield
        await self.parts.scorer.stop()
        if self.parts.log is not None:
            self.parts.log.close()

    def answering(self, handler: Handler, *, is_open: bool) -> Handler:
        """Give what lets in who may ask, turns every error into words, and counts."""

        async def answer(request: Request) -> Response:
            try:
                if not is_open:
                    self.parts.rate.take(_address(request), time.monotonic())
                    self.parts.token.check(request.headers)
                response = await handler(request)
            except BadRequest as refused:
                response = self._refusal(refused)
            except Exception:
                log.exception("a request failed")
                told = {"error_code": "INTERNAL_ERROR", "message": "the server has failed", "mend": "try again"}
                response = _json(500, told)
            return self._counted(request.url.path, response)

        return answer

    async def not_there(self, request: Request, error: Exception) -> Response:
        """Say which paths and methods there are."""
        path = request.url.path
        if getattr(error, "status_code", 404) == 405 and path in self.paths:
            allowed = self.paths[path][0]
            what = f"{request.method[:20]} is not for {path}"
            refused = BadRequest(405, "WRONG_METHOD", what, mend=f"use {allowed}", headers={"Allow": allowed})
        else:
            refused = BadRequest(404, "NOT_FOUND", "there is no such path", mend=f"there are {', '.join(self.paths)}")
        return self._counted(path, self._refusal(refused))

    async def health(self, _: Request) -> Response:
        """Say whether the model can be asked."""
        ready = self.parts.scorer.ready
        return _json(200 if ready else 503, {"status": "ready" if ready else "not ready"})

    async def version(self, _: Request) -> Response:
        """Say what is served."""
        served = self.parts.settings
        return _json(200, {"model": served.model, "version": served.version, "digest": served.digest})

    async def metrics(self, _: Request) -> Response:
        """Give the figures."""
        return Response(self.parts.figures.text(), media_type="text/plain; version=0.0.4")

    async def invocations(self, request: Request) -> Response:
        """Score the rows of a request."""
        began, parts = time.perf_counter(), self.parts
        limits, features = parts.settings.limits, parts.contract.features
        _check_type(request)
        body = await _body(request, limits.body_bytes)
        rows = parts.contract.checked(read(body, features, most_rows=limits.rows))
        scores = await parts.scorer.scores(rows.select(features), limits.seconds)
        answers, request_id = predictions(scores, parts.scorer.classes), new_id()
        if parts.log is not None and not _is_trial(request):
            beside = [name for name in rows.columns if name not in features]
            parts.log.put(Answered(request_id, rows.select(beside) if beside else None, answers))
        parts.figures.count("rows_total", rows.height)
        parts.figures.took(time.perf_counter() - began)
        told = {"predictions": answers, "model": parts.settings.model, "version": parts.settings.version}
        return _json(200, told, {REQUEST_ID: request_id})

    def _refusal(self, refused: BadRequest) -> Response:
        self.parts.figures.count("refused_total", reason=refused.code)
        return _json(refused.status, refused.to_dict(), refused.headers)

    def _counted(self, path: str, response: Response) -> Response:
        known = path if path in self.paths else "other"
        self.parts.figures.count("requests_total", path=known, status=str(response.status_code))
        return response


def _address(request: Request) -> str:
    """Give who asks: as the front says, which alone reaches this server and writes the header itself."""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told or (request.client.host if request.client else "")


def _is_trial(request: Request) -> bool:
    """Tell whether nobody asks but the trial, which runs beside the server: what comes from elsewhere only says so."""
    inside = request.client is not None and request.client.host == "127.0.0.1"
    return inside and TRIAL in request.headers


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "")
    media, _, rest = kind.partition(";")
    charset = rest.partition("charset=")[2].strip().strip('"').lower()
    if media.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        what = f"the content type is {kind[:100]!r}" if kind else "the request has no content type"
        raise BadRequest(415, "WRONG_CONTENT_TYPE", what, mend=f"use application/json, and {EXAMPLE}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(415, "WRONG_ENCODING", "the body is compressed", mend="send it as it is")


async def _body(request: Request, most: int) -> bytes:
    """Read the body, and no more of it than may come."""
    length = request.headers.get("content-length", "0")
    content = bytearray()
    if not length.isdecimal() or int(length[:20]) <= most:
        async for piece in request.stream():
            content += piece
            if len(content) > most:
                break
        else:
            return bytes(content)
    mend = "send fewer rows at a time"
    raise BadRequest(413, "TOO_LARGE", f"the body has more than {most} bytes", mend=mend)


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(content, status, media_type="application/json", headers=headers)
