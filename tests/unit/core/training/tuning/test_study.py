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

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.study import search
from airflow_mlops.core.training.tuning.trials import Kept, Trial, best_of, winner
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

AUC = metric("roc_auc")
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


class Unkept(Kept):
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
    whole = search(tuning, AUC, Hill(), Unkept(database, ""))
    begun = 0
    for life in lives:
        hill = Hill(life)
        with suppress(Killed):
            search(tuning, AUC, hill, Kept(database, study))
        begun += hill.begun
    hill = Hill()
    resumed = search(tuning, AUC, hill, Kept(database, study))
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
    trials = search(tuning, AUC, Hill(), Kept(database, "s"))
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
    assert {trial.state for trial in search(OPTUNA, AUC, Short(), Kept(database, "s"))} == {"complete"}


def test_pruning_can_be_switched_off(database: Database) -> None:
    tuning = OPTUNA.model_copy(update={"prune": False})
    assert {trial.state for trial in search(tuning, AUC, Hill(), Kept(database, "s"))} == {"complete"}


def test_a_random_search_of_more_trials_begins_with_those_of_a_shorter_one(database: Database) -> None:
    few = search(RANDOM.model_copy(update={"trials": 5}), AUC, Hill(), Kept(database, "few"))
    many = search(RANDOM, AUC, Hill(), Kept(database, "many"))
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
    trials = search(GRID, AUC, Odd(), Kept(database, "s"))
    errors = {trial.params["leaves"]: (trial.state, trial.error, trial.score) for trial in trials}
    assert errors == {
        2: ("failed", "ValueError: two leaves", None),
        3: ("failed", "its score is not finite", None),
        4: ("complete", None, 0.6),
        5: ("complete", None, 0.6),
    }
    assert winner(trials, AUC).number == min(t.number for t in trials if t.state == "complete")


def test_what_failed_is_run_again_in_the_next_attempt(database: Database) -> None:
    search(GRID, AUC, Odd(), Kept(database, "s"))
    hill = Hill()
    trials = search(GRID, AUC, hill, Kept(database, "s"))
    assert hill.begun == 12
    assert {trial.state for trial in trials} == {"complete"}


def test_no_finite_score_at_all_is_told_with_the_errors() -> None:
    tried = [Trial(0, {}, "failed", error="ValueError: too few"), Trial(1, {}, "pruned", steps=[0.9])]
    with pytest.raises(
        BadInput, match=r"none of 2 trials gave a finite roc_auc\n  where: trial 0: ValueError: too few"
    ):
        winner(tried, AUC)


def test_wrong_input_ends_the_study_instead_of_being_a_failed_trial(database: Database) -> None:
    class Refuses(Hill):
        def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
            raise BadInput("no such keyword")
            yield 0.0

    with pytest.raises(BadInput, match="no such keyword"):
        search(GRID, AUC, Refuses(), Kept(database, "s"))


@pytest.mark.parametrize(("name", "best"), [("roc_auc", 1), ("log_loss", 0)])
def test_the_best_is_the_best_in_the_metric_s_direction_and_of_equals_the_first(name: str, best: int) -> None:
    trials = [Trial(n, {}, "complete", steps=[s]) for n, s in enumerate([0.1, 0.7, 0.7, 0.1])]
    found = best_of([*trials, Trial(4, {}, "pruned", steps=[0.9]), Trial(5, {}, "pruned", steps=[0.0])], metric(name))
    assert found is not None
    assert found.number == best


def test_the_time_counts_over_all_attempts_and_no_trial_is_begun_after_it(database: Database) -> None:
    def attempt(lives: float, says: list[str]) -> list[Trial]:
        ticks = iter(range(10_000))
        tuning = RANDOM.model_copy(update={"timeout": 4.5})
        keep = Kept(database, "s")
        return search(tuning, AUC, Hill(lives), keep, say=lambda m, *a: says.append(m % a), clock=lambda: next(ticks))

    with pytest.raises(Killed):
        attempt(7, [])  # two trials, and one that was killed
    says: list[str] = []
    trials = attempt(math.inf, says)
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]  # a second each
    assert says[-2:] == ["the time is over: 5 of 24 trials were run", "2 of 5 trials are of an earlier attempt"]


def test_a_trial_is_one_line_in_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        trials = search(OPTUNA, AUC, Hill(), Kept(database, "s"))
    lines = [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert len(lines) == len(trials) == 24
    assert lines[0].startswith("trial 0 of 0-23: rate=")
    assert all(f"; best {0:.1f}"[:7] in line for line in lines)
    given_up = next(trial for trial in trials if trial.state == "pruned")
    assert f"given up at roc_auc {given_up.score:.4f}" in lines[given_up.number]


def test_of_two_attempts_at_one_number_the_first_has_the_say(database: Database) -> None:
    zombie, retry = Kept(database, "s"), Kept(database, "s")
    assert (zombie.begin(0), retry.begin(0)) == (None, None)
    first = Trial(0, {"a": 1}, "complete", steps=[0.5])
    assert retry.keep(first) == first
    assert zombie.keep(Trial(0, {"a": 1}, "complete", steps=[0.6])) == first
    assert retry.begin(0) == first


def test_studies_do_not_see_each_other_s_trials(database: Database) -> None:
    Kept(database, "d/r/t/1#a").keep(Trial(0, {}, "complete", steps=[0.5]))
    assert Kept(database, "d/r/t/1#b").begin(0) is None
    assert claims.begin(database, "run", "d/r/t/1#a/0") is None


def test_without_optuna_grid_and_random_work_and_optuna_says_how_to_install_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    for tuning in (GRID, RANDOM):
        assert len(search(tuning, AUC, Hill(), Kept(database, tuning.method))) == 24
    with pytest.raises(BadInput, match=r"pip install 'airflow-provider-mlops\[tuning\]', or use method='random'"):
        search(OPTUNA, AUC, Hill(), Kept(database, "optuna"))
