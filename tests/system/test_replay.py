"""The replay's own judgement: what it calls lost, doubled and too many, without an Airflow."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.retraining.plan import plan_training
from airflow_mlops.store import catalogue, episodes
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version
from tests.replay import guards, metrics, records
from tests.replay.kills import Killer, plan_kills
from tests.replay.metrics import ScenarioMetrics
from tests.replay.records import RetrainingRequest
from tests.replay.scenarios import BROKEN, BURST, FLAPPING, HISTORY, SCENARIOS, STEP, week, week_number

GOOD = RetrainingRequest(1, "closed", "promoted", (week(7),), ("run",))


@pytest.fixture
def store(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/replayed.db")
    made.upgrade()
    return made


def asks(database: Database, actor: str) -> int:
    episode = episodes.open_episode(database, model="step", version=1, change_partition=week(3), report=None)
    assert episode is not None
    assert episodes.request(database, episode.id, partition=week(7), cutoff=week(5))
    assert episodes.claim(database, episode.id, actor=actor)
    return episode.id


def made(database: Database, version: int, run: str) -> None:
    about = {"digest": "d", "run_id": "r", "artifact_uri": "u", "candidate": "c", "data": {}, "baseline": {}}
    actor = f"step_retraining/{run}/register/-1"
    now = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
    with database.session() as session:
        session.add(Version(model="step", version=version, actor=actor, recorded_at=now, **about))


def test_an_episode_that_was_asked_for_and_never_had_is_lost(store: Database) -> None:
    id_ = asks(store, "step_retraining/one")
    (found,) = records.retraining_requests(store, "step", {"one": {"episode": id_}})
    assert (found.lost, found.duplicated, found.runs) == (True, False, ())


def test_an_episode_that_two_runs_made_a_model_for_is_doubled(store: Database) -> None:
    id_ = asks(store, "step_retraining/one")
    for version, run in ((1, "train_first_champion"), (2, "one"), (3, "two")):
        made(store, version, run)
    plans = {"train_first_champion": {"episode": None}, "one": {"episode": id_}, "two": {"episode": id_}}
    (found,) = records.retraining_requests(store, "step", plans)
    assert (found.duplicated, found.runs) == (True, ("one", "two"))


@pytest.mark.parametrize(("without", "doubled"), [("", False), ("claim", True)])
def test_two_runs_that_events_have_started_double_an_episode_only_without_the_claim(
    store: Database, monkeypatch: pytest.MonkeyPatch, without: str, doubled: bool
) -> None:
    monkeypatch.setattr(episodes, "claim", episodes.claim)  # put back afterwards
    guards.remove_guard(without)
    catalogue.record(store, SnapshotRef("labels", "l", "file:///x", 1800, week(3)))
    episode = episodes.open_episode(store, model="step", version=1, change_partition=week(3), report=None)
    assert episode is not None
    assert episodes.request(store, episode.id, partition=week(7), cutoff=week(5))
    plans: dict[str, dict[str, Any]] = {}
    for version, run in enumerate(("one", "two")):
        how: dict[str, Any] = {"model": "step", "labels": "labels", "cause": "drift", "window": 12}
        planned_ = plan_training(store, **how, actor=f"step_retraining/{run}", label_delay=timedelta(weeks=2))
        if planned_ is not None:
            plans[run] = planned_.to_dict()
            made(store, version + 1, run)
    (found,) = records.retraining_requests(store, "step", plans)
    assert found.duplicated is doubled


def test_one_run_that_made_two_models_is_doubled_too(store: Database) -> None:
    id_ = asks(store, "step_retraining/one")
    for version in (1, 2):
        made(store, version, "one")
    assert episodes.close(store, id_, actor="step_retraining/one", outcome="promoted")
    (found,) = records.retraining_requests(store, "step", {"one": {"episode": id_}})
    assert (found.duplicated, found.lost) == (True, False)


def test_a_good_replay_has_nothing_wrong() -> None:
    assert metrics.find_violations(STEP, 40, ScenarioMetrics(1, (GOOD,), Counter(success=1), 0)) == []


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (ScenarioMetrics(0, (), Counter(), 0), "0 retrainings, and there have to be exactly 1"),
        (ScenarioMetrics(2, (GOOD, GOOD), Counter(success=2), 0), "within a cool-down"),
        (ScenarioMetrics(1, (RetrainingRequest(1, "requested", None, (week(7),), ()),), Counter(), 0), "is lost"),
        (
            ScenarioMetrics(
                1, (RetrainingRequest(1, "closed", "promoted", (week(7),), ("a", "b")),), Counter(success=2), 0
            ),
            "2 times",
        ),
        (ScenarioMetrics(0, (GOOD,), Counter(success=1), 0), "0 events of at least 1"),
        (ScenarioMetrics(1, (GOOD,), Counter(success=1, failed=1), 0), "are failed"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_said(counted: ScenarioMetrics, said: str) -> None:
    assert any(said in one for one in metrics.find_violations(STEP, 40, counted))


def test_a_broken_column_without_its_alarms_is_wrong() -> None:
    weeks = sum(BROKEN.broken(number) for number in range(40))
    assert metrics.find_violations(BROKEN, 40, ScenarioMetrics(0, (), Counter(), weeks)) == []
    assert metrics.find_violations(BROKEN, 40, ScenarioMetrics(0, (), Counter(), weeks - 1)) != []


def test_a_storm_needs_its_thousand_events() -> None:
    assert metrics.find_violations(BURST, 40, ScenarioMetrics(1000, (GOOD,), Counter(success=2), 0)) == []
    assert "999 events" in metrics.find_violations(BURST, 40, ScenarioMetrics(999, (GOOD,), Counter(success=2), 0))[0]


def test_flapping_may_retrain_once_a_cool_down_and_no_more() -> None:
    assert FLAPPING.expected(40) == "1 to 7"


@pytest.mark.parametrize("seed", range(5))
def test_the_kills_of_a_seed_are_always_the_same_and_as_many_as_asked_for(seed: int) -> None:
    plan = plan_kills(seed, 20, 5)
    assert plan == plan_kills(seed, 20, 5)
    assert plan != plan_kills(seed + 1, 20, 5)
    assert Counter(kill.component for kill in plan) == {"triggerer": 20, "scheduler": 5}
    assert Counter(kill.aimed for kill in plan) == {True: 13, False: 12}


def test_all_kills_are_carried_out_and_none_before_the_last_has_healed() -> None:
    sick: set[str] = set()
    killed: list[str] = []

    def kill(component: str, family: bool) -> None:
        assert component not in sick
        sick.add(component)
        killed.append(component)

    plan = [one.__class__(one.component, one.at, one.aimed, 0.0, one.family) for one in plan_kills(1, 20, 5)]
    killer = Killer(plan, kill, lambda component, since: component not in sick, lambda said: None)
    week_number = 0
    for look in range(1000):
        week_number += 0 if killer.must_wait() else 1
        killer.kill_due(min(1.0, week_number / 240), week_number // 30)
        if look % 3 == 0:
            sick.clear()
    assert Counter(killed) == killer.kill_counts == {"triggerer": 20, "scheduler": 5}
    assert week_number >= 240


@pytest.mark.parametrize("world", SCENARIOS.values(), ids=lambda world: world.name)
def test_the_rows_of_a_week_are_always_the_same_and_no_other_weeks(world: object) -> None:
    first, again, later = (SCENARIOS[world.name].frame(week(n)) for n in (5, 5, 6))  # type: ignore[attr-defined]
    assert first.equals(again)
    assert not set(first["row"]) & set(later["row"])
    assert week_number(week(HISTORY.start)) == HISTORY.start
