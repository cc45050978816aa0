"""A real Docker engine, and an image with what is tested; without an engine the tests say so and are skipped."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from airflow_mlops.core.scoring.prediction_log import PredictionLog
from tests.docker.containers import TAG
from tests.integration.conftest import airflow_home, bundle_dag, lifecycle, run_dag
from tests.remote_steps.blocking import held
from tests.remote_steps.environment import RemoteStepEnvironment, project, stuck, world
from tests.stack.machine import IMAGE

__all__ = [
    "airflow_home", "bundle_dag", "held", "lifecycle", "project", "run_dag", "stuck",
    "world",
]  # fmt: skip

REPO = Path(__file__).resolve().parents[2]
BASES = [os.environ["MLOPS_IMAGE"]] if os.environ.get("MLOPS_IMAGE") else [IMAGE, "airflow-provider-mlops:local"]
DOCKERFILE = """FROM {base}
USER root
ENTRYPOINT []
COPY airflow_mlops /opt/tested/airflow_mlops
ENV PYTHONPATH=/opt/tested
"""


@pytest.fixture(scope="session")
def engine() -> Any:
    """The client of the engine."""
    from docker.errors import DockerException

    from docker import APIClient

    try:
        client = APIClient(base_url=os.environ.get("DOCKER_HOST"), version="auto", timeout=120)
        client.ping()
    except DockerException as error:
        pytest.skip(f"no Docker engine can be reached: {error}; `make stack` says what is needed")
    return client


@pytest.fixture(scope="session")
def image(engine: Any) -> Iterator[str]:
    """An image with the code that is tested, on the stack's own: that of its tests, or that of `make stack`."""
    base = next((name for name in BASES if engine.images(name=name)), None)
    if base is None:
        pytest.skip(
            f"there is no image {' or '.join(BASES)}: build docker/Dockerfile, or name another with MLOPS_IMAGE"
        )
    dockerfile = DOCKERFILE.format(base=base).encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        described = tarfile.TarInfo("Dockerfile")
        described.size = len(dockerfile)
        tar.addfile(described, io.BytesIO(dockerfile))
        source = REPO / "provider" / "airflow_mlops"
        tar.add(source, "airflow_mlops", filter=lambda one: None if "__pycache__" in one.name else one)
    context.seek(0)
    said = list(engine.build(fileobj=context, custom_context=True, tag=TAG, rm=True, decode=True))
    engine.inspect_image(TAG)
    assert said
    yield TAG
    engine.remove_image(TAG, force=True)


@pytest.fixture
def docker(image: str, project: Path) -> dict[str, Any]:
    """The runtime."""
    here = {"project": str(project)}
    return {"kind": "docker", "image": image, **here, "network": "none", "memory": "2g", "cpus": 2, "pull": "never"}


@pytest.fixture
def table(world: RemoteStepEnvironment, monkeypatch: pytest.MonkeyPatch) -> PredictionLog:
    """A table for scores, of the connection ``company``."""
    path = world.folder / "company.db"
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return PredictionLog(create_engine(f"sqlite:///{path}", poolclass=NullPool), "predictions")
