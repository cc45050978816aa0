"""What an endpoint answers stands in the PostgreSQL that its container reaches, each answer once, and no trial's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.deployment.docker_engine import DockerEngine as ContainerEngine
from airflow_mlops.operators.serve import ServeModelOperator, StopServingOperator
from tests.faults.server import free_port
from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.models import MODEL, promote, register_version, write_week
from tests.remote_steps.steps import execute_task, make_rows, wait_for

POSTGRES = os.environ.get("POSTGRES_IMAGE", "postgres:16")
NAME = f"mlops-test-log-{os.getpid()}"
PASSWORD = "hush-of-the-log"
FLOAT, WHOLE = {"type": "float"}, {"type": "int"}
CONTRACT = {"name": "c", "key": ["id"], "columns": {"id": WHOLE, "x": FLOAT, "z": FLOAT}}
SERVED = f"select request_id, row_number, id, score, model_name, model_version from ml.{MODEL}"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL in a network of its own.

    :param client: of the container engine.
    :param here: how this machine reaches it.
    """

    client: Any
    here: Engine

    def wait(self) -> None:
        """Wait until it answers."""
        wait_for(self._answers)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return what is logged, in the order of requests and rows."""
        if not inspect(self.here).has_table(MODEL, schema="ml"):
            return []
        with self.here.connect() as connection:
            return sorted(map(tuple, connection.execute(text(SERVED))))

    def _answers(self) -> bool:
        try:
            self.here.connect().close()
        except OperationalError:
            return False
        return True


@pytest.fixture
def postgres(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A PostgreSQL, of the connection ``requests``: its host is a name in the network alone."""
    try:
        ContainerEngine(engine).ensure_image(POSTGRES)
    except BadInput as error:
        pytest.skip(f"{error.what}; name another image with POSTGRES_IMAGE")
    port = free_port()
    engine.create_network(NAME)
    host = engine.create_host_config(network_mode=NAME, port_bindings={5432: ("127.0.0.1", port)})
    secret = {"POSTGRES_PASSWORD": PASSWORD}
    engine.create_container(POSTGRES, name=NAME, environment=secret, ports=[5432], host_config=host)
    at = f"postgresql+psycopg2://postgres:{PASSWORD}"
    extra = {"sqlalchemy_url": f"{at}@{NAME}:5432/postgres"}
    monkeypatch.setenv("AIRFLOW_CONN_REQUESTS", json.dumps({"conn_type": "postgres", "extra": extra}))
    try:
        engine.start(NAME)
        made = Postgres(engine, create_engine(f"{at}@127.0.0.1:{port}/postgres", poolclass=NullPool))
        made.wait()
        yield made
    finally:
        engine.remove_container(NAME, force=True, v=True)
        engine.remove_network(NAME)


@pytest.fixture
def served(world: RemoteStepEnvironment, postgres: Postgres) -> Iterator[dict[str, Any]]:
    """A champion that is served; what it answers is logged."""
    promote(world, register_version(world, "first"))
    log = {"network": NAME, "log_conn_id": "requests", "log_table": f"ml.{MODEL}"}
    asked = {"model": MODEL, "rows": write_week(world), "endpoint": NAME, "port": free_port(), "contract": CONTRACT}
    try:
        yield execute_task(ServeModelOperator(task_id="serve", **asked, **log))
    finally:
        execute_task(StopServingOperator(task_id="stop", endpoint=NAME))


def ask(url: str, first: int, rows: int) -> list[tuple[Any, ...]]:
    """Ask about some rows; return what has to be logged of the answer."""
    frame = make_rows(8, 320)[first : first + rows][["id", "x", "z"]]
    answer = httpx.post(f"{url}/invocations", json={"dataframe_split": frame.to_dict("split", index=False)}, timeout=60)
    assert answer.status_code == 200, answer.text
    told, id_ = answer.json(), answer.headers["x-request-id"]
    named = zip(frame["id"].astype(str), told["predictions"], strict=True)
    return [(id_, number, key, score, MODEL, told["version"]) for number, (key, score) in enumerate(named)]


def test_each_answer_is_a_row_of_the_table_also_when_the_database_was_away(
    served: dict[str, Any], postgres: Postgres
) -> None:
    url = served["url"]
    told = ask(url, 0, 50) + ask(url, 50, 1)
    assert httpx.post(f"{url}/invocations", json={"inputs": {"x": ["no"], "z": [1]}}).status_code == 422
    wait_for(lambda: len(postgres.rows()) >= len(told))
    assert postgres.rows() == sorted(told)

    postgres.client.stop(NAME, timeout=10)
    told += ask(url, 51, 20)
    postgres.client.start(NAME)
    postgres.wait()
    told += ask(url, 71, 3)
    wait_for(lambda: len(postgres.rows()) >= len(told))
    assert postgres.rows() == sorted(told)
    assert {len(row[0]) for row in postgres.rows()} == {32}
    seen = json.dumps(postgres.client.inspect_container(served["container"]))
    assert PASSWORD not in seen + postgres.client.logs(served["container"]).decode()
