"""The request log: each prediction goes into the prediction log's table, beside the requests and never in their way.

What is answered is put into a bounded queue; a thread of its own writes what has gathered, in one transaction. When the
database is away rows wait, then the oldest are dropped: counted, and no request ever fails for it. A batch is a
partition of its own, so that one written twice, after a commit whose answer was lost, is there once.
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

from airflow_mlops.core.errors import BadInput
from airflow_mlops.serving.figures import Figures

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from airflow_mlops.core.serving.settings import ServingSettings

log = logging.getLogger(__name__)
REQUEST, ROW, SERVED = "request_id", "row_number", "served"
MOST_WAITING, MOST_WRITTEN = 100_000, 10_000  # rows
EVERY, LAST = 1.0, 5.0  # seconds between writes; seconds that the last ones may take


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """One request that was answered.

    :param request_id: its id.
    :param key: the columns that name its rows, where they came.
    :param predictions: what each row was answered: a number, or ``score`` and chances.
    """

    request_id: str
    key: pl.DataFrame | None
    predictions: Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Answers that are written together, under the same name however often it is tried.

    :param answered: the answers.
    :param at: when they were taken together.
    """

    answered: Sequence[Answered]
    at: datetime

    @property
    def rows(self) -> int:
        """How many rows they have."""
        return sum(len(one.predictions) for one in self.answered)

    @property
    def partition(self) -> str:
        """What it is called in the table."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S}Z {self.answered[0].request_id}"


class Writes(Protocol):
    """What writes a batch: all of it or nothing, and the same one again without harm."""

    def __call__(self, batch: Batch) -> None:
        """Write it.

        :raises BadInput: when it can never be written.
        """


class RequestLog:
    """Keeps what was answered until it is written.

    :param write: writes a batch.
    :param figures: what counts.
    :param every: seconds between two writes.
    :param most: how many rows may wait.
    """

    def __init__(self, write: Writes, figures: Figures, *, every: float = EVERY, most: int = MOST_WAITING) -> None:
        self._write, self._figures, self._every, self._most = write, figures, every, most
        self._waiting: deque[Answered] = deque()
        self._rows = 0
        self._changed, self._ended = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)
        self._thread.start()

    def put(self, answered: Answered) -> None:
        """Have an answer written, some time; never waits for it."""
        with self._changed:
            self._waiting.append(answered)
            self._rows += len(answered.predictions)
            while self._rows > self._most and self._waiting:
                self._gone(len(self._waiting.popleft().predictions), "dropped")
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, for a few seconds at most."""
        self._ended.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(LAST)

    def _gone(self, rows: int, outcome: str) -> None:
        self._rows -= rows
        self._figures.count("log_rows_total", rows, outcome=outcome)
        self._figures.level("log_waiting_rows", self._rows)

    def _run(self) -> None:
        batch: Batch | None = None
        while batch or self._waiting or not self._ended.is_set():
            if batch is None:
                batch = self._next()
            elif self._ended.is_set():  # it has failed before
                return
            else:
                self._ended.wait(self._every)
            if batch is not None and self._settled(batch):
                batch = None

    def _next(self) -> Batch | None:
        """Wait for answers, a little more for others to come along, and take them; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended.is_set())
        self._ended.wait(self._every)
        taken: list[Answered] = []
        with self._changed:
            room = MOST_WRITTEN
            while self._waiting and (not taken or len(self._waiting[0].predictions) <= room):
                taken.append(self._waiting.popleft())
                room -= len(taken[-1].predictions)
        return Batch(taken, datetime.now(UTC)) if taken else None

    def _settled(self, batch: Batch) -> bool:
        """Write a batch; false when it has to be tried again."""
        try:
            self._write(batch)
            outcome = "written"
        except Exception as error:  # whatever it is, requests go on
            self._figures.count("log_failures_total")
            log.warning("%d predictions could not be logged: %s", batch.rows, _told(error))
            if not isinstance(error, BadInput):
                return False
            outcome = "refused"
        with self._changed:
            self._gone(batch.rows, outcome)
        return True


def _told(error: Exception) -> str:
    """Say what went wrong: of a driver's errors only their name, as they may hold an address with its login."""
    return error.what if isinstance(error, BadInput) else type(error).__name__


def to_table(url: str, table: str, served: ServingSettings, key: Sequence[str]) -> Writes:
    """Give what writes into a table of predictions, which is made when it is not there.

    :param url: of its database, a PostgreSQL or SQLite.
    :param table: its name, or ``schema.name``.
    :param served: the model that answers.
    :param key: the contract's key, whose columns are kept as text where they come.
    """
    from sqlalchemy import create_engine

    from airflow_mlops.store.predictions import PredictionLog, ScoredBy

    predictions = PredictionLog(create_engine(url, pool_pre_ping=True), table)

    def write(batch: Batch) -> None:
        frame = rows_of(batch, key)
        schema = {REQUEST: "str", ROW: "int", **dict.fromkeys(key, "str")}
        schema |= {
            name: "str" if frame[name].dtype == "str" else "float"
            for name in map(str, frame.columns)
            if name not in schema
        }
        by = ScoredBy(served.model, served.version, batch.partition, SERVED, batch.at)
        named = frame.assign(model_name=served.model, model_version=served.version)
        predictions.load([named], by, key=[REQUEST, ROW], schema=schema)

    return write


def rows_of(batch: Batch, key: Sequence[str]) -> pd.DataFrame:
    """Give the rows of a batch: request, row number, the key as text, score and chances."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for one in batch.answered:
        there = one.key.to_dict(as_series=False) if one.key is not None else {}
        for number, answer in enumerate(one.predictions):
            named = {name: _text(there[name][number]) if name in there else None for name in key}
            scores = answer if isinstance(answer, dict) else {"score": answer}
            rows.append({REQUEST: one.request_id, ROW: number, **named, **scores})
    return pd.DataFrame(rows).astype(dict.fromkeys(key, "str"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def new_id() -> str:
    """Give a request an id."""
    return uuid.uuid4().hex
