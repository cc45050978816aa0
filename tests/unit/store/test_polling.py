"""One look at the store answers everybody, in one query, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue, episodes, ledger, polling
from airflow_mlops.store.database import Database
from airflow_mlops.store.wait_conditions import (
    Champions,
    LabelledRows,
    LatestEpisode,
    LedgerHead,
    NewChampion,
    RetrainingRequests,
    StoreState,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def ask(database: Database, model: str = "churn", partition: str = "2026-06-01") -> int:
    episode = episodes.current(database, model) or episodes.open_episode(
        database, model=model, version=1, change_partition="2026-05-04", report=None
    )
    assert episode is not None
    assert episodes.request(database, episode.id, partition=partition, cutoff="2026-05-18")
    return episode.id


def crown(database: Database, model: str, version: int) -> None:
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


def label(database: Database, rows: int, partition: str = "2026-05-04", dataset: str = "labels") -> None:
    catalogue.record(database, SnapshotRef(dataset, f"{dataset}{rows}", "file:///x", rows, partition))


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in found]


def test_a_request_is_an_answer_until_a_run_has_claimed_it(each_database: Database) -> None:
    question = RetrainingRequests(("churn",))
    assert polling.find_matches(each_database, question) == []
    episodes.open_episode(each_database, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert polling.find_matches(each_database, question) == []
    episode = ask(each_database)
    (found,) = polling.find_matches(each_database, question)
    assert found == {
        "id": "churn/1/1",
        "model": "churn",
        "episode": 1,
        "change_partition": "2026-05-04",
        "cutoff": "2026-05-18",
    }
    assert episodes.claim(each_database, episode, actor="run")
    assert polling.find_matches(each_database, question) == []


def test_a_request_that_was_claimed_at_once_is_still_seen_by_who_knows_the_one_before(each_database: Database) -> None:
    first = ask(each_database)
    assert episodes.claim(each_database, first, actor="run")
    assert episodes.close(each_database, first, actor="run", outcome="promoted")
    before = polling.last_request(each_database, "churn")
    assert before == (1, 1)
    question = RetrainingRequests(("churn",), before)
    assert polling.find_matches(each_database, question) == []
    second = ask(each_database)
    assert episodes.claim(each_database, second, actor="run 2")
    assert ids(polling.find_matches(each_database, question)) == ["churn/2/1"]


def test_a_rollback_that_is_asked_for_is_no_retraining(each_database: Database) -> None:
    episode = episodes.open_episode(
        each_database, model="churn", version=2, change_partition="2026-05-04", report=None, action="roll_back"
    )
    assert episode is not None
    assert episodes.request(each_database, episode.id, partition="2026-06-01", cutoff=None)
    assert polling.find_matches(each_database, RetrainingRequests(None)) == []


def test_the_champion_is_the_newest_entry_of_each_model(each_database: Database) -> None:
    for version in (1, 2, 3):
        crown(each_database, "churn", version)
    crown(each_database, "fraud", 7)
    found = polling.find_matches(each_database, Champions(None))
    assert [(c["model"], c["revision"], c["version"], c["action"]) for c in found] == [
        ("churn", 3, 3, "promote"),
        ("fraud", 1, 7, "promote"),
    ]
    assert ids(polling.find_matches(each_database, Champions(("fraud", "absent")))) == ["fraud/1"]


def test_a_new_champion_is_of_a_later_epoch_another_version_or_a_later_moment(each_database: Database) -> None:
    crown(each_database, "churn", 1)
    crown(each_database, "churn", 2)
    head = ledger.head(each_database, "churn")
    assert head is not None
    second = timedelta(seconds=1)
    expected = {
        NewChampion("churn"): True,
        NewChampion("churn", after_revision=1): True,
        NewChampion("churn", after_revision=2): False,
        NewChampion("churn", other_than=1): True,
        NewChampion("churn", other_than=2): False,
        NewChampion("churn", since=head.recorded_at - second): True,
        NewChampion("churn", since=head.recorded_at): False,
        NewChampion("churn", after_revision=1, other_than=2): False,
        NewChampion("fraud"): False,
    }
    seen = polling.fetch_state(each_database, list(expected))
    assert {question: bool(question.matches(seen)) for question in expected} == expected


def test_labels_are_enough_when_the_current_snapshot_has_the_rows(each_database: Database) -> None:
    label(each_database, 90)
    label(each_database, 500, "2026-05-11")
    label(each_database, 500, dataset="other")
    question = LabelledRows("labels", "2026-05-04", 100)
    assert polling.find_matches(each_database, question) == []
    label(each_database, 120)
    (found,) = polling.find_matches(each_database, question)
    assert SnapshotRef.from_dict(found) == SnapshotRef("labels", "labels120", "file:///x", 120, "2026-05-04")
    label(each_database, 80)  # taken back: what counts is what is there now
    assert polling.find_matches(each_database, question) == []


def test_a_thousand_questions_are_one_query(each_database: Database) -> None:
    ask(each_database)
    crown(each_database, "m7", 1)
    label(each_database, 5, "p7")
    questions = [
        *(RetrainingRequests((f"m{n}",)) for n in range(1000)),
        *(NewChampion(f"m{n}", after_revision=0) for n in range(1000)),
        *(LabelledRows("labels", f"p{n}", 1) for n in range(1000)),
        RetrainingRequests(("churn",)),
    ]
    statements = []
    event.listen(each_database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    seen = polling.fetch_state(each_database, questions)
    assert len([s for s in statements if "SELECT" in s]) == 1
    found = {question: question.matches(seen) for question in questions}
    assert {q for q, answer in found.items() if answer} == {
        NewChampion("m7", after_revision=0),
        LabelledRows("labels", "p7", 1),
        RetrainingRequests(("churn",)),
    }


def test_nothing_asked_is_no_query() -> None:
    assert polling.fetch_state(None, []) == StoreState()  # type: ignore[arg-type]


asked = st.builds(
    LatestEpisode,
    st.just("m"),
    st.integers(1, 4),
    st.integers(0, 4),
    st.sampled_from(["open", "requested", "retraining", "closed"]),
    st.just("retrain"),
    st.just("2026-05-04"),
    st.none(),
)


@given(asked, asked)
def test_whoever_saw_a_request_before_sees_each_later_one_and_never_the_same(
    before: LatestEpisode, now: LatestEpisode
) -> None:
    answer = RetrainingRequests(("m",), before[1:3]).matches(StoreState(episodes={"m": now}))
    later = now[1:3] > before[1:3] and now.attempts > 0
    assert bool(answer) == (later or (now.state == "requested" and now.attempts > 0))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=2), st.integers(0, 3), st.integers(-1, 1))
def test_each_condition_alone_can_say_no(epochs: list[int], version: int, later: int) -> None:
    seen = StoreState(champions={"m": LedgerHead("m", epochs[0], 1, "promote", NOON)})
    since = NOON - timedelta(hours=later)
    alone = [
        NewChampion("m", after_revision=epochs[1]),
        NewChampion("m", other_than=version),
        NewChampion("m", since=since),
    ]
    together = NewChampion("m", epochs[1], version, since)
    assert bool(together.matches(seen)) == all(question.matches(seen) for question in alone)


@pytest.mark.parametrize(
    "question", [RetrainingRequests(None), NewChampion("m"), LabelledRows("d", "p"), Champions(("m",))]
)
def test_an_empty_store_has_no_answer(each_database: Database, question: Any) -> None:
    assert polling.find_matches(each_database, question) == []
