"""Scorer: model processes and the queue of rows for them.

Queued requests are scored in one call when a process is free. A row's score does not depend on the other rows of a
batch. When a call fails each request is scored alone, so one request's rows cannot fail another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.serving.errors import RequestError, preview
from airflow_mlops.model_server.prometheus import ServerMetrics

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class QueuedRequest:
    """A queued request.

    :param rows: its typed features.
    :param future: receives the scores or the error.
    """

    rows: pl.DataFrame
    future: asyncio.Future[np.ndarray[Any, Any]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class RequestScorer:
    """Scores queued requests.

    :param load: returns the model in a process of its own, its digest verified; called again when that has ended.
    :param to_model_input: converts typed rows to the model's input.
    :param processes: the number of model processes.
    :param max_batch_rows: the maximum number of rows scored in one call.
    :param max_queued_requests: the maximum number of queued requests.
    :param metrics: the metrics.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        to_model_input: Callable[[pl.DataFrame], pd.DataFrame],
        *,
        processes: int,
        max_batch_rows: int,
        max_queued_requests: int,
        metrics: ServerMetrics,
    ) -> None:
        self._load, self._to_model_input, self._max_batch_rows, self._metrics = (
            load,
            to_model_input,
            max_batch_rows,
            metrics,
        )
        self._queue: asyncio.Queue[QueuedRequest] = asyncio.Queue(max_queued_requests)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="model")
        self._models: list[Any] = [None] * processes
        self._tasks: list[asyncio.Task[None]] = []
        self.classes: list[str] = []
        self.ready = False

    async def start(self) -> None:
        """Load the model.

        :raises MlopsError: when it cannot be loaded.
        """
        loop = asyncio.get_running_loop()
        self._models = list(
            await asyncio.gather(*(loop.run_in_executor(self._threads, self._load) for _ in self._models))
        )
        class_labels = getattr(self._models[0], "classes_", None)
        self.classes = [] if class_labels is None else [str(name) for name in class_labels]
        self._tasks = [asyncio.create_task(self._work(worker)) for worker in range(len(self._models))]
        self.ready = True

    async def stop(self) -> None:
        """Stop the processes; queued requests are rejected."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._queue.empty():
            _set_result(self._queue.get_nowait(), _model_ended_error("the server is shutting down"))
        for model in self._models:
            with contextlib.suppress(Exception):
                model.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def score(self, rows: pl.DataFrame, timeout_seconds: float) -> np.ndarray[Any, Any]:
        """Score rows.

        :param timeout_seconds: the timeout.
        :raises RequestError: when the queue is full, the timeout expires, or the model cannot score the rows.
        """
        waiting = QueuedRequest(rows)
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise RequestError(
                503, "QUEUE_FULL", "the request queue is full", hint="try again", headers={"Retry-After": "1"}
            ) from None
        self._metrics.set_gauge("queued_requests", self._queue.qsize())
        try:
            return await asyncio.wait_for(waiting.future, timeout_seconds)
        except TimeoutError:
            what = f"the model did not respond within {timeout_seconds:g} seconds"
            raise RequestError(503, "TIMEOUT", what, hint="send fewer rows, or try again") from None

    async def _work(self, worker: int) -> None:
        """Score queued requests with one of the processes."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            rows = batch[0].rows.height
            while rows < self._max_batch_rows and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                rows += batch[-1].rows.height
            self._metrics.set_gauge("queued_requests", self._queue.qsize())
            pending = [request for request in batch if not request.future.done()]  # skip requests that have timed out
            for group in _group_by_schema(pending):
                results = await loop.run_in_executor(self._threads, self._score_requests, worker, group)
                for request, scores in zip(group, results, strict=True):
                    _set_result(request, scores)

    def _score_requests(self, worker: int, requests: Sequence[QueuedRequest]) -> list[Any]:
        """Return each request's scores, or its error."""
        import polars as pl

        if len(requests) > 1:
            try:
                scores = self._predict(worker, pl.concat([request.rows for request in requests]))
            except Exception as error:
                log.warning("scoring %d requests one by one: %s", len(requests), type(error).__name__)
            else:
                result, first = [], 0
                for request in requests:
                    result.append(scores[first : first + request.rows.height])
                    first += request.rows.height
                return result
        return [self._score_alone(worker, request) for request in requests]

    def _score_alone(self, worker: int, request: QueuedRequest) -> Any:
        try:
            return self._predict(worker, request.rows)
        except MlopsError as error:
            if self._is_alive(worker):
                return _prediction_error(error.what)
            log.warning("the model's process has ended: %s", error.what)
            return _model_ended_error(error.what)
        except Exception as error:  # a model may raise anything
            return _prediction_error(f"{type(error).__name__}: {error}")

    def _predict(self, worker: int, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        if not self._is_alive(worker):
            self._metrics.increment("model_restarts_total")
            self._models[worker] = self._load()
        self._metrics.increment("model_calls_total")
        return predict(self._models[worker], self._to_model_input(rows))

    def _is_alive(self, worker: int) -> bool:
        close = getattr(self._models[worker], "close", None)
        return bool(getattr(close, "alive", True))


def _group_by_schema(requests: Sequence[QueuedRequest]) -> list[list[QueuedRequest]]:
    """Group requests whose columns have the same types."""
    groups: dict[Any, list[QueuedRequest]] = {}
    for request in requests:
        groups.setdefault(tuple(request.rows.schema.items()), []).append(request)
    return list(groups.values())


def _set_result(request: QueuedRequest, scores: Any) -> None:
    if request.future.done():
        return
    if isinstance(scores, Exception):
        request.future.set_exception(scores)
    else:
        request.future.set_result(scores)


def _prediction_error(what: str) -> RequestError:
    detail = preview(what)[1:-1]
    hint = "the rows satisfy the contract, yet the model cannot score them: report it to the model's owners"
    return RequestError(422, "PREDICTION_FAILED", f"the model cannot score these rows: {detail}", hint=hint)


def _model_ended_error(what: str) -> RequestError:
    return RequestError(503, "MODEL_UNAVAILABLE", preview(what)[1:-1], hint="try again", headers={"Retry-After": "2"})
