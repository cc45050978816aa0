"""The shared poll: one query for all, nobody blocks the loop, whoever ends leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue, polling
from airflow_mlops.store.database import Database
from airflow_mlops.store.wait_conditions import StoreState
from airflow_mlops.triggers import shared_poll
from airflow_mlops.triggers.drift import DriftTrigger
from airflow_mlops.triggers.store_wait import LabelledRowsTrigger, NewChampionTrigger, RetrainingRequestTrigger

DEADLINE = 20


def labelled(number: int, poll_seconds: float = 0.02) -> LabelledRowsTrigger:
    return LabelledRowsTrigger("labels", f"p{number}", poll_seconds=poll_seconds)


async def first(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def the_watch() -> shared_poll.SharedPoll:
    return shared_poll._polls[asyncio.get_running_loop()]["mlops_store_default"]


async def looked(times: int) -> None:
    """Wait until the store was looked at so many times more."""
    goal = the_watch().poll_count + times
    async with asyncio.timeout(DEADLINE):
        while the_watch().poll_count < goal:
            await asyncio.sleep(0.005)


def test_any_number_of_triggers_share_one_connection_and_one_poll(
    database: Database, connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, at_once, most = polling.fetch_state, [], []

    def counted(*args: Any) -> StoreState:
        at_once.append(1)
        most.append((len(at_once), len(args[1]), threading.current_thread()))
        try:
            return real(*args)
        finally:
            at_once.pop()

    monkeypatch.setattr(polling, "fetch_state", counted)

    async def many() -> set[str]:
        tasks = [asyncio.create_task(first(labelled(n))) for n in range(300)]
        await asyncio.sleep(0)
        await looked(3)
        names = {t.get_name() for t in asyncio.all_tasks() if "mlops-watch" in t.get_name()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return names

    assert asyncio.run(many()) == {"mlops-watch-mlops_store_default"}
    assert connections == ["mlops_store_default"]
    assert {running for running, _, _ in most} == {1}
    assert most[-1][1] == 300
    assert threading.main_thread() not in {thread for *_, thread in most}


@pytest.mark.usefixtures("database")
def test_the_loop_goes_on_while_the_store_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store answers only once the loop has gone round: a call that blocked the loop would wait in vain."""
    beats, went_round, answered = [], threading.Event(), []

    def slow(*_: Any) -> StoreState:
        beats.clear()
        went_round.clear()
        answered.append(went_round.wait(DEADLINE))
        return StoreState()

    monkeypatch.setattr(polling, "fetch_state", slow)

    async def heart() -> None:
        while True:
            await asyncio.sleep(0.001)
            beats.append(1)
            if len(beats) >= 20:
                went_round.set()

    async def live() -> None:
        waiting = [
            labelled(1),
            RetrainingRequestTrigger("churn", poll_seconds=0.01),
            NewChampionTrigger("churn"),
            DriftTrigger(),
        ]
        tasks = [asyncio.create_task(first(trigger)) for trigger in waiting]
        beating = asyncio.create_task(heart())
        async with asyncio.timeout(DEADLINE):
            while len(answered) < 3:
                await asyncio.sleep(0.01)
        for task in (beating, *tasks):
            task.cancel()
        await asyncio.gather(beating, *tasks, return_exceptions=True)

    asyncio.run(live())
    assert answered[:3] == [True, True, True]


def test_only_those_whose_answer_has_come_are_woken(database: Database) -> None:
    async def live() -> tuple[Any, int]:
        tasks = [asyncio.create_task(first(labelled(n))) for n in range(20)]
        await asyncio.sleep(0)
        await looked(1)
        await asyncio.to_thread(catalogue.record, database, SnapshotRef("labels", "x", "file:///x", 3, "p7"))
        event = await asyncio.wait_for(tasks[7], DEADLINE)
        await looked(2)
        waiting = [task for task in tasks if not task.done()]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return event, len(waiting)

    event, waiting = asyncio.run(live())
    assert SnapshotRef.from_dict(event).partition == "p7"
    assert waiting == 19


@pytest.mark.parametrize("ended", ["cancelled", "cleaned up", "told"])
def test_whichever_way_the_last_trigger_ends_the_poll_ends_with_it(database: Database, ended: str) -> None:
    async def live() -> None:
        trigger = labelled(1)
        stream = trigger.run()
        task = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await looked(1)
        poll = the_watch()._task
        assert poll is not None
        if ended == "cancelled":
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif ended == "cleaned up":
            await trigger.cleanup()
            task.cancel()
        else:
            await asyncio.to_thread(catalogue.record, database, SnapshotRef("labels", "x", "file:///x", 3, "p1"))
            await asyncio.wait_for(task, DEADLINE)
        await asyncio.wait([poll], timeout=DEADLINE)
        assert poll.cancelled()
        assert the_watch()._subscriptions == {}
        await trigger.cleanup()

    asyncio.run(live())


def test_the_poll_begins_again_for_whoever_comes_after_the_last_has_left(database: Database) -> None:
    async def live() -> Any:
        for number in (1, 2):
            task = asyncio.create_task(first(labelled(number)))
            await asyncio.sleep(0)
            await looked(1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(catalogue.record, database, SnapshotRef("labels", "x", "file:///x", 3, "p3"))
        return await asyncio.wait_for(first(labelled(3)), DEADLINE)

    assert asyncio.run(live())["partition"] == "p3"


@pytest.mark.usefixtures("database")
def test_an_impatient_one_is_not_made_to_wait_for_the_patient(connections: list[str]) -> None:
    async def live() -> int:
        patient = asyncio.create_task(first(labelled(1, poll_seconds=3600)))
        await asyncio.sleep(0)
        await looked(1)
        impatient = asyncio.create_task(first(labelled(2, poll_seconds=0.01)))
        await looked(3)
        for task in (patient, impatient):
            task.cancel()
        await asyncio.gather(patient, impatient, return_exceptions=True)
        return the_watch().poll_count

    assert asyncio.run(live()) >= 4


def test_a_connection_that_is_not_there_fails_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def absent(conn_id: str) -> Any:
        raise AirflowNotFoundException(f"no connection {conn_id}")

    monkeypatch.setattr(BaseHook, "aget_connection", absent)
    with pytest.raises(AirflowNotFoundException, match="no connection"):
        asyncio.run(asyncio.wait_for(first(labelled(1)), DEADLINE))


@pytest.mark.parametrize(
    "trigger",
    [
        RetrainingRequestTrigger("churn", after=(2, 1), poll_seconds=3),
        NewChampionTrigger("churn", other_than=3, since="2026-05-04T12:00:00", store_conn_id="other"),
        LabelledRowsTrigger("labels", "2026-05-04", 100),
    ],
    ids=lambda t: type(t).__name__,
)
def test_a_trigger_can_be_made_again_from_what_it_serialises(trigger: Any) -> None:
    from airflow.triggers.base import BaseEventTrigger

    path, arguments = trigger.serialize()
    again = type(trigger)(**arguments)
    assert path == f"airflow_mlops.triggers.store_wait.{type(trigger).__name__}"
    assert again.serialize() == (path, arguments)
    assert again.condition() == trigger.condition()
    assert BaseEventTrigger.hash(path, arguments) == BaseEventTrigger.hash(path, again.serialize()[1])
