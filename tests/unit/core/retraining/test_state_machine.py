"""What becomes of an episode is decided from what is known, and from nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.alarms import WindowRow
from airflow_mlops.core.retraining.policy import EpisodePolicy
from airflow_mlops.core.retraining.state_machine import MONTH, EpisodeRecord, MonitoringState, next_transition
from airflow_mlops.store.clock import from_iso
from tests.unit.core.retraining.simulated import Life, carried_out, steps, week

WEEKLY = EpisodePolicy(period="7d", min_labelled_rows=1000, cool_down=2)


def seen(*verdicts: str, kind: str = "drift", first: int = 0) -> list[WindowRow]:
    """Windows in a row; ``-`` leaves a week out, ``broken`` fails with a broken column."""
    return [
        WindowRow(kind, week(first + n), "fail" if v == "broken" else v, ("x",) if v == "broken" else (), f"{kind}{n}")
        for n, v in enumerate(verdicts)
        if v != "-"
    ]


def known(windows: list[WindowRow], at: int, **more: Any) -> MonitoringState:
    return MonitoringState(
        week(at), week(at - 2), 1, windows, **{"labelled": [(week(n), 600) for n in range(40)], **more}
    )


def decided(verdicts: list[str], policy: EpisodePolicy = WEEKLY, **more: Any) -> Any:
    return next_transition(policy, known(seen(*verdicts), len(verdicts) - 1, **more))


@pytest.mark.parametrize(
    ("verdicts", "change"),
    [
        (["pass", "fail", "fail"], 1),
        (["pass", "fail", "-", "fail"], 1),  # a missing week neither counts nor interrupts
        (["fail", "-", "-", "fail"], 0),
        (["fail", "-", "-", "-", "fail"], None),  # three in a row: what was before is another story
        (["fail", "inconclusive", "broken", "fail"], 0),
        (["fail", "-", "inconclusive", "broken", "fail"], None),
        (["fail", "fail", "-", "-"], 0),
        (["fail", "fail", "-", "-", "-"], None),  # too long ago
        (["fail", "pass", "fail"], None),
        (["fail", "broken"], None),
    ],
    ids=str,
)
def test_a_week_without_evidence_neither_counts_nor_resets_unless_there_are_too_many(
    verdicts: list[str], change: int | None
) -> None:
    step = decided(verdicts, EpisodePolicy(consecutive=2, period="7d", max_gap=2))
    assert step.kind == ("none" if change is None else "open")
    assert step.change == (None if change is None else week(change))


@pytest.mark.parametrize(
    ("verdicts", "opens"),
    [
        (["fail", "pass", "fail"], True),
        (["fail", "pass", "pass", "fail"], False),
        (["fail", "fail", "pass"], False),  # the newest has to fail, too
        (["pass", "fail", "fail"], True),
    ],
)
def test_k_of_n_windows_open(verdicts: list[str], opens: bool) -> None:
    step = decided(verdicts, EpisodePolicy(consecutive=2, out_of=3, period="7d"))
    assert (step.kind == "open") is opens


def test_without_a_period_only_partitions_that_somebody_has_looked_at_can_be_missing() -> None:
    policy = EpisodePolicy(consecutive=2, max_gap=0)
    windows = [WindowRow("drift", p, "fail") for p in ("batch-a", "batch-c")]
    assert next_transition(policy, MonitoringState("batch-c", "", 1, windows)).kind == "open"
    assert (
        next_transition(
            policy, MonitoringState("batch-c", "", 1, windows, partitions=["batch-a", "batch-b", "batch-c"])
        ).kind
        == "none"
    )


def test_partitions_within_a_day_are_counted_as_well() -> None:
    hours = EpisodePolicy(consecutive=2, period="6h", max_gap=0)
    windows = [WindowRow("drift", f"2026-04-06T{h:02}", "fail") for h in (0, 12)]
    assert next_transition(hours, MonitoringState("2026-04-06T12", "", 1, windows)).kind == "none"
    between = [*windows, WindowRow("drift", "2026-04-06T06", "fail")]
    assert next_transition(hours, MonitoringState("2026-04-06T12", "", 1, between)).change == "2026-04-06T00"


@pytest.mark.parametrize("more", [{"period": "7d"}, {"monthly_budget": 1}])
def test_partitions_that_are_no_dates_are_refused_where_time_is_counted(more: dict[str, Any]) -> None:
    windows = [WindowRow("drift", p, "fail") for p in ("a", "b")]
    past = EpisodeRecord(1, 1, "open", "a", requested_at=("a",))
    with pytest.raises(BadInput, match="not an ISO date|requires ISO-date"):
        next_transition(EpisodePolicy(**more), MonitoringState("b", "b", 1, windows, [past]))


# Which signals count, and what they lead to.


@pytest.mark.parametrize("kind", ["concept_drift", "performance"])
def test_each_acting_signal_opens_by_itself(kind: str) -> None:
    windows = seen("pass", "fail", kind=kind) + seen("pass", "pass", "pass", "pass")
    step = next_transition(WEEKLY, known(windows, 3))
    assert (step.kind, step.change, step.report) == ("open", week(1), f"{kind}1")


def test_a_change_is_dated_by_the_rows_and_by_labels_only_where_rows_show_nothing() -> None:
    """What a label says of week 4 happened in the two weeks after it."""
    labelled = seen("pass", "pass", "pass", "pass", "fail", kind="performance")
    calm, moved = ["pass"] * 6, ["pass"] * 6 + ["fail"]
    assert next_transition(WEEKLY, known(labelled + seen(*moved), 6)).change == week(6)
    assert next_transition(WEEKLY, known(labelled + seen(*calm, "pass"), 6)).change == week(4)


def test_scores_that_moved_and_estimates_open_nothing_unless_told_to() -> None:
    for kind in ("prediction_drift", "performance_estimate"):
        windows = seen("fail", "fail", kind=kind)
        assert next_transition(WEEKLY, known(windows, 1)).kind == "none"
        told = EpisodePolicy.load({"signals": {kind: "retrain"}})
        assert next_transition(told, known(windows, 1)).kind == "open"


def test_a_signal_that_is_ignored_opens_nothing() -> None:
    assert decided(["fail"], EpisodePolicy.load({"signals": {"drift": "ignore"}})).kind == "none"


def test_labels_that_were_not_known_at_a_partition_do_not_count_there() -> None:
    """A backfill sees windows that nobody had when the week was live: it decides as it was decided then."""
    windows = seen("fail", "fail", "fail", kind="performance")
    assert next_transition(WEEKLY, known(windows, 1)).kind == "none"
    assert next_transition(WEEKLY, known(windows, 2)).kind == "open"


def test_trouble_soon_after_a_promotion_is_rolled_back_and_later_it_is_retrained() -> None:
    policy = EpisodePolicy.load({"period": "7d", "signals": {"performance": "roll_back"}, "roll_back_within": 3})
    for calm, action in ((1, "roll_back"), (2, "roll_back"), (3, "retrain"), (8, "retrain")):
        windows = seen(*["pass"] * calm, "fail", kind="performance") + seen(*["pass"] * (calm + 3))
        step = next_transition(policy, known(windows, calm + 2, has_previous=True))
        assert (step.kind, step.action) == ("open", action)
        assert next_transition(policy, known(windows, calm + 2)).action == "retrain"  # there is nobody to go back to


def test_a_rollback_needs_no_labels() -> None:
    past = [EpisodeRecord(1, 1, "open", week(0), "roll_back")]
    step = decided(["fail"], episodes=past, labelled=[])
    assert (step.kind, step.action, step.cutoff) == ("request", "roll_back", None)


# What the training data are.


def test_a_retraining_begins_at_the_change_or_with_the_newest_partitions() -> None:
    past = [EpisodeRecord(1, 1, "open", week(10))]
    verdicts = ["pass"] * 10 + ["fail"] * 8
    for rules, first in (
        ({}, 10),
        ({"window": 3}, 13),
        ({"data": "window", "window": 3}, 13),
        ({"data": "window", "window": 9}, 7),
        ({"data": "window", "window": 99}, 0),
    ):
        policy = EpisodePolicy.load({"period": "7d", "min_labelled_rows": 1000, "retraining": rules})
        step = decided(verdicts, policy, episodes=past)
        assert (step.kind, step.first, step.cutoff) == ("request", week(first), week(15))


def test_rows_that_were_broken_upstream_are_not_trained_on() -> None:
    past = [EpisodeRecord(1, 1, "open", week(0))]
    step = decided(["fail", "broken", "fail", "fail", "fail", "fail"], episodes=past)
    assert (step.kind, step.first, step.cutoff) == ("request", week(2), week(3))
    step = decided(["fail", "fail", "broken", "fail"], episodes=past)
    assert (step.first, step.cutoff) == (week(0), week(1))


def test_while_a_column_is_broken_nothing_is_asked_for_whatever_was_labelled_before() -> None:
    past = [EpisodeRecord(1, 1, "open", week(0))]
    step = decided(["fail", "fail", "fail", "broken"], episodes=past)
    assert (step.kind, step.needs_attention, step.message) == ("none", True, "waiting for x to be fixed upstream")
    assert decided(["fail", "fail", "fail", "broken", "fail"], episodes=past).kind == "request"


@pytest.mark.parametrize(
    ("past", "message"),
    [
        (EpisodeRecord(1, 1, "closed", week(0), requested_at=(week(2),)), "cooling down: 2 more partitions"),
        (EpisodeRecord(1, 1, "closed", week(0), requested_at=(week(1),)), "cooling down: 1 more partition"),
        (
            EpisodeRecord(1, 1, "closed", week(0), closed_partition=week(3)),
            f"not opened: an episode closed at or after partition {week(3)}",
        ),
        (
            EpisodeRecord(1, 1, "open", week(0), requested_at=(week(0),)),
            "1 request without success: manual action required",
        ),
    ],
    ids=["cooling down", "the last partition of the cool-down", "closed", "no attempts left"],
)
def test_the_report_says_why_nothing_is_requested(past: EpisodeRecord, message: str) -> None:
    policy = EpisodePolicy(period="7d", min_labelled_rows=1000, cool_down=2, max_attempts=1)
    step = decided(["fail"] * 4, policy, episodes=[past])
    assert (step.kind, step.message, step.needs_attention) == ("none", message, past.state == "open")


# Invariants.

VERDICTS = st.sampled_from(["pass", "warn", "fail", "inconclusive", "broken", "-"])
OUTCOMES = st.sampled_from(["promoted", "rejected", "failed", "lost"])
LIVES = st.lists(VERDICTS, min_size=1, max_size=30)
POLICIES = st.builds(
    EpisodePolicy,
    consecutive=st.integers(1, 3),
    out_of=st.integers(3, 5) | st.none(),
    period=st.just("7d") | st.none(),
    max_gap=st.integers(0, 4),
    recovery_windows=st.integers(1, 4),
    min_labelled_rows=st.sampled_from([1, 600, 1800]),
    cool_down=st.integers(0, 5),
    monthly_budget=st.integers(1, 3) | st.none(),
    max_attempts=st.integers(1, 3),
)


@settings(max_examples=150, deadline=None)
@given(POLICIES, LIVES, LIVES, st.randoms(use_true_random=False))
def test_the_order_in_which_windows_came_changes_nothing(
    policy: EpisodePolicy, drift: list[str], late: list[str], rng: random.Random
) -> None:
    windows = seen(*drift) + seen(*late, kind="performance")
    past = [EpisodeRecord(1, 1, "closed", week(0), requested_at=(week(1),)), EpisodeRecord(2, 1, "open", week(2))][
        : rng.randrange(3)
    ]
    one = known(windows, len(drift) - 1, episodes=past, partitions=[w.partition for w in windows])
    other = replace(
        one,
        windows=rng.sample(windows + windows, 2 * len(windows)),
        episodes=past[::-1],
        labelled=one.labelled[::-1],
        partitions=one.partitions[::-1],
    )
    assert next_transition(policy, one) == next_transition(policy, other)


@settings(max_examples=150, deadline=None)
@given(
    POLICIES, st.lists(st.tuples(VERDICTS, st.sampled_from(["promoted", "rejected", "failed", "lost"])), max_size=30)
)
def test_never_two_are_open_the_budget_holds_and_flapping_is_bounded(
    policy: EpisodePolicy, weeks: list[tuple[str, str]]
) -> None:
    windows: list[WindowRow] = []
    past: list[EpisodeRecord] = []
    first_asked: list[int] = []
    asked: list[str] = []
    for number, (verdict, outcome) in enumerate(weeks):
        windows += seen(verdict, first=number)
        now = known(list(windows), number, episodes=past, partitions=[week(n) for n in range(number + 1)])
        for step in steps(policy, now):
            if step.kind == "request":
                asked.append(week(number))
                first_asked += [number] if not now.episodes[step.episode - 1].requested_at else []  # type: ignore[operator]
            now = replace(now, episodes=carried_out(now, step))
        past = list(now.episodes)
        state = {"promoted": "closed", "rejected": "closed", "failed": "open", "lost": "retraining"}[outcome]
        past = [replace(e, state=state) if e.state == "requested" else e for e in past]
        assert sum(e.state != "closed" for e in past) <= 1
        assert [e.number for e in past] == list(range(1, len(past) + 1))
        assert all(len(e.requested_at) <= policy.max_attempts for e in past)
    assert all(later - earlier > policy.cool_down for earlier, later in pairwise(first_asked))
    if policy.monthly_budget is not None:
        moments = [from_iso(p) for p in asked]
        assert all(sum(m <= n < m + MONTH for n in moments) <= policy.monthly_budget for m in moments)


@settings(max_examples=60, deadline=None)
@given(LIVES, st.integers(1, 5))
def test_asked_again_with_the_same_knowledge_nothing_more_is_done(verdicts: list[str], times: int) -> None:
    def broken(number: int) -> bool:
        return verdicts[number] == "broken"

    def level(number: int) -> float:
        return 2.0 if verdicts[number] == "fail" else 0.0

    once = Life(WEEKLY, level, broken, outcome="rejected").live(len(verdicts))
    often = Life(WEEKLY, level, broken, outcome="rejected").live(len(verdicts), storms=times)
    assert (often.retrainings, often.episodes) == (once.retrainings, once.episodes)
