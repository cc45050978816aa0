"""A real MLflow server for the tests of this folder, and proxies in front of it that lose answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from tests.faults.proxy import FaultProxy
from tests.faults.server import mlflow_server


@pytest.fixture(scope="session")
def server(migrated_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with a database and artifacts of its own."""
    folder = tmp_path_factory.mktemp("server")
    copyfile(migrated_mlflow, folder / "mlflow.db")
    with mlflow_server(folder / "mlflow.db") as url:
        yield url


@pytest.fixture
def proxy(server: str) -> Iterator[FaultProxy]:
    """A proxy in front of the server."""
    with FaultProxy(server) as found:
        yield found
