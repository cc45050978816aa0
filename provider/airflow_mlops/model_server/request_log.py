"""Request log: an asynchronous writer of predictions into the prediction log's table.

Responses go into a bounded queue; a background thread writes them in batches, one transaction each. While the
database is unavailable rows are queued, then the oldest are dropped and counted; a request never fails because of the
log. Each batch is a partition of its own, so writing it again after an unacknowledged commit adds no duplicates.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.common.errors import BadInput
from airflow_mlops.model_server.prometheus import ServerMetrics

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from airflow_mlops.core.serving.settings import ServingSettings

log = logging.getLogger(__name__)
_REQUEST_COLUMN, ROW_COLUMN, SERVED_SNAPSHOT_ID = "request_id", "row_number", "served"
_MAX_QUEUED_ROWS, _MAX_WRITTEN_ROWS = 100_000, 10_000
_WRITE_INTERVAL, _CLOSE_TIMEOUT = 1.0, 5.0  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class LoggedPredictions:
    """The predictions of one request.

    :param request_id: its id.
    :param key: the key columns of its rows, where they were sent.
    :param predictions: one for each row: a number, or ``score`` and probabilities.
    """

    request_id: str
    key: pl.DataFrame | None
    predictions: Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LogBatch:
    """Predictions that are written together, under the same partition on every attempt.

    :param requests: the requests.
    :param created_at: when the batch was formed.
    """

    requests: Sequence[LoggedPredictions]
    created_at: datetime

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(len(request.predictions) for request in self.requests)

    @property
    def partition(self) -> str:
        """The partition in the table."""
        return f"{self.created_at:%Y-%m-%dT%H:%M:%S}Z {self.requests[0].request_id}"


class BatchWriter(Protocol):
    """An atomic and idempotent writer of batches."""

    def __call__(self, batch: LogBatch) -> None:
        """Write a batch.

        :raises BadInput: when the batch can never be written.
        """


class RequestLog:
    """A bounded queue of predictions with a background writer.

    :param write: the writer of a batch.
    :param metrics: the metrics.
    :param interval: the seconds between two writes.
    :param max_rows: the maximum number of queued rows.
    """

    def __init__(
        self,
        write: BatchWriter,
        metrics: ServerMetrics,
        *,
        interval: float = _WRITE_INTERVAL,
        max_rows: int = _MAX_QUEUED_ROWS,
    ) -> None:
        self._write, self._metrics, self._interval, self._max_rows = write, metrics, interval, max_rows
        self._queue: deque[LoggedPredictions] = deque()
        self._rows = 0
        self._condition, self._stopped = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)
        self._thread.start()

    def put(self, answered: LoggedPredictions) -> None:
        """Queue predictions for writing, without blocking."""
        with self._condition:
            self._queue.append(answered)
            self._rows += len(answered.predictions)
            while self._rows > self._max_rows and self._queue:
                self._record_outcome(len(self._queue.popleft().predictions), "dropped")
            self._condition.notify()

    def close(self) -> None:
        """Write the queued rows, for a few seconds at most."""
        self._stopped.set()
        with self._condition:
            self._condition.notify()
        self._thread.join(_CLOSE_TIMEOUT)

    def _record_outcome(self, rows: int, outcome: str) -> None:
        self._rows -= rows
        self._metrics.increment("log_rows_total", rows, outcome=outcome)
        self._metrics.set_gauge("log_queued_rows", self._rows)

    def _run(self) -> None:
        batch: LogBatch | None = None
        while batch or self._queue or not self._stopped.is_set():
            if batch is None:
                batch = self._next_batch()
            elif self._stopped.is_set():  # the last write failed
                return
            else:
                self._stopped.wait(self._interval)
            if batch is not None and self._try_write(batch):
                batch = None

    def _next_batch(self) -> LogBatch | None:
        """Wait for predictions and form a batch; return None at the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._queue or self._stopped.is_set())
        self._stopped.wait(self._interval)
        requests: list[LoggedPredictions] = []
        with self._condition:
            remaining_rows = _MAX_WRITTEN_ROWS
            while self._queue and (not requests or len(self._queue[0].predictions) <= remaining_rows):
                requests.append(self._queue.popleft())
                remaining_rows -= len(requests[-1].predictions)
        return LogBatch(requests, datetime.now(UTC)) if requests else None

    def _try_write(self, batch: LogBatch) -> bool:
        """Write a batch; return false when it must be retried."""
        try:
            self._write(batch)
            outcome = "written"
        except Exception as error:  # the log must never stop the server
            self._metrics.increment("log_failures_total")
            log.warning("could not log %d predictions: %s", batch.rows, _error_message(error))
            if not isinstance(error, BadInput):
                return False
            outcome = "rejected"
        with self._condition:
            self._record_outcome(batch.rows, outcome)
        return True


def _error_message(error: Exception) -> str:
    """Format an error; for a driver's errors only the class, as the message may contain credentials."""
    return error.what if isinstance(error, BadInput) else type(error).__name__


def table_writer(url: str, table: str, settings: ServingSettings, key: Sequence[str]) -> BatchWriter:
    """Return a writer into a table of predictions, which is created if necessary.

    :param url: the URL of a PostgreSQL or SQLite database.
    :param table: the table, or ``schema.table``.
    :param settings: the settings of the served model.
    :param key: the contract's key columns, stored as text where they were sent.
    """
    from sqlalchemy import create_engine

    from airflow_mlops.core.scoring.prediction_log import PredictionLog, PredictionLogEntry

    predictions = PredictionLog(create_engine(url, pool_pre_ping=True), table)

    def write(batch: LogBatch) -> None:
        frame = batch_frame(batch, key)
        schema = {_REQUEST_COLUMN: "str", ROW_COLUMN: "int", **dict.fromkeys(key, "str")}
        schema |= {
            name: "str" if frame[name].dtype == "str" else "float"
            for name in map(str, frame.columns)
            if name not in schema
        }
        by = PredictionLogEntry(settings.model, settings.version, batch.partition, SERVED_SNAPSHOT_ID, batch.created_at)
        rows = frame.assign(model_name=settings.model, model_version=settings.version)
        predictions.load([rows], by, key=[_REQUEST_COLUMN, ROW_COLUMN], schema=schema)

    return write


def batch_frame(batch: LogBatch, key: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a batch: request, row number, key columns as text, score and probabilities."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for request in batch.requests:
        key_values = request.key.to_dict(as_series=False) if request.key is not None else {}
        for number, prediction in enumerate(request.predictions):
            key_texts = {name: _to_text(key_values[name][number]) if name in key_values else None for name in key}
            scores = prediction if isinstance(prediction, dict) else {"score": prediction}
            rows.append({_REQUEST_COLUMN: request.request_id, ROW_COLUMN: number, **key_texts, **scores})
    return pd.DataFrame(rows).astype(dict.fromkeys(key, "str"))


def _to_text(value: Any) -> str | None:
    return None if value is None else str(value)


def new_request_id() -> str:
    """Return a new request id."""
    return uuid.uuid4().hex
