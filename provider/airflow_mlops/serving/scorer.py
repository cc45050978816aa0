"""The model behind the server: processes of its own, and the rows that wait for them.

Requests that wait when a process is free are scored in one call. A row's score does not depend on the rows beside it,
as in a batch; where a call fails, each request is scored alone, so that nobody's rows are refused for another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.core.serving.refusals import BadRequest, shown
from airflow_mlops.core.training.prediction import predict
from airflow_mlops.serving.figures import Figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A request that waits.

    :param rows: its features, typed.
    :param answer: gets the scores, or what went wrong.
    """

    rows: pl.DataFrame
    answer: asyncio.Future[np.ndarray[Any, Any]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Scorer:
    """Scores what waits.

    :param load: gives the model in a process of its own, its digest verified; called again when that has ended.
    :param frame: gives typed rows as the model takes them.
    :param processes: how many processes of the model there are.
    :param together: how many rows are scored in one call.
    :param waiting: how many requests may wait.
    :param figures: what counts.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        frame: Callable[[pl.DataFrame], pd.DataFrame],
        *,
        processes: int,
        together: int,
        waiting: int,
        figures: Figures,
    ) -> None:
        self._load, self._frame, self._together, self._figures = load, frame, together, figures
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(waiting)
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
        known = getattr(self._models[0], "classes_", None)
        self.classes = [] if known is None else [str(name) for name in known]
        self._tasks = [asyncio.create_task(self._work(place)) for place in range(len(self._models))]
        self.ready = True

    async def stop(self) -> None:
        """End the processes; what waits is refused."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._queue.empty():
            _give(self._queue.get_nowait(), _ended("the server is being stopped"))
        for model in self._models:
            with contextlib.suppress(Exception):
                model.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def scores(self, rows: pl.DataFrame, seconds: float) -> np.ndarray[Any, Any]:
        """Score rows.

        :param seconds: how long it may take.
        :raises BadRequest: when too many wait, it takes too long, or the model cannot score them.
        """
        waiting = Waiting(rows)
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise BadRequest(
                503, "TOO_BUSY", "too many requests wait", mend="try again", headers={"Retry-After": "1"}
            ) from None
        self._figures.level("waiting", self._queue.qsize())
        try:
            return await asyncio.wait_for(waiting.answer, seconds)
        except TimeoutError:
            what = f"the model has not answered within {seconds:g} seconds"
            raise BadRequest(503, "TOO_SLOW", what, mend="send fewer rows, or try again") from None

    async def _work(self, place: int) -> None:
        """Score what waits, with one of the processes."""
        loop = asyncio.get_running_loop()
        while True:
            taken = [await self._queue.get()]
            rows = taken[0].rows.height
            while rows < self._together and not self._queue.empty():
                taken.append(self._queue.get_nowait())
                rows += taken[-1].rows.height
            self._figures.level("waiting", self._queue.qsize())
            wanted = [one for one in taken if not one.answer.done()]  # not those that nobody waits for any more
            for alike in _alike(wanted):
                found = await loop.run_in_executor(self._threads, self._together_or_alone, place, alike)
                for one, scores in zip(alike, found, strict=True):
                    _give(one, scores)

    def _together_or_alone(self, place: int, requests: Sequence[Waiting]) -> list[Any]:
        """Give each request's scores, or the error that it gets."""
        import polars as pl

        if len(requests) > 1:
            try:
                found = self._called(place, pl.concat([one.rows for one in requests]))
            except Exception as error:
                log.warning("%d requests are scored one by one: %s", len(requests), type(error).__name__)
            else:
                parts, first = [], 0
                for one in requests:
                    parts.append(found[first : first + one.rows.height])
                    first += one.rows.height
                return parts
        return [self._alone(place, one) for one in requests]

    def _alone(self, place: int, request: Waiting) -> Any:
        try:
            return self._called(place, request.rows)
        except MlopsError as error:
            if self._alive(place):
                return _refused(error.what)
            log.warning("the model's process has ended: %s", error.what)
            return _ended(error.what)
        except Exception as error:  # a model may raise anything
            return _refused(f"{type(error).__name__}: {error}")

    def _called(self, place: int, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        if not self._alive(place):
            self._figures.count("model_restarts_total")
            self._models[place] = self._load()
        self._figures.count("model_calls_total")
        return predict(self._models[place], self._frame(rows))

    def _alive(self, place: int) -> bool:
        close = getattr(self._models[place], "close", None)
        return bool(getattr(close, "alive", True))


def _alike(requests: Sequence[Waiting]) -> list[list[Waiting]]:
    """Put requests together whose columns have the same types."""
    found: dict[Any, list[Waiting]] = {}
    for one in requests:
        found.setdefault(tuple(one.rows.schema.items()), []).append(one)
    return list(found.values())


def _give(request: Waiting, scores: Any) -> None:
    if request.answer.done():
        return
    if isinstance(scores, Exception):
        request.answer.set_exception(scores)
    else:
        request.answer.set_result(scores)


def _refused(what: str) -> BadRequest:
    said = shown(what)[1:-1]
    mend = "the rows keep the contract, and yet the model cannot score them: tell its owners"
    return BadRequest(422, "MODEL_REFUSED", f"the model cannot score these rows: {said}", mend=mend)


def _ended(what: str) -> BadRequest:
    return BadRequest(503, "MODEL_ENDED", shown(what)[1:-1], mend="try again", headers={"Retry-After": "2"})
