"""One drift is one episode is one retraining, however often and by however many it is seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.core.retraining.episodes import EpisodePolicy, finish
from airflow_mlops.store import episodes


def all_of(watched: Any) -> list[Any]:
    return episodes.of_model(watched.database, "m")


@pytest.fixture
def drifted(watched: Any) -> Any:
    """Quiet weeks 0 to 3, drift in week 4: an open episode that waits for its labels."""
    watched.champion()
    for number in range(4):
        assert watched.live(number, "pass") == "none"
    assert watched.live(4, "fail") == "open"
    return watched


@pytest.fixture
def requested(drifted: Any) -> Any:
    """Enough labels since the change have come at week 7."""
    assert [drifted.live(n, "fail") for n in (5, 6, 7)] == ["open", "open", "requested"]
    return drifted


def taken(watched: Any, outcome: Any, actor: str = "run") -> None:
    (episode,) = episodes.pending_requests(watched.database)
    assert episodes.claim(watched.database, episode.id, actor=actor)
    assert finish(watched.database, episode.id, actor=actor, outcome=outcome)


def test_a_model_without_a_champion_is_not_watched(watched: Any) -> None:
    assert watched.live(0, "fail") == "none"
    assert all_of(watched) == []


def test_drift_opens_and_enough_labels_since_the_change_ask_once(requested: Any) -> None:
    (episode,) = all_of(requested)
    assert episode.change_partition == requested.week(4)
    assert episode.cutoff == requested.week(5)  # labels come two weeks late
    assert episode.requested_partition == requested.week(7)
    assert (episode.version, episode.attempts) == (1, 1)


def test_a_storm_of_the_same_window_is_one_episode_and_one_request(requested: Any) -> None:
    for _ in range(100):
        requested.window(7, "fail")
        requested.advance(7)
    (episode,) = all_of(requested)
    assert (episode.state, episode.attempts) == ("requested", 1)
    assert len(episodes.pending_requests(requested.database)) == 1


def test_many_at_once_open_one_episode_and_ask_once(watched: Any) -> None:
    watched.champion()
    for number in range(4):
        watched.labels(number)
    watched.window(2, "fail")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: watched.advance(5), range(24)))
    (episode,) = all_of(watched)
    assert (episode.state, episode.attempts) == ("requested", 1)


def test_a_window_that_recovers_leaves_the_open_episode_alone(drifted: Any) -> None:
    assert drifted.live(5, "pass") == "open"
    assert len(all_of(drifted)) == 1


@pytest.mark.parametrize(
    ("verdicts", "opens"),
    [
        (["fail", "fail"], False),
        (["fail", "fail", "fail"], True),
        (["fail", "fail", "pass", "fail"], False),
        (["fail", "inconclusive", "fail", "fail"], True),  # not judged neither counts nor interrupts
        (["fail", "fail", "inconclusive"], False),
        (["inconclusive"] * 5, False),
        (["fail", "fail", "warn", "fail"], False),
        (["fail", "fail", "fail", "pass"], False),
    ],
)
def test_only_so_many_failing_windows_in_a_row_open_an_episode(watched: Any, verdicts: list[str], opens: bool) -> None:
    watched.policy = EpisodePolicy(consecutive=3)
    watched.champion()
    for number, verdict in enumerate(verdicts):
        watched.window(number, verdict)
    watched.advance(len(verdicts) - 1)
    assert [e.change_partition for e in all_of(watched)] == ([watched.week(0)] if opens else [])


def test_windows_after_the_judged_partition_do_not_count_yet(watched: Any) -> None:
    watched.champion()
    watched.window(5, "fail")
    watched.advance(4)
    assert all_of(watched) == []


def test_only_windows_of_the_champion_of_now_count(watched: Any) -> None:
    watched.champion(1)
    watched.champion(2)
    watched.window(3, "fail", version=1)
    assert watched.advance(3).facts["state"] == "none"
    watched.window(3, "fail", version=2)
    assert watched.advance(3).facts["state"] == "open"
    assert all_of(watched)[0].version == 2


def test_labels_from_before_the_change_or_after_what_may_be_known_do_not_count(drifted: Any) -> None:
    for number in (0, 1, 2, 3):
        drifted.labels(number, 10_000)  # before the change
    for number in (6, 7, 8):
        drifted.labels(number, 10_000)  # not known yet at week 6 or 7, though the catalogue has them
    assert drifted.advance(6).facts["state"] == "open"
    drifted.labels(4, 999)
    assert drifted.advance(7).facts["state"] == "open"
    drifted.labels(4, 1000)
    assert drifted.advance(7).facts["state"] == "requested"
    assert all_of(drifted)[0].cutoff == drifted.week(4)


def test_after_a_rejected_retraining_the_cool_down_passes_before_drift_opens_another(requested: Any) -> None:
    taken(requested, "rejected")
    assert [requested.live(n, "fail") for n in (8, 9)] == ["none", "none"]
    assert len(all_of(requested)) == 1
    assert requested.live(10, "fail") == "requested"  # the labels are there already
    second = all_of(requested)[1]
    assert (second.number, second.change_partition) == (2, requested.week(4))


def test_judging_the_same_window_again_does_not_shorten_the_cool_down(requested: Any) -> None:
    taken(requested, "rejected")
    for _ in range(10):
        assert requested.live(8, "fail") == "none"
    for number in range(8):
        requested.advance(number)
    assert len(all_of(requested)) == 1


def test_without_a_cool_down_the_next_window_may_open_but_not_the_same_one(requested: Any) -> None:
    requested.policy = EpisodePolicy(min_labelled_rows=1000, cool_down=0)
    taken(requested, "rejected")
    assert requested.advance(7).facts["state"] == "none"
    assert requested.live(8, "fail") == "requested"


def test_after_a_promotion_the_new_champion_starts_afresh(requested: Any) -> None:
    taken(requested, "promoted")
    requested.champion(2)
    assert [requested.live(n, "pass", 2) for n in (8, 9, 10)] == ["none"] * 3
    assert requested.live(11, "fail", 2) == "open"
    assert all_of(requested)[1].change_partition == requested.week(11)


def test_a_failed_retraining_gives_the_episode_back_and_is_asked_again_only_so_often(requested: Any) -> None:
    requested.policy = EpisodePolicy(min_labelled_rows=1000, max_attempts=3)
    taken(requested, "failed", "run 1")
    assert all_of(requested)[0].state == "open"
    for attempt in (2, 3):
        assert requested.advance(7).facts["state"] == "requested"
        taken(requested, "failed", f"run {attempt}")
    for number in (7, 8, 9):
        report = requested.advance(number)
        assert report.facts["state"] == "open"
        assert "manual action required" in report.checks[0].message
    (episode,) = all_of(requested)
    assert episode.attempts == 3
    assert episodes.pending_requests(requested.database) == []


def test_a_run_that_does_not_hold_the_episode_cannot_finish_it(requested: Any) -> None:
    (episode,) = episodes.pending_requests(requested.database)
    assert not finish(requested.database, episode.id, actor="run", outcome="promoted")  # claimed by nobody
    assert episodes.claim(requested.database, episode.id, actor="run")
    for outcome in ("promoted", "rejected", "failed"):
        assert not finish(requested.database, episode.id, actor="another", outcome=outcome)
    assert finish(requested.database, episode.id, actor="run", outcome="promoted")
    assert not finish(requested.database, episode.id, actor="run", outcome="failed")  # a retry changes nothing
    assert all_of(requested)[0].outcome == "promoted"


def test_the_report_says_what_was_done_and_never_fails(requested: Any) -> None:
    report = requested.advance(7)
    assert (report.kind, report.subject, report.verdict) == ("episode", f"m {requested.week(7)}", "pass")
    told = {"state": "requested", "episode": 1, "change_partition": requested.week(4), "action": "retrain"}
    assert report.facts == {**told, "broken": [], "missing": []}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["pass", "fail", "inconclusive"]),
            st.sampled_from(["", "promoted", "rejected", "failed"]),
        ),
        max_size=20,
    )
)
def test_in_whatever_order_windows_and_outcomes_come_there_is_at_most_one_open_episode(
    tmp_path_factory: Any, watched: Any, events: Any
) -> None:
    from airflow_mlops.store.database import Database

    watched = type(watched)(Database(f"sqlite:///{tmp_path_factory.mktemp('e')}/s.db"))
    watched.database.upgrade()
    watched.champion()
    for number, verdict, outcome in events:
        watched.live(number, verdict)
        waiting = episodes.pending_requests(watched.database)
        assert len(waiting) <= 1
        if waiting and outcome:
            taken(watched, outcome)
        found = all_of(watched)
        assert sum(e.closed_at is None for e in found) <= 1
        assert [e.number for e in found] == list(range(1, len(found) + 1))
        assert all(e.attempts <= watched.policy.max_attempts for e in found)
        assert all(e.cutoff is None or e.change_partition <= e.cutoff < e.requested_partition for e in found)


def test_a_run_that_is_lost_gives_the_episode_back_when_its_lease_is_over(requested: Any) -> None:
    (episode,) = episodes.pending_requests(requested.database)
    assert episodes.claim(requested.database, episode.id, actor="lost")
    lease = requested.policy.lease
    assert [requested.live(7 + n, "fail") for n in range(1, lease)] == ["retraining"] * (lease - 1)
    assert requested.live(7 + lease, "fail") == "requested"
    (episode,) = all_of(requested)
    assert episode.attempts == 2
    assert episode.outcome == "lost: lost"
    # The lost run comes back to life: it does not hold the episode any more, so it can end nothing.
    assert not finish(requested.database, episode.id, actor="lost", outcome="promoted")


def test_an_episode_of_a_champion_that_was_replaced_by_hand_asks_for_nothing_more(drifted: Any) -> None:
    drifted.champion(2)
    for number in (5, 6, 7, 8):
        assert drifted.live(number, "pass", version=2) == "none"
    (episode,) = all_of(drifted)
    assert (episode.state, episode.outcome) == ("closed", "superseded")
    assert episodes.pending_requests(drifted.database) == []


def test_an_episode_whose_attempts_are_used_up_warns_that_a_person_has_to_look(requested: Any) -> None:
    last = EpisodePolicy(min_labelled_rows=1000, max_attempts=1)
    taken(requested, "failed")
    report = requested.advance(7, last)
    assert report.verdict == "warn"
    assert "manual action required" in report.checks[0].message
