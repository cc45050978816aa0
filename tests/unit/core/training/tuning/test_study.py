"""A study that is broken off at any point ends as if nobody had: no trial is lost, doubled or changed."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.study import run_search
from airflow_mlops.core.training.tuning.trials import Trial, TrialStore, find_best_trial, select_best_trial
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

AUC = get_metric("roc_auc")
SPACE = {"rate": {"low": 0.01, "high": 1, "log": True, "points": 3}, "leaves": {"low": 2, "high": 5, "type": "int"}}
GRID, RANDOM, OPTUNA = (
    Tuning.load({"space": {**SPACE, "kind": [[1, 2], None]}, "method": method, "folds": 3, **more})
    for method, more in (("grid", {}), ("random", {"trials": 24}), ("optuna", {"trials": 24}))
)


class Killed(BaseException):
    """Such as a SIGTERM."""


class Hill:
    """Judges parameters by a smooth function, in three steps; is killed when it has given so many scores."""

    steps = 3

    def __init__(self, lives: float = math.inf) -> None:
        self.lives, self.begun = lives, 0

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        self.begun += 1
        height = 0.9 - abs(math.log(params["rate"] / 0.1)) / 10 - abs(params["leaves"] - 3) / 20
        for step in range(self.steps):
            self.lives -= 1
            if self.lives < 0:
                raise Killed
            yield height - (0.1 if params["kind"] is None else 0) + step / 100


class Unkept(TrialStore):
    """Keeps nothing."""

    def begin(self, number: int) -> Trial | None:
        return None

    def keep(self, trial: Trial) -> Trial:
        return trial


def told(trials: list[Trial]) -> list[dict[str, Any]]:
    return [{k: v for k, v in trial.to_dict().items() if k != "seconds"} for trial in trials]


@pytest.mark.parametrize("tuning", [GRID, RANDOM, OPTUNA], ids=lambda t: t.method)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.lists(st.integers(0, 30), max_size=4))
def test_a_study_broken_off_at_any_point_ends_as_one_that_was_not(
    database: Database, tuning: Tuning, lives: list[int]
) -> None:
    study = f"{tuning.method}-{len(list_claims(database))}"
    whole = run_search(tuning, AUC, Hill(), Unkept(database, ""))
    begun = 0
    for life in lives:
        hill = Hill(life)
        with suppress(Killed):
            run_search(tuning, AUC, hill, TrialStore(database, study))
        begun += hill.begun
    hill = Hill()
    resumed = run_search(tuning, AUC, hill, TrialStore(database, study))
    assert told(resumed) == told(whole)
    assert [trial.number for trial in resumed] == list(range(24))
    assert begun + hill.begun <= 24 + len(lives)  # what was over was not run again


def list_claims(database: Database) -> list[Any]:
    from sqlalchemy import select

    from airflow_mlops.store.tables import Claim

    with database.session() as session:
        return list(session.scalars(select(Claim)))


def test_optuna_finds_better_trials_than_chance_and_gives_hopeless_ones_up(database: Database) -> None:
    tuning = OPTUNA.model_copy(update={"trials": 40})
    trials = run_search(tuning, AUC, Hill(), TrialStore(database, "s"))
    states = [trial.state for trial in trials]
    assert set(states) == {"complete", "pruned"}
    assert all(len(trial.steps) < 3 for trial in trials if trial.state == "pruned")
    late = [trial.steps[0] for trial in trials[20:]]
    early = [trial.steps[0] for trial in trials[:10]]
    assert sum(late) / len(late) > sum(early) / len(early) + 0.03


class Short(Hill):
    """Judges in one step."""

    steps = 1

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        yield next(super().scores(params))


def test_a_trial_that_has_come_to_its_end_is_complete_however_bad_it_is(database: Database) -> None:
    assert {trial.state for trial in run_search(OPTUNA, AUC, Short(), TrialStore(database, "s"))} == {"complete"}


def test_pruning_can_be_switched_off(database: Database) -> None:
    tuning = OPTUNA.model_copy(update={"prune": False})
    assert {trial.state for trial in run_search(tuning, AUC, Hill(), TrialStore(database, "s"))} == {"complete"}


def test_a_random_search_of_more_trials_begins_with_those_of_a_shorter_one(database: Database) -> None:
    few = run_search(RANDOM.model_copy(update={"trials": 5}), AUC, Hill(), TrialStore(database, "few"))
    many = run_search(RANDOM, AUC, Hill(), TrialStore(database, "many"))
    assert told(few) == told(many)[:5]
    assert len({trial.params["rate"] for trial in many}) == 24


class Odd(Hill):
    """Fails for some parameters."""

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        if params["leaves"] == 2:
            raise ValueError("two leaves\nare too few")
        yield math.nan if params["leaves"] == 3 else 0.5
        yield 0.6


def test_a_trial_that_raises_or_has_no_finite_score_failed_and_the_others_go_on(database: Database) -> None:
    trials = run_search(GRID, AUC, Odd(), TrialStore(database, "s"))
    errors = {trial.params["leaves"]: (trial.state, trial.error, trial.score) for trial in trials}
    assert errors == {
        2: ("failed", "ValueError: two leaves", None),
        3: ("failed", "its score is not finite", None),
        4: ("complete", None, 0.6),
        5: ("complete", None, 0.6),
    }
    assert select_best_trial(trials, AUC).number == min(t.number for t in trials if t.state == "complete")


def test_what_failed_is_run_again_in_the_next_attempt(database: Database) -> None:
    run_search(GRID, AUC, Odd(), TrialStore(database, "s"))
    hill = Hill()
    trials = run_search(GRID, AUC, hill, TrialStore(database, "s"))
    assert hill.begun == 12
    assert {trial.state for trial in trials} == {"complete"}


def test_no_finite_score_at_all_is_told_with_the_errors() -> None:
    tried = [Trial(0, {}, "failed", error="ValueError: too few"), Trial(1, {}, "pruned", steps=[0.9])]
    with pytest.raises(
        BadInput, match=r"none of 2 trials gave a finite roc_auc\n  where: trial 0: ValueError: too few"
    ):
        select_best_trial(tried, AUC)


def test_wrong_input_ends_the_study_instead_of_being_a_failed_trial(database: Database) -> None:
    class Refuses(Hill):
        def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
            raise BadInput("no such keyword")
            yield 0.0

    with pytest.raises(BadInput, match="no such keyword"):
        run_search(GRID, AUC, Refuses(), TrialStore(database, "s"))


@pytest.mark.parametrize(("name", "best"), [("roc_auc", 1), ("log_loss", 0)])
def test_the_best_is_the_best_in_the_metric_s_direction_and_of_equals_the_first(name: str, best: int) -> None:
    trials = [Trial(n, {}, "complete", steps=[s]) for n, s in enumerate([0.1, 0.7, 0.7, 0.1])]
    found = find_best_trial(
        [*trials, Trial(4, {}, "pruned", steps=[0.9]), Trial(5, {}, "pruned", steps=[0.0])], get_metric(name)
    )
    assert found is not None
    assert found.number == best


def test_the_time_counts_over_all_attempts_and_no_trial_is_begun_after_it(database: Database) -> None:
    def attempt(lives: float, says: list[str]) -> list[Trial]:
        ticks = iter(range(10_000))
        tuning = RANDOM.model_copy(update={"timeout": 4.5})
        keep = TrialStore(database, "s")
        return run_search(
            tuning, AUC, Hill(lives), keep, log_line=lambda m, *a: says.append(m % a), clock=lambda: next(ticks)
        )

    with pytest.raises(Killed):
        attempt(7, [])  # two trials, and one that was killed
    says: list[str] = []
    trials = attempt(math.inf, says)
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]  # a second each
    assert says[-2:] == ["timeout reached: 5 of 24 trials were run", "reusing 2 of 5 trials of an earlier attempt"]


def test_a_trial_is_one_line_in_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        trials = run_search(OPTUNA, AUC, Hill(), TrialStore(database, "s"))
    lines = [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert len(lines) == len(trials) == 24
    assert lines[0].startswith("trial 0 of 0-23: rate=")
    assert all(f"; best {0:.1f}"[:7] in line for line in lines)
    given_up = next(trial for trial in trials if trial.state == "pruned")
    assert f"pruned at roc_auc {given_up.score:.4f}" in lines[given_up.number]


def test_of_two_attempts_at_one_number_the_first_has_the_say(database: Database) -> None:
    zombie, retry = TrialStore(database, "s"), TrialStore(database, "s")
    assert (zombie.find_finished(0), retry.find_finished(0)) == (None, None)
    first = Trial(0, {"a": 1}, "complete", steps=[0.5])
    assert retry.save(first) == first
    assert zombie.save(Trial(0, {"a": 1}, "complete", steps=[0.6])) == first
    assert retry.find_finished(0) == first


def test_studies_do_not_see_each_other_s_trials(database: Database) -> None:
    TrialStore(database, "d/r/t/1#a").save(Trial(0, {}, "complete", steps=[0.5]))
    assert TrialStore(database, "d/r/t/1#b").find_finished(0) is None
    assert claims.begin(database, "run", "d/r/t/1#a/0") is None


def test_without_optuna_grid_and_random_work_and_optuna_says_how_to_install_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    for tuning in (GRID, RANDOM):
        assert len(run_search(tuning, AUC, Hill(), TrialStore(database, tuning.method))) == 24
    with pytest.raises(BadInput, match=r"pip install 'airflow-provider-mlops\[tuning\]', or use method='random'"):
        run_search(OPTUNA, AUC, Hill(), TrialStore(database, "optuna"))
