"""The hook of the lifecycle store."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from airflow.sdk import Connection

from airflow_mlops.common.errors import BadInput, StoreNotReady
from airflow_mlops.hooks.mlflow import MlflowHook
from airflow_mlops.hooks.store import LifecycleStoreHook, connection_dict
from airflow_mlops.store import schema
from airflow_mlops.store.database import Database


def hook(url: str, snapshots: str = "file:///tmp/s") -> LifecycleStoreHook:
    values = connection_dict(url, snapshots)
    values["extra"] = json.dumps(values["extra"])
    return LifecycleStoreHook(connection=Connection(conn_id="mlops_store_default", **values))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////data/mlops.db",
        "postgresql+psycopg2://user:p%40ss@db.example.org:5433/mlops",
        "postgresql+psycopg2://postgres:@/mlops?host=%2Ftmp%2Fsocket",
    ],
)
def test_a_url_survives_the_connection(url: str) -> None:
    from sqlalchemy.engine import make_url

    parsed = hook(url).url()
    expected = make_url(url)
    assert parsed.drivername == expected.drivername
    assert (parsed.host, parsed.port, parsed.database) == (expected.host, expected.port, expected.database)
    assert (parsed.username, parsed.password or "") == (expected.username, expected.password or "")
    assert dict(parsed.query) == dict(expected.query)


def test_a_store_that_is_not_migrated_says_how_to_migrate(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    with pytest.raises(StoreNotReady, match="airflow mlops db upgrade"):
        _ = hook(url).database
    usable, message = hook(url).test_connection()
    assert not usable
    assert "airflow mlops db upgrade" in message


def test_a_migrated_store_passes_the_connection_test(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    Database(url).upgrade()
    message = f"lifecycle store reachable: schema {schema.head()}; snapshots: file:///tmp/s"
    assert hook(url).test_connection() == (True, message)
    assert hook(url, snapshots="").test_connection()[1].endswith("snapshots: none configured")


def test_a_connection_test_hides_the_password() -> None:
    usable, message = hook("postgresql+psycopg2://me:hunter2@127.0.0.1:1/none").test_connection()
    assert not usable
    assert "hunter2" not in message


def test_a_connection_without_a_snapshot_root_says_what_to_add() -> None:
    with pytest.raises(BadInput, match="snapshots"):
        _ = hook("sqlite:////data/mlops.db", snapshots="").snapshots


def test_a_connection_test_makes_no_file(tmp_path: Path) -> None:
    usable, message = hook(f"sqlite:///{tmp_path}/typo.db").test_connection()
    assert not usable
    assert "no tables yet" in message
    assert list(tmp_path.iterdir()) == []


def with_extra(**extra: object) -> LifecycleStoreHook:
    extra = {"driver": "postgresql+psycopg2", **extra}
    return LifecycleStoreHook(connection=Connection(conn_id="c", conn_type="mlops_store", extra=json.dumps(extra)))


def test_options_may_be_json_text() -> None:
    assert dict(with_extra(query='{"sslmode": "require"}').url().query) == {"sslmode": "require"}
    assert dict(with_extra(query={"sslmode": "require"}).url().query) == {"sslmode": "require"}
    assert with_extra(snapshots="memory://s", snapshot_options='{"skip_instance_cache": true}').snapshots is not None


@pytest.mark.parametrize("wrong", ["sslmode=require", "[1]", '"x"'])
def test_options_that_are_not_an_object_are_rejected(wrong: str) -> None:
    usable, message = with_extra(query=wrong).test_connection()
    assert not usable
    assert "query is not a JSON object" in message
    assert "hint" in message


@pytest.mark.parametrize(
    ("driver", "pattern"),
    [
        ("mysql+pymysql", "does not support mysql"),
        ("postgresql+nosuch", r"the driver postgresql\+nosuch is not installed"),
        ("nosuch", "NoSuchModuleError|does not support nosuch"),
    ],
)
def test_an_unusable_driver_is_reported(driver: str, pattern: str) -> None:
    usable, message = with_extra(driver=driver).test_connection()
    assert not usable
    assert re.search(pattern, message)


def test_the_form_has_a_field_for_each_setting() -> None:
    from airflow_mlops.get_provider_info import get_provider_info

    (form,) = [c for c in get_provider_info()["connection-types"] if c["connection-type"] == "mlops_store"]
    assert set(form["conn-fields"]) == {"driver", "query", "snapshots", "snapshot_options"}
    assert not form["ui-field-behaviour"].get("hidden-fields")
    assert set(form["conn-fields"]["driver"]["schema"]["enum"]) >= {"postgresql+psycopg2", "sqlite"}


def mlflow_hook(**extra: str) -> MlflowHook:
    return MlflowHook(connection=Connection(conn_id="mlflow_default", conn_type="mlflow", extra=json.dumps(extra)))


def test_an_mlflow_uri_keeps_scheme_port_and_path() -> None:
    assert mlflow_hook(tracking_uri="https://m.example.org:5000/a/b").tracking_uri == "https://m.example.org:5000/a/b"


@pytest.mark.parametrize("uri", ["", "mlflow.example.org:5000", "./mlruns"])
def test_an_mlflow_uri_without_a_scheme_never_becomes_a_local_folder(uri: str) -> None:
    with pytest.raises(BadInput, match="tracking_uri"):
        _ = mlflow_hook(tracking_uri=uri).tracking_uri


def environment() -> dict[str, str]:
    """Return the environment without the variable that MLflow's telemetry sets temporarily at import."""
    return {name: value for name, value in os.environ.items() if name != "_MLFLOW_TELEMETRY_SESSION_ID"}


def test_two_mlflow_servers_in_one_process_leave_the_environment_alone(migrated_mlflow: Path, tmp_path: Path) -> None:
    import polars  # noqa: F401 - its import sets a variable for its allocator, and MLflow may import it

    before = environment()
    copies = [shutil.copy(migrated_mlflow, tmp_path / name) for name in ("one.db", "two.db")]
    one, two = (mlflow_hook(tracking_uri=f"sqlite:///{copy}").client for copy in copies)
    one.create_experiment("only_here")
    assert one.get_experiment_by_name("only_here") is not None
    assert two.get_experiment_by_name("only_here") is None
    assert environment() == before
