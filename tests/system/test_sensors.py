"""Sensors and watchers in a real triggerer: what they wait for happens once, and each tells it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import catalogue, episodes, ledger
from airflow_mlops.store.database import Database
from include.demo.airflow import AirflowStack
from include.demo.postgres import EmbeddedPostgres
from include.demo.rest import RestClient

pytestmark = pytest.mark.system
DEADLINE = 240
SENSORS = ("drift", "champion", "labels", "champion_from_trigger")

DAG_FILE = """
from airflow.sdk import DAG, Asset, AssetWatcher
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow_mlops.sensors.drift import DriftSensor
from airflow_mlops.sensors.labels import LabelSensor
from airflow_mlops.sensors.model_version import ModelVersionSensor
from airflow_mlops.triggers.model_version import ModelVersionTrigger

with DAG("waiting", schedule=None, params={"model": "churn"}):
    often = {"poke_interval": 1, "timeout": 600}
    DriftSensor(task_id="drift", model="churn", **often)
    ModelVersionSensor(task_id="champion", model="churn", **often)
    ModelVersionSensor(task_id="champion_from_trigger", model="{{ params.model }}", start_from_trigger=True, **often)
    LabelSensor(task_id="labels", dataset="labels", partition="{{ run_id }}", min_rows=10, **often)
    DriftSensor(task_id="never", model="nobody", **often)

changed = Asset("churn_champion_changed", watchers=[
    AssetWatcher(name="champions", trigger=ModelVersionTrigger(["churn"], poll_seconds=1))
])
with DAG("on_champion", schedule=[changed], catchup=False):
    EmptyOperator(task_id="told")
"""


@dataclass
class World:
    client: RestClient
    database: Database

    def states(self, run: str = "one") -> dict[str, str]:
        return {ti["task_id"]: ti["state"] for ti in self.client.task_instances("waiting", run)}

    def given(self, task: str) -> Any:
        path = f"/dags/waiting/dagRuns/one/taskInstances/{task}/xcomEntries/return_value"
        return self.client.request("GET", path, params={"deserialize": True})["value"]

    def until(self, reached: Any, what: str) -> None:
        self.client.wait_until(lambda: reached() or None, DEADLINE, what)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    import json

    folder = tmp_path_factory.mktemp("sensors")
    (folder / "bundle" / "dags").mkdir(parents=True)
    (folder / "bundle" / "dags" / "waiting.py").write_text(DAG_FILE)
    with EmbeddedPostgres(folder / "postgres") as postgres:
        database = Database(postgres.database("mlops"))
        database.upgrade()
        connection = connection_dict(database.url.render_as_string(hide_password=False), folder.as_uri())
        env = {"AIRFLOW_CONN_MLOPS_STORE_DEFAULT": json.dumps(connection)}
        airflow = postgres.database("airflow")
        stack = AirflowStack(folder / "airflow", folder / "bundle", env, airflow, port=19471)
        with stack:
            client = stack.client()
            client.wait_for_dags(["waiting", "on_champion"], DEADLINE)
            client.unpause("on_champion", watchers=True)
            client.unpause("waiting")
            client.trigger("waiting", "one")
            lived = World(client, database)
            lived.until(lambda: remembered(airflow), "the watcher to know that there is no champion yet")
            lived.until(lambda: set(lived.states().values()) == {"deferred"}, "the sensors to be deferred")
            happen(database)
            lived.until(
                lambda: all(lived.states()[task] == "success" for task in SENSORS), "the sensors to see what has come"
            )
            yield lived


def remembered(airflow: str) -> bool:
    """Check whether the watcher has looked once: what comes after that is news to it."""
    from sqlalchemy import create_engine, text

    with create_engine(airflow).connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM asset_state_store")))


def happen(database: Database) -> None:
    """Ask for a retraining that a run claims at once, promote, and let labels come."""
    episode = episodes.open_episode(database, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert episode is not None
    assert episodes.request(database, episode.id, partition="2026-06-01", cutoff="2026-05-18")
    assert episodes.claim(database, episode.id, actor="churn_training/run")
    ledger.append(
        database,
        model="churn",
        expected_revision=None,
        version=1,
        digest="d",
        gate_report=None,
        approver=None,
        reason="",
        actor="test",
    )
    for rows in (5, 10):
        catalogue.record(database, SnapshotRef("labels", f"l{rows}", "file:///x", rows, "one"))


def test_each_sensor_gives_what_it_has_waited_for(world: World) -> None:
    assert world.given("drift")["id"] == "churn/1/1"  # claimed within a moment, and seen all the same
    assert world.given("champion")["revision"] == 1
    assert world.given("champion_from_trigger") == world.given("champion")
    assert SnapshotRef.from_dict(world.given("labels")).rows == 10


def test_a_sensor_for_what_never_comes_goes_on_waiting(world: World) -> None:
    assert world.states()["never"] == "deferred"


def test_a_new_champion_starts_the_watching_dag_once(world: World) -> None:
    world.until(lambda: len(world.client.runs("on_champion", state="success")) >= 1, "the watching DAG to run")
    (run,) = world.client.runs("on_champion")
    events = world.client.request("GET", f"/dags/on_champion/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")
    (event,) = events["asset_events"]
    assert event["extra"]["payload"]["id"] == "churn/1"


def test_a_sensor_that_a_person_ends_ends_and_the_others_are_not_touched(world: World) -> None:
    world.client.trigger("waiting", "two")
    world.until(
        lambda: "deferred" in world.states("two").values() and world.states("two")["never"] == "deferred", "two"
    )
    world.client.request("PATCH", "/dags/waiting/dagRuns/two/taskInstances/never", json={"new_state": "failed"})
    assert world.states("two")["never"] == "failed"
    assert world.states()["never"] == "deferred"
    catalogue.record(world.database, SnapshotRef("labels", "late", "file:///x", 20, "two"))
    world.until(lambda: world.states("two")["labels"] == "success", "the other sensor of that run")
