"""The drift trigger: one event for each request, whatever restarts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_mlops.store import episodes, polling
from airflow_mlops.store.database import Database
from airflow_mlops.triggers import trigger_state
from airflow_mlops.triggers.drift import DriftTrigger

DEADLINE = 20


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_state, "SAVE_DELAY_SECONDS", 0.05)


async def events(trigger: DriftTrigger, number: int) -> list[dict[str, Any]]:
    """Take so many events; then let the trigger go on until it has looked again, and fail on one more."""
    stream, found = trigger.run(), []
    for _ in range(number):
        found.append((await asyncio.wait_for(anext(stream), DEADLINE)).payload)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 1.0)
    await trigger.cleanup()
    return found


def test_a_request_is_told_once_however_often_the_store_is_asked(ask: Any) -> None:
    ask()
    (event,) = asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))
    assert event == {
        "id": "churn/1/1",
        "model": "churn",
        "episode": 1,
        "change_partition": "2026-05-04",
        "cutoff": "2026-05-18",
    }


def test_no_request_is_no_event(database: Database) -> None:
    episodes.open_episode(database, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert asyncio.run(events(DriftTrigger(poll_seconds=0.02), 0)) == []


def test_only_the_watched_models_are_told(ask: Any) -> None:
    ask("fraud")
    ask("churn")
    message = asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))
    assert [e["model"] for e in message] == ["churn"]
    assert len(asyncio.run(events(DriftTrigger(None, poll_seconds=0.02), 2))) == 2


def test_a_triggerer_that_restarts_does_not_tell_it_again(ask: Any, asset_state: Any) -> None:
    ask()
    for expected in (1, 0):
        trigger = DriftTrigger(["churn"], poll_seconds=0.02)
        trigger.asset_state_store = asset_state
        assert len(asyncio.run(events(trigger, expected))) == expected


def test_a_triggerer_killed_before_airflow_has_kept_the_event_tells_it_again(
    ask: Any, asset_state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigger_state, "SAVE_DELAY_SECONDS", 60)
    ask()
    for _ in range(2):
        trigger = DriftTrigger(["churn"], poll_seconds=0.02)
        trigger.asset_state_store = asset_state
        assert len(asyncio.run(events(trigger, 1))) == 1


def test_two_watchers_of_one_asset_do_not_forget_each_other_s_events(ask: Any, asset_state: Any) -> None:
    async def life() -> list[int]:
        triggers = [DriftTrigger([model], poll_seconds=0.02) for model in ("churn", "fraud")]
        for trigger in triggers:
            trigger.asset_state_store = asset_state
        return [len(message) for message in await asyncio.gather(*(events(t, expected) for t in triggers))]

    ask("churn")
    ask("fraud")
    for expected in (1, 0):
        assert asyncio.run(life()) == [expected, expected]


def test_a_retraining_asked_again_after_a_failure_is_told_again(database: Database, ask: Any, asset_state: Any) -> None:
    ask()
    first = DriftTrigger(["churn"], poll_seconds=0.02)
    first.asset_state_store = asset_state
    asyncio.run(events(first, 1))
    (episode,) = episodes.of_model(database, "churn")
    assert episodes.claim(database, episode.id, actor="churn_training/run")
    assert episodes.release(database, episode.id, actor="churn_training/run", outcome="failed")
    assert episodes.request(database, episode.id, partition="2026-06-08", cutoff="2026-05-25")
    second = DriftTrigger(["churn"], poll_seconds=0.02)
    second.asset_state_store = asset_state
    assert [e["id"] for e in asyncio.run(events(second, 1))] == ["churn/1/2"]


@pytest.mark.usefixtures("database")
def test_a_store_that_is_away_is_asked_again_from_its_connection_on(
    ask: Any, connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    real, calls = polling.fetch_state, []

    def shaky(*args: Any) -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("the database is away")
        return real(*args)

    monkeypatch.setattr(polling, "fetch_state", shaky)
    assert len(asyncio.run(events(DriftTrigger(["churn"], poll_seconds=0.02), 1))) == 1
    assert len(calls) >= 3
    assert len(connections) == 3


def test_an_asset_state_that_cannot_be_asked_or_written_ends_no_watch(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigger_state, "RETRY_SECONDS", 0.01)

    class Shaky:
        requested = 0

        async def aget(self, key: str) -> Any:
            self.requested += 1
            if self.requested < 3:
                raise ConnectionError("the API server is away")

        async def aset(self, key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

    ask()
    trigger = DriftTrigger(["churn"], poll_seconds=0.02)
    trigger.asset_state_store = Shaky()  # type: ignore[assignment]
    assert len(asyncio.run(events(trigger, 1))) == 1
    assert trigger.asset_state_store.requested == 3  # type: ignore[union-attr]


def test_one_watcher_for_two_assets_still_tells(ask: Any) -> None:
    from airflow.sdk import Asset
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    ask()
    trigger = DriftTrigger(["churn"], poll_seconds=0.02)
    trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset("a"), Asset("b")])
    assert len(asyncio.run(events(trigger, 1))) == 1


def test_the_trigger_can_be_made_again_from_what_it_serialises() -> None:
    trigger = DriftTrigger(["b", "a"], "other_store", 2.5)
    path, arguments = trigger.serialize()
    assert path == "airflow_mlops.triggers.drift.DriftTrigger"
    json.dumps(arguments)
    assert DriftTrigger(**arguments).serialize() == (path, arguments)
