"""The drift trigger: one event for each request, whatever restarts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_mlops.hooks.store import connection_value
from airflow_mlops.store import episodes
from airflow_mlops.store.database import Database
from airflow_mlops.triggers.drift import DriftTrigger

DEADLINE = 20


class AssetState:
    """What Airflow keeps for a watched asset, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def aget(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/watched.db")
    made.upgrade()
    return made


@pytest.fixture(autouse=True)
def connection(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = connection_value(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    found = Connection(
        conn_id="mlops_store_default",
        conn_type=values["conn_type"],
        schema=values["schema"],
        extra=json.dumps(values["extra"]),
    )

    async def aget_connection(conn_id: str) -> Connection:
        assert conn_id == "mlops_store_default"
        return found

    monkeypatch.setattr(BaseHook, "aget_connection", aget_connection)


def ask(database: Database, model: str = "churn") -> None:
    """Open an episode and ask for its retraining."""
    episode = episodes.open_one(database, model=model, version=1, change_partition="2026-05-04", report=None)
    assert episode is not None
    assert episodes.request(database, episode.id, partition="2026-06-01", cutoff="2026-05-18")


async def events(trigger: DriftTrigger, number: int) -> list[dict[str, Any]]:
    """Take so many events; then let the trigger go on until it has looked again, and fail on one more."""
    stream, found = trigger.run(), []
    for _ in range(number):
        found.append((await asyncio.wait_for(anext(stream), DEADLINE)).payload)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 1.0)
    return found


def test_a_request_is_told_once_however_often_the_store_is_asked(database: Database) -> None:
    ask(database)
    (event,) = asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))
    assert event == {
        "id": "churn/1/1",
        "model": "churn",
        "episode": 1,
        "change_partition": "2026-05-04",
        "cutoff": "2026-05-18",
    }


def test_no_request_is_no_event(database: Database) -> None:
    episodes.open_one(database, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert asyncio.run(events(DriftTrigger(poll_seconds=0.02), 0)) == []


def test_only_the_watched_models_are_told(database: Database) -> None:
    ask(database, "fraud")
    ask(database, "churn")
    told = asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))
    assert [e["model"] for e in told] == ["churn"]
    assert len(asyncio.run(events(DriftTrigger(None, poll_seconds=0.02), 2))) == 2


def test_a_triggerer_that_restarts_does_not_tell_it_again(database: Database) -> None:
    ask(database)
    state = AssetState()
    for expected in (1, 0):
        trigger = DriftTrigger(["churn"], poll_seconds=0.02)
        trigger.asset_state_store = state
        assert len(asyncio.run(events(trigger, expected))) == expected


def test_a_retraining_asked_again_after_a_failure_is_told_again(database: Database) -> None:
    ask(database)
    state = AssetState()
    first = DriftTrigger(["churn"], poll_seconds=0.02)
    first.asset_state_store = state
    asyncio.run(events(first, 1))
    (episode,) = episodes.all_of(database, "churn")
    assert episodes.claim(database, episode.id, actor="churn_training/run")
    assert episodes.give_back(database, episode.id, actor="churn_training/run", outcome="failed")
    assert episodes.request(database, episode.id, partition="2026-06-08", cutoff="2026-05-25")
    second = DriftTrigger(["churn"], poll_seconds=0.02)
    second.asset_state_store = state
    assert [e["id"] for e in asyncio.run(events(second, 1))] == ["churn/1/2"]


def test_a_store_that_is_away_is_asked_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(database)
    real, calls = episodes.requested, []

    def shaky(*args: Any) -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("the database is away")
        return real(*args)

    monkeypatch.setattr(episodes, "requested", shaky)
    assert len(asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))) == 1
    assert len(calls) >= 3


def test_polling_does_not_block_the_event_loop(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    threads = []
    monkeypatch.setattr(episodes, "requested", lambda *a: threads.append(threading.current_thread()) or [])
    asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 0))
    assert threads
    assert threading.main_thread() not in threads


def test_the_trigger_can_be_made_again_from_what_it_serialises() -> None:
    trigger = DriftTrigger(["b", "a"], "other_store", 2.5)
    path, arguments = trigger.serialize()
    assert path == "airflow_mlops.triggers.drift.DriftTrigger"
    json.dumps(arguments)
    assert DriftTrigger(**arguments).serialize() == (path, arguments)
