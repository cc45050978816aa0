"""The passengers' DAG as a whole: from a list to an endpoint that answers for one passenger, and to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from airflow_mlops.core.deployment.docker_engine import DockerEngine
from airflow_mlops.core.deployment.rollout import Deployment, Endpoint
from include.titanic import serving
from tests.faults.server import free_port

ALONE = {"siblings_spouses": 0, "parents_children": 0, "embarked": "S"}
LADY = {**ALONE, "passenger_class": 1, "sex": "female", "age": 38, "fare": 80, "name": "Example, Mrs. Eve"}
LAD = {**ALONE, "passenger_class": 3, "sex": "male", "age": 20, "fare": 8}
NAME = f"titanic test {os.getpid()}"


@pytest.fixture
def endpoint(engine: Any, bundle_dag: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """The endpoint of the DAG, under a name of the test's own: somebody may be served by the other."""
    task = bundle_dag("titanic").get_task("serve")
    assert task.endpoint == bundle_dag("titanic_stop_serving").params["endpoint"]
    monkeypatch.setattr(task, "endpoint", NAME)
    made = Deployment(DockerEngine(engine), Endpoint(NAME), "d/r/t/-1")
    yield made
    made.stop()


def test_it_ends_as_an_endpoint_that_answers_for_one_passenger_until_it_is_stopped(
    run_dag: Callable[..., Any], endpoint: Deployment
) -> None:
    port = free_port()
    run = run_dag("titanic", run_conf={**LADY, "port": port})
    assert run.state == "success"
    assert (run.states["serve"], run.states["ask"]) == ("success", "success")
    served = run.xcom("serve")
    assert (served["endpoint"], served["url"]) == (NAME, f"http://127.0.0.1:{port}")
    assert served["smoke_test_rows"] == run.xcom("split", "test")["rows"]
    assert run.xcom("ask")["version"] == run.xcom("predict")["version"] == 1
    assert run.xcom("ask")["survives"] == pytest.approx(run.xcom("predict")["survives"], rel=1e-9)

    assert serving.request_prediction(served["url"], LADY) == run.xcom("ask")
    assert serving.request_prediction(served["url"], LAD)["survives"] < run.xcom("ask")["survives"] - 0.5
    assert httpx.get(f"{served['url']}/version").json()["digest"] == run.xcom("register")["digest"]

    stopped = run_dag("titanic_stop_serving", run_conf={"endpoint": NAME})
    assert stopped.state == "success"
    assert served["container"] in stopped.xcom("stop")["removed"]
    assert list(endpoint.engine.find_containers(endpoint=NAME)) == []
    assert endpoint.engine.client.networks(names=[endpoint.endpoint.prefix]) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served['url']}/ping")
