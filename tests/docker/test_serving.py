"""A version in a container of its own: exchanged under load, tried first, and nothing half-done after a death.

Its images are built with packages from the index that pip knows; the base images have to be there.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import Superseded
from airflow_mlops.core.deployment import proxy
from airflow_mlops.core.deployment.docker_engine import DockerEngine
from airflow_mlops.core.deployment.image import ImageRecipe, version_recipe
from airflow_mlops.core.deployment.rollout import Deployment, Endpoint, PredictionMismatch, SmokeTest
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.serving.settings import ServingSettings

BASE = os.environ.get("MLOPS_SERVING_BASE", "python:3.11-slim-bookworm")
FRONT = os.environ.get("MLOPS_SERVING_FRONT", "debian:bookworm-slim")
TOKEN = "a-token-of-the-test"
CONTRACT = {"name": "c", "columns": {"x": {"type": "float", "nullable": False}, "y": {"type": "float"}}}
RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"x": RNG.normal(size=1000), "y": RNG.normal(size=1000)})


@dataclass(frozen=True)
class Served:
    """A version that can be served.

    :param number: its version.
    :param recipe: of its image.
    :param trial: a thousand rows whose scores are known.
    """

    number: int
    recipe: ImageRecipe
    trial: SmokeTest


@pytest.fixture(scope="module")
def docker(engine: Any) -> DockerEngine:
    found = DockerEngine(engine)
    for image in (BASE, FRONT):
        if not engine.images(name=image):
            pytest.skip(f"there is no image {image}; name others with MLOPS_SERVING_BASE and MLOPS_SERVING_FRONT")
    return found


@pytest.fixture(scope="module")
def versions(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> list[Served]:
    found = []
    for number in (1, 2):
        model = LogisticRegression().fit(ROWS, (ROWS["x"] * (3 - 2 * number) > 0).astype(int))
        folder = tmp_path_factory.mktemp("v") / "model"
        digest = artifact.write(model, folder, ROWS[:5])
        settings = ServingSettings(model="tested", version=number, digest=digest, contract=CONTRACT)
        recipe = version_recipe(folder, settings, base=BASE, logged=True)  # with the layers of any other
        docker.build(recipe)
        trial = SmokeTest({"inputs": ROWS.to_dict("list")}, predict(model, ROWS).tolist(), timeout_seconds=600)
        found.append(Served(number, recipe, trial))
    return found


@pytest.fixture
def deployment(docker: DockerEngine) -> Iterator[Deployment]:
    endpoint = Endpoint(f"test {os.getpid()}", port=0, proxy_base=FRONT, token=TOKEN)
    made = Deployment(docker, endpoint, "d/r/serve/-1")
    made.stop()
    yield made
    made.stop()


def serve(deployment: Deployment, version: Served, held: Any = nullcontext) -> dict[str, Any]:
    return deployment.deploy(version.recipe, version.number, version.trial, held)


def asked(deployment: Deployment, body: Any) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(deployment.address().removeprefix("http://"), timeout=120)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request("POST", "/invocations", json.dumps(body), headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def names(deployment: Deployment) -> set[str]:
    return {one["Names"][0].lstrip("/") for one in deployment.engine.find_containers(endpoint=deployment.endpoint.name)}


class Load:
    """Callers that ask all the time, each on one connection that it keeps."""

    def __init__(self, deployment: Deployment, callers: int = 3) -> None:
        self.address, self.seen = deployment.address().removeprefix("http://"), Counter[Any]()
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(callers)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for thread in self.threads:
            thread.join()

    def _ask(self) -> None:
        connection, body = HTTPConnection(self.address, timeout=120), json.dumps({"instances": [[1.0, 0.0]]})
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        while not self.enough.wait(0.02):
            try:
                connection.request("POST", "/invocations", body, headers)
                answer = connection.getresponse()
                self.seen[answer.status, json.loads(answer.read()).get("version")] += 1
            except Exception as error:  # the caller's side of a failed request, whatever it is
                self.seen[repr(error)] += 1
                connection.close()


def test_promotion_and_rollback_under_load_fail_no_request(deployment: Deployment, versions: list[Served]) -> None:
    first, second = versions
    assert serve(deployment, first)["changed"]
    status, told = asked(deployment, first.trial.body)
    assert (status, told["version"]) == (200, 1)
    assert told["predictions"] == pytest.approx(first.trial.expected, rel=1e-9)
    with Load(deployment) as load:
        serve(deployment, second)
        assert asked(deployment, second.trial.body)[1]["version"] == 2
        back = serve(deployment, first)
    assert set(load.seen) == {(200, 1), (200, 2)}, load.seen
    assert names(deployment) == {deployment.endpoint.proxy, back["container"]}
    assert serve(deployment, first) == {"container": back["container"], "changed": False}


def test_a_version_that_answers_otherwise_gets_no_request(deployment: Deployment, versions: list[Served]) -> None:
    first, second = versions
    old = serve(deployment, first)["container"]
    wrong = SmokeTest(second.trial.body, first.trial.expected, timeout_seconds=600)
    with pytest.raises(PredictionMismatch, match="row 0"):
        deployment.deploy(second.recipe, 2, wrong, nullcontext)
    assert asked(deployment, first.trial.body)[1]["version"] == 1
    assert names(deployment) == {deployment.endpoint.proxy, old}


def test_what_a_dead_attempt_has_left_is_gone_on_with(deployment: Deployment, versions: list[Served]) -> None:
    first, second = versions
    serve(deployment, first)

    def dies() -> AbstractContextManager[Any]:
        raise Superseded("a later attempt has taken over")

    with pytest.raises(Superseded):
        serve(deployment, second, dies)
    assert asked(deployment, first.trial.body)[1]["version"] == 1
    (left,) = names(deployment) - {deployment.endpoint.proxy, active_container(deployment)}
    assert serve(deployment, second) == {"container": left, "changed": True}
    assert asked(deployment, second.trial.body)[1]["version"] == 2
    assert names(deployment) == {deployment.endpoint.proxy, left}


def active_container(deployment: Deployment) -> str:
    found = proxy.active_slot(proxy.parse_slots(deployment._send(["show servers state model"])))
    assert found is not None
    assert found.container is not None
    return found.container


def test_a_front_that_is_started_again_knows_whom_it_stands_for(deployment: Deployment, versions: list[Served]) -> None:
    serve(deployment, versions[0])
    deployment.engine.client.restart(deployment.endpoint.proxy)
    deployment._wait(lambda: asked_or_none(deployment, versions[0]) == 200, 60, "it does not come back")


def asked_or_none(deployment: Deployment, version: Served) -> int | None:
    try:
        return asked(deployment, version.trial.body)[0]
    except OSError:
        return None


def test_the_token_is_nowhere_to_be_seen(deployment: Deployment, versions: list[Served], docker: DockerEngine) -> None:
    name = serve(deployment, versions[0])["container"]
    for one in (name, deployment.endpoint.proxy):
        assert TOKEN not in json.dumps(docker.client.inspect_container(one))
        assert TOKEN not in docker.client.logs(one).decode()
    assert TOKEN not in json.dumps(docker.client.history(versions[0].recipe.tag))
    bound, _ = docker.published_address(deployment.endpoint.proxy, 8080)
    assert bound == "127.0.0.1"
    assert docker.run(name, ["id", "-u"])[1].strip() == "65532"


def test_files_that_are_not_those_that_were_registered_are_never_served(
    deployment: Deployment, versions: list[Served], docker: DockerEngine, tmp_path: Path
) -> None:
    first = versions[0]
    files = {**first.recipe.files, "serving/model/extra.txt": b"added"}
    forged = ImageRecipe(files, first.recipe.name)
    docker.build(forged)
    with pytest.raises(Exception, match="do not match the registered digest"):
        deployment.deploy(forged, 1, SmokeTest(first.trial.body, first.trial.expected, timeout_seconds=60), nullcontext)
    assert names(deployment) == {deployment.endpoint.proxy}


def test_a_front_that_is_stopped_ends_by_itself(
    deployment: Deployment, versions: list[Served], docker: DockerEngine
) -> None:
    serve(deployment, versions[0])
    docker.client.stop(deployment.endpoint.proxy, timeout=300)
    assert docker.client.inspect_container(deployment.endpoint.proxy)["State"]["ExitCode"] == 0  # it was not killed
