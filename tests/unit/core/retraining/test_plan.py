"""What a training run trains on, for each door through which it comes, and why it runs at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.episodes import finish
from airflow_mlops.core.retraining.plan import TrainingPlan, effective_time, plan_training
from airflow_mlops.store import episodes

DELAY = timedelta(weeks=2)


def planned(
    watched: Any, cause: Any = "manual", actor: str = "run", window: int = 4, **how: Any
) -> TrainingPlan | None:
    return plan_training(
        watched.database, model="m", labels="l", cause=cause, actor=actor, window=window, label_delay=DELAY, **how
    )


@pytest.fixture
def labelled(watched: Any) -> Any:
    """Labels of weeks 0 to 9."""
    for number in range(10):
        watched.labels(number)
    return watched


@pytest.fixture
def asked(labelled: Any) -> Any:
    """A requested episode: change in week 6, asked at week 10 with labels up to week 8."""
    episode = episodes.open_episode(
        labelled.database, model="m", version=1, change_partition=labelled.week(6), report=None
    )
    assert episode is not None
    assert episodes.request(labelled.database, episode.id, partition=labelled.week(10), cutoff=labelled.week(8))
    labelled.episode = episode.id
    return labelled


@pytest.mark.parametrize("cause", ["manual", "schedule", "backfill"])
def test_the_newest_labelled_partitions_are_trained_on(labelled: Any, cause: Any) -> None:
    assert planned(labelled, cause) == TrainingPlan(
        cause, labelled.week(6), labelled.week(9), f"{labelled.week(11)}T00:00:01.000000+00:00"
    )


def test_a_window_that_is_wider_than_what_there_is_takes_all(labelled: Any) -> None:
    found = planned(labelled, window=50)
    assert found is not None
    assert (found.first, found.cutoff) == (labelled.week(0), labelled.week(9))


@pytest.mark.parametrize("cause", ["schedule", "backfill"])
def test_a_run_of_a_data_interval_sees_only_the_labels_that_were_known_at_its_end(labelled: Any, cause: Any) -> None:
    found = planned(labelled, cause, as_of=labelled.week(7))
    assert found is not None
    assert (found.first, found.cutoff) == (labelled.week(2), labelled.week(5))  # two weeks late
    assert found.effective_at == f"{labelled.week(7)}T00:00:01.000000+00:00"
    assert planned(labelled, cause, as_of=labelled.week(1)) is None


def test_a_cut_off_asked_for_by_hand_is_kept_exactly(labelled: Any) -> None:
    found = planned(labelled, cutoff=labelled.week(5))
    assert found is not None
    assert (found.first, found.cutoff) == (labelled.week(2), labelled.week(5))
    assert found.effective_at == effective_time(labelled.week(7))


@pytest.mark.parametrize("cutoff", ["2026-01-06", "2030-01-07", "2000-01-03", "latest", "x"])
def test_a_cut_off_without_labels_is_refused_with_what_is_labelled(labelled: Any, cutoff: str) -> None:
    with pytest.raises(BadInput, match=f"partition {cutoff} of 'l' has no labels") as told:
        planned(labelled, cutoff=cutoff)
    assert told.value.where == f"labelled: {labelled.week(0)} to {labelled.week(9)}"


def test_without_any_labels_there_is_nothing_to_do(watched: Any) -> None:
    assert planned(watched, "schedule") is None
    with pytest.raises(BadInput, match="has no labels") as told:
        planned(watched, cutoff="2026-01-05")
    assert told.value.where == "no partition has labels"


# Episodes.


@pytest.mark.parametrize("cause", ["drift", "schedule", "manual"])
def test_whatever_wakes_it_up_a_run_takes_the_requested_episode(asked: Any, cause: Any) -> None:
    assert planned(asked, cause) == TrainingPlan(
        "drift", asked.week(6), asked.week(8), effective_time(asked.week(10)), asked.episode
    )
    assert episodes.current(asked.database, "m").claimed_by == "run"  # type: ignore[union-attr]


def test_the_window_bounds_what_an_episode_trains_on(asked: Any) -> None:
    """The change was in week 6 and labels go to week 8: a narrower window takes the newest of them."""
    found = planned(asked, "drift", window=2)
    assert found is not None
    assert (found.first, found.cutoff) == (asked.week(7), asked.week(8))


def test_an_episode_that_says_where_its_data_begin_is_followed(labelled: Any) -> None:
    episode = episodes.open_episode(
        labelled.database, model="m", version=1, change_partition=labelled.week(6), report=None
    )
    assert episode is not None
    request = {"partition": labelled.week(10), "cutoff": labelled.week(8), "first_partition": labelled.week(3)}
    assert episodes.request(labelled.database, episode.id, **request)
    found = planned(labelled, "drift", window=12, start_from="champion")
    assert found is not None
    assert (found.first, found.cutoff, found.start_from) == (labelled.week(3), labelled.week(8), "champion")


def test_partitions_within_a_day_are_told_apart(watched: Any) -> None:
    from airflow_mlops.common.refs import SnapshotRef
    from airflow_mlops.store import catalogue

    for hour in (0, 6, 12, 18):
        catalogue.record(watched.database, SnapshotRef("l", f"h{hour}", "u", 5, f"2026-04-06T{hour:02}"))
    found = plan_training(
        watched.database, model="m", labels="l", cause="schedule", actor="run", window=2,
        label_delay=timedelta(hours=3), as_of="2026-04-06T16:00:00+00:00",
    )  # fmt: skip
    assert found is not None
    assert (found.first, found.cutoff) == ("2026-04-06T06", "2026-04-06T12")
    assert found.effective_at == "2026-04-06T16:00:01.000000+00:00"


def test_a_backfill_never_takes_an_episode(asked: Any) -> None:
    for number in range(3):
        found = planned(asked, "backfill", actor=f"backfill {number}")
        assert found is not None
        assert (found.cause, found.episode) == ("backfill", None)
    assert episodes.current(asked.database, "m").state == "requested"  # type: ignore[union-attr]


def test_a_cut_off_asked_for_by_hand_takes_no_episode(asked: Any) -> None:
    found = planned(asked, cutoff=asked.week(5))
    assert found is not None
    assert found.episode is None
    assert episodes.current(asked.database, "m").state == "requested"  # type: ignore[union-attr]


def test_of_two_runs_one_has_the_episode_and_an_event_too_many_starts_nothing(asked: Any) -> None:
    assert planned(asked, "drift", actor="first") is not None
    assert [planned(asked, "drift", actor=f"event {n}") for n in range(20)] == [None] * 20


def test_a_retry_of_the_run_that_has_it_still_has_it(asked: Any) -> None:
    assert planned(asked, "drift", actor="first") == planned(asked, "drift", actor="first")


def test_a_drift_event_without_a_request_starts_nothing(labelled: Any) -> None:
    assert planned(labelled, "drift") is None


def test_an_episode_of_another_model_is_left_alone(asked: Any) -> None:
    found = plan_training(
        asked.database, model="other", labels="l", cause="drift", actor="run", window=4, label_delay=DELAY
    )
    assert found is None


@pytest.mark.parametrize(("outcome", "first"), [("promoted", 6), ("rejected", 0)], ids=["followed", "not followed"])
def test_the_window_does_not_reach_back_before_a_change_that_was_followed(asked: Any, outcome: Any, first: int) -> None:
    planned(asked, "drift")
    assert finish(asked.database, asked.episode, actor="run", outcome=outcome)
    found = planned(asked, "schedule", window=50)
    assert found is not None
    assert found.first == asked.week(first)
    earlier = planned(asked, "backfill", window=50, as_of=asked.week(5))  # before the change it was all one world
    assert earlier is not None
    assert (earlier.first, earlier.cutoff) == (asked.week(0), asked.week(3))


def test_the_champion_of_a_partition_itself_is_still_the_old_one() -> None:
    assert effective_time("2026-04-06") == "2026-04-06T00:00:01.000000+00:00"


def test_a_plan_travels_as_a_plain_dict(labelled: Any) -> None:
    found = planned(labelled)
    assert found is not None
    assert TrainingPlan(**found.to_dict()) == found
