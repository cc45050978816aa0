"""An episode that asks for a rollback: done once, by one, and not where somebody else has changed the champion."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.common.errors import Refused
from airflow_mlops.core.retraining import rollback
from airflow_mlops.core.retraining.episodes import EpisodePolicy
from airflow_mlops.core.retraining.plan import plan_training
from airflow_mlops.core.retraining.rollback import execute_requested_rollback
from airflow_mlops.store import episodes, ledger

POLICY = EpisodePolicy.load({"signals": {"drift": "roll_back"}, "min_labelled_rows": 10**9})


@pytest.fixture
def done(watched: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who has rolled back. Version 2 took over from version 1 and is in trouble from its first week on."""
    actors: list[str] = []

    def fake_rollback(client: Any, database: Any, *, model: str, reason: str, actor: str, **_: Any) -> Any:
        before = ledger.find_action(database, model, "rollback", actor)
        if before is not None:
            return before
        head = ledger.head(database, model)
        assert head is not None
        actors.append(actor)
        return ledger.append(
            database, model=model, expected_revision=head.revision, version=1, digest="0", gate_report=None,
            approver=None,
            reason=reason, actor=actor, action="rollback",
        )  # fmt: skip

    monkeypatch.setattr(rollback, "rollback", fake_rollback)
    watched.champion(1)
    watched.champion(2)
    watched.window(3, "fail", version=2)
    assert watched.advance(3, POLICY).facts["action"] == "roll_back"
    return actors


def asked(watched: Any, actor: str = "a") -> Any:
    return execute_requested_rollback(None, watched.database, model="m", actor=actor)  # type: ignore[arg-type]


def test_of_many_runs_one_rolls_back_and_its_retry_gives_the_same_entry(watched: Any, done: list[str]) -> None:
    entry = asked(watched)
    assert (entry.version, entry.reason) == (1, f"episode 1: alarms since {watched.week(3)}, soon after the promotion")
    assert [asked(watched, actor) for actor in ("b", "c")] == [None, None]
    assert done == ["a"]
    (episode,) = episodes.of_model(watched.database, "m")
    assert (episode.state, episode.outcome) == ("closed", "rolled_back")


def test_a_kill_between_ledger_and_episode_is_mended_by_the_retry(
    watched: Any, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(episodes, "close", killed)
        with pytest.raises(Killed):
            asked(watched)
    assert asked(watched).version == 1
    assert done == ["a"]
    assert episodes.current(watched.database, "m") is None


def test_a_champion_that_was_replaced_meanwhile_is_left_alone(watched: Any, done: list[str]) -> None:
    watched.champion(3)
    assert asked(watched) is None
    (episode,) = episodes.of_model(watched.database, "m")
    assert (episode.outcome, done) == ("superseded", [])


def test_what_cannot_be_rolled_back_gives_the_episode_back_and_asks_only_so_often(
    watched: Any, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise Refused("there is nothing to go back to")

    monkeypatch.setattr(rollback, "rollback", refused)
    for number in (3, 4, 5):
        watched.window(number, "fail", version=2)
        watched.advance(number, POLICY)
        with pytest.raises(Refused):
            asked(watched)
    assert "manual action required" in watched.advance(5, POLICY).checks[0].message


def test_a_training_run_does_not_take_it_for_a_retraining(watched: Any, done: list[str]) -> None:
    assert episodes.pending_requests(watched.database) == []
    from datetime import timedelta

    how: dict[str, Any] = {"labels": "l", "window": 4, "label_delay": timedelta(weeks=2)}
    assert plan_training(watched.database, model="m", cause="drift", actor="run", **how) is None
