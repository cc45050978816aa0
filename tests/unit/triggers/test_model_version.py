"""The trigger for new champions: what is there at first is no news, what comes later is told once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database
from airflow_mlops.triggers import trigger_state
from airflow_mlops.triggers.model_version import ModelVersionTrigger

DEADLINE = 20


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_state, "SAVE_DELAY_SECONDS", 0.05)


def crown(database: Database, version: int, model: str = "churn") -> None:
    head = ledger.head(database, model)
    ledger.append(
        database,
        model=model,
        expected_revision=None if head is None else head.revision,
        version=version,
        digest="d",
        gate_report=None,
        approver=None,
        reason="",
        actor="test",
    )


async def life(asset_state: Any, models: list[str] | None = None) -> list[str]:
    """Live until nothing has come for a while, and give what was told."""
    trigger = ModelVersionTrigger(models, poll_seconds=0.02)
    trigger.asset_state_store = asset_state
    stream, message = trigger.run(), []
    try:
        while True:
            message.append((await asyncio.wait_for(anext(stream), 1.0)).payload["id"])
    except TimeoutError:
        await trigger.cleanup()
        return message


def test_the_champion_that_is_there_at_first_is_no_news(database: Database, asset_state: Any) -> None:
    crown(database, 1)
    assert asyncio.run(life(asset_state)) == []


def test_a_promotion_while_no_triggerer_runs_is_told_once_by_the_next(database: Database, asset_state: Any) -> None:
    crown(database, 1)
    assert asyncio.run(life(asset_state)) == []
    crown(database, 2)
    assert asyncio.run(life(asset_state)) == ["churn/2"]
    assert asyncio.run(life(asset_state)) == []


def test_the_first_champion_of_a_model_that_had_none_is_news(database: Database, asset_state: Any) -> None:
    assert asyncio.run(life(asset_state)) == []
    crown(database, 1)
    assert asyncio.run(life(asset_state)) == ["churn/1"]


def test_only_the_watched_models_are_told(database: Database, asset_state: Any) -> None:
    assert asyncio.run(life(asset_state, ["fraud"])) == []
    crown(database, 1, "churn")
    crown(database, 1, "fraud")
    assert asyncio.run(life(asset_state, ["fraud"])) == ["fraud/1"]


def test_a_promotion_is_told_while_it_watches(database: Database) -> None:
    async def promoted_meanwhile() -> str:
        trigger = ModelVersionTrigger(poll_seconds=0.02)
        stream = trigger.run()
        message = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        while trigger._subscription is None or trigger._subscription._matches is None:  # it has looked once
            await asyncio.sleep(0.01)
        await asyncio.to_thread(crown, database, 1)
        event = await asyncio.wait_for(message, DEADLINE)
        await trigger.cleanup()
        return str(event.payload["id"])

    assert asyncio.run(promoted_meanwhile()) == "churn/1"
