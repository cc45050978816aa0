"""A server in this process, with a model of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.serving.request_validation import RequestContract
from airflow_mlops.core.serving.settings import RequestLimits, ServingSettings
from airflow_mlops.model_server.access_control import RateLimiter, TokenAuth
from airflow_mlops.model_server.app import ServerComponents, create_app
from airflow_mlops.model_server.prometheus import ServerMetrics
from airflow_mlops.model_server.request_log import RequestLog
from airflow_mlops.model_server.scorer import RequestScorer

CONTRACT = {
    "name": "things",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "x": {"type": "float", "min": 0, "max": 1000, "nullable": False},
        "kind": {"type": "category", "values": ["a", "b"]},
    },
}
TOKEN = "a token of the test"


class Ended:
    """How a process of the model is asked whether it lives."""

    def __init__(self) -> None:
        self.alive = True

    def __call__(self) -> None:
        self.alive = False


class Model:
    """Gives a hundredth of x; what it does beside is said by x: 13 dies, 14 raises, 15 waits."""

    def __init__(self) -> None:
        self.close, self.calls, self.go = Ended(), 0, threading.Event()

    def predict(self, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        self.calls += 1
        if (rows["x"] == 15).any():
            self.go.wait(10)
        if (rows["x"] == 14).any():
            raise ValueError("14 is unlucky\nin some countries")
        if (rows["x"] == 13).any():
            self.close()
            raise BadInput("the model's process ended of SIGSEGV while it scored 1 rows")
        return rows["x"].to_numpy() / 100


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """Serve: ``serve(limits={...}, log=...)``; the client's ``models`` are those that were loaded."""
    with ExitStack() as stack:

        def make(*, limits: dict[str, Any] | None = None, log: RequestLog | None = None, **kwargs: Any) -> TestClient:
            bounds = RequestLimits(**(limits or {}))
            settings = ServingSettings(model="things", version=4, digest="d" * 64, contract=CONTRACT, limits=bounds)
            contract, figures = (
                RequestContract(Contract.load(CONTRACT)),
                ServerMetrics({"model": "things", "version": "4"}),
            )
            models: list[Model] = []

            def load() -> Model:
                models.append(Model())
                return models[-1]

            scorer = RequestScorer(
                load,
                contract.to_model_input,
                processes=kwargs.get("processes", 1),
                max_batch_rows=1000,
                max_queued_requests=bounds.max_queued_requests,
                metrics=figures,
            )
            token, rate = TokenAuth(kwargs.get("token", TOKEN)), RateLimiter(bounds.requests_per_second, bounds.burst)
            parts = ServerComponents(settings, contract, scorer, figures, token, rate, log)
            client = TestClient(
                create_app(parts),
                headers={"Authorization": f"Bearer {TOKEN}"},
                raise_server_exceptions=False,
                client=(kwargs.get("caller", "10.0.0.7"), 50_000),
            )
            client.models = models  # type: ignore[attr-defined]
            return stack.enter_context(client)

        yield make
