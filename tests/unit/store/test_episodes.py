"""Each step of an episode is taken by one, and only from the step before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_mlops.store import episodes
from airflow_mlops.store.database import Database


def opened(database: Database, model: str = "m") -> Any:
    return episodes.open_episode(database, model=model, version=1, change_partition="2026-04-06", report=None)


def requested(database: Database, model: str = "m") -> Any:
    episode = opened(database, model)
    assert episodes.request(database, episode.id, partition="2026-04-20", cutoff="2026-04-13")
    return episode


def state(database: Database) -> str:
    return episodes.of_model(database, "m")[-1].state


def test_a_model_has_one_open_episode_and_numbers_go_on(each_database: Database) -> None:
    first = requested(each_database)
    assert opened(each_database) is None
    assert opened(each_database, "other").number == 1
    assert episodes.claim(each_database, first.id, actor="a")
    assert opened(each_database) is None
    assert episodes.close(each_database, first.id, actor="a", outcome="promoted")
    assert episodes.current(each_database, "m") is None
    assert opened(each_database).number == 2
    assert [e.closed_at is None for e in episodes.of_model(each_database, "m")] == [False, True]


def test_of_many_at_once_one_opens(each_database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: opened(each_database), range(16)))
    assert sum(e is not None for e in found) == 1
    assert len(episodes.of_model(each_database, "m")) == 1


def test_of_many_at_once_one_requests_and_one_claims(each_database: Database) -> None:
    episode = opened(each_database)
    with ThreadPoolExecutor(8) as pool:
        asked = list(
            pool.map(lambda _: episodes.request(each_database, episode.id, partition="p", cutoff="c"), range(16))
        )
        claimed = list(pool.map(lambda i: episodes.claim(each_database, episode.id, actor=f"run {i}"), range(16)))
    assert asked.count(True) == claimed.count(True) == 1
    assert episodes.of_model(each_database, "m")[0].attempts == 1


def test_a_claim_is_kept_for_the_same_run_and_for_no_other(each_database: Database) -> None:
    episode = requested(each_database)
    assert [episodes.claim(each_database, episode.id, actor=a) for a in ("a", "a", "b", "a")] == [
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("before", "possible"),
    [
        ("open", {"request", "recover"}),
        ("requested", {"claim"}),
        ("retraining", {"claim", "close", "release"}),
        ("closed", set()),
    ],
)
@pytest.mark.parametrize("step", ["request", "claim", "close", "release", "recover"])
def test_a_step_is_taken_only_from_the_step_before(
    database: Database, before: str, possible: set[str], step: str
) -> None:
    episode = opened(database)
    steps: dict[str, Any] = {
        "request": lambda: episodes.request(database, episode.id, partition="p", cutoff="c"),
        "claim": lambda: episodes.claim(database, episode.id, actor="a"),
        "close": lambda: episodes.close(database, episode.id, actor="a", outcome="rejected"),
        "release": lambda: episodes.release(database, episode.id, actor="a", outcome="failed"),
        "recover": lambda: episodes.mark_recovered(database, episode.id, partition="p"),
    }
    for way in {"open": [], "requested": ["request"], "retraining": ["request", "claim"]}.get(
        before, ["request", "claim", "close"]
    ):
        assert steps[way]()
    assert state(database) == before
    assert steps[step]() is (step in possible)


def test_given_back_it_is_open_counts_its_attempts_and_can_be_claimed_by_another(each_database: Database) -> None:
    episode = requested(each_database)
    assert episodes.claim(each_database, episode.id, actor="a")
    assert not episodes.release(each_database, episode.id, actor="b", outcome="failed")
    assert episodes.release(each_database, episode.id, actor="a", outcome="failed")
    assert episodes.request(each_database, episode.id, partition="p2", cutoff="c2")
    assert not episodes.close(each_database, episode.id, actor="a", outcome="promoted")
    assert episodes.claim(each_database, episode.id, actor="b")
    (found,) = episodes.of_model(each_database, "m")
    assert (found.attempts, found.requested_partition, found.cutoff) == (2, "p2", "c2")


def test_what_waits_is_told_for_some_models_or_for_all(each_database: Database) -> None:
    first, second = requested(each_database, "m"), requested(each_database, "n")
    opened(each_database, "o")
    assert [e.id for e in episodes.pending_requests(each_database)] == [first.id, second.id]
    assert [e.model for e in episodes.pending_requests(each_database, ["n", "o"])] == ["n"]
    assert episodes.pending_requests(each_database, []) == []


def test_all_that_an_episode_has_asked_for_is_remembered(each_database: Database) -> None:
    episode = requested(each_database)
    assert episodes.claim(each_database, episode.id, actor="a")
    assert episodes.release(each_database, episode.id, actor="a", outcome="failed")
    assert episodes.request(each_database, episode.id, partition="2026-05-04", cutoff="c", first_partition="f")
    (found,) = episodes.of_model(each_database, "m")
    assert episodes.request_history(found) == ["2026-04-20", "2026-05-04"]
    assert found.first_partition == "f"
    found.request_history = None  # one from before there was a list
    assert episodes.request_history(found) == ["2026-05-04"]


def test_what_asks_for_a_rollback_is_not_among_the_retrainings(each_database: Database) -> None:
    how: dict[str, Any] = {"version": 2, "change_partition": "2026-04-06", "report": None}
    episode = episodes.open_episode(each_database, model="m", action="roll_back", **how)
    assert episode is not None
    assert episodes.request(each_database, episode.id, partition="p", cutoff=None)
    assert episodes.pending_requests(each_database) == []
    assert [e.model for e in episodes.pending_requests(each_database, action="roll_back")] == ["m"]
