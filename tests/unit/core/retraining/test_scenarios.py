"""Forty weeks of six worlds: how often the decisions, and nothing else, lead to a retraining."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from airflow_mlops.core.retraining.policy import EpisodePolicy
from tests.unit.core.retraining.simulated import Life, week

POLICY = EpisodePolicy(period="7d", min_labelled_rows=1500, cool_down=4)


def test_in_a_stable_world_nothing_is_retrained() -> None:
    life = Life(POLICY, lambda _: 0.0).live()
    assert (life.retrainings, life.episodes, life.alarms) == ([], [], [])


def test_a_step_is_one_retraining_on_what_came_after_it() -> None:
    life = Life(POLICY, lambda n: 2.0 if n >= 12 else 0.0).live()
    assert life.retrainings == [16]  # three labelled weeks, two weeks late
    (asked,) = [s for s in life.done if s.kind == "request"]
    assert (asked.first, asked.cutoff) == (week(12), week(14))
    assert [e.state for e in life.episodes] == ["closed"]


@pytest.mark.parametrize("weeks", [6, 10, 14])
def test_a_ramp_is_one_or_two_retrainings(weeks: int) -> None:
    life = Life(POLICY, lambda n: 2.2 * min(1.0, max(0, n - 10) / weeks)).live()
    assert 1 <= len(life.retrainings) <= 2
    assert abs(life.knows[-1] - 2.2) < 1  # the last champion knows where the ramp ended


@pytest.mark.parametrize("outcome", ["promoted", "rejected"])
def test_a_world_that_flaps_every_other_week_is_retrained_at_most_once_a_cool_down(outcome: str) -> None:
    life = Life(POLICY, lambda n: 2.0 if n >= 8 and n % 2 == 0 else 0.0, outcome=outcome).live()
    assert all(later - earlier > POLICY.cool_down for earlier, later in pairwise(life.retrainings))
    assert len(life.retrainings) <= 32 // (POLICY.cool_down + 1)
    if outcome == "rejected":
        assert life.retrainings == [12, 22, 32]  # it goes on trying, at that pace


def test_k_of_n_keeps_a_world_that_flaps_quiet() -> None:
    calm = POLICY.model_copy(update={"consecutive": 3, "out_of": 5})
    rare = Life(calm, lambda n: 2.0 if n >= 8 and n % 3 == 0 else 0.0).live()
    assert (rare.retrainings, rare.episodes) == ([], [])


@pytest.mark.parametrize("weeks", [1, 5, 28])
def test_a_broken_column_alarms_and_retrains_nothing(weeks: int) -> None:
    life = Life(POLICY, lambda _: 0.0, broken=lambda n: 12 <= n < 12 + weeks).live()
    assert life.alarms == list(range(12, 12 + weeks))
    assert (life.retrainings, life.episodes) == ([], [])


def test_a_change_beside_a_broken_column_waits_until_that_is_mended_and_learns_none_of_it() -> None:
    life = Life(POLICY, lambda n: 2.0 if n >= 12 else 0.0, broken=lambda n: 14 <= n < 18).live()
    (asked,) = [s for s in life.done if s.kind == "request"]
    assert (asked.first, asked.cutoff) == (week(18), week(20))
    assert len(life.retrainings) == 1


def test_a_burst_of_a_thousand_events_is_one_run() -> None:
    life = Life(POLICY, lambda n: 2.0 if n >= 3 else 0.0).live(weeks=9, storms=1000)
    assert len(life.retrainings) == 1
    assert len(life.episodes) == 1


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_world_does_a_budget_holds(seed: int) -> None:
    rng = random.Random(seed)
    levels = [rng.choice([0.0, 2.0, 4.0, 6.0]) for _ in range(40)]
    policy = POLICY.model_copy(update={"cool_down": 0, "monthly_budget": 1, "min_labelled_rows": 600})
    life = Life(policy, lambda n: levels[n]).live()
    assert life.retrainings
    assert all(later - earlier >= 5 for earlier, later in pairwise(life.retrainings))  # 31 days


def test_a_model_that_lives_on_after_a_wobble_keeps_its_champion() -> None:
    """Drift that goes away before there are labels enough asks for nothing: the episode closes by itself."""
    life = Life(POLICY, lambda n: 2.0 if n == 12 else 0.0).live()
    assert life.retrainings == []
    assert [(e.state, e.closed_partition) for e in life.episodes] == [("closed", week(15))]
