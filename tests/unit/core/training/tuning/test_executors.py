"""A search over many workers has the trials of a search in one process."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning import executors as spreading
from airflow_mlops.core.training.tuning.study import run_search
from airflow_mlops.core.training.tuning.trials import Trial, TrialStore
from airflow_mlops.store.database import Database

AUC = get_metric("roc_auc")
SPACE = {"rate": {"low": 0.01, "high": 1, "log": True}, "kind": ["a", "b", "bad"]}
BACKENDS = ("processes", "dask", "ray")


class Hill:
    """Judges parameters by a smooth function, in two steps; one kind raises."""

    steps = 2

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        if params["kind"] == "bad":
            raise ValueError("too bad")
        yield from (0.9 - abs(math.log(params["rate"] / 0.1)) / 10 + step / 100 for step in range(self.steps))


class Spoilt(Hill):
    """Cannot judge at all."""

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        raise BadInput("no rows", where="train", hint="bring some")


def tuned(backend: str | None = None, **settings: Any) -> Tuning:
    more = {} if backend is None else {"backend": backend, "jobs": 2}
    return Tuning.load({"space": SPACE, "method": "random", "trials": 8, **more, **settings})


def told(trials: list[Trial]) -> list[dict[str, Any]]:
    return [{k: v for k, v in trial.to_dict().items() if k != "seconds"} for trial in trials]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_trials_are_those_of_one_process_and_what_was_over_is_not_run_again(
    database: Database, backend: str
) -> None:
    lines: list[str] = []
    marked = Trial(1, {"rate": 0.5, "kind": "a"}, "complete", [0.1, 0.2], 5.0)
    kept = TrialStore(database, "marked")
    kept.save(marked)
    found = run_search(tuned(backend), AUC, Hill(), kept, log_line=lambda *a: lines.append(a[0] % a[1:]))
    alone = run_search(tuned(), AUC, Hill(), TrialStore(database, "alone"))
    assert found[1] == marked
    assert told([t for t in found if t.number != 1]) == told([t for t in alone if t.number != 1])
    assert {trial.state for trial in found} == {"complete", "failed"}
    assert lines[0] == "reusing 1 of 8 trials of an earlier attempt"
    assert len([line for line in lines if line.startswith("trial ")]) == 7
    assert run_search(tuned(backend), AUC, Hill(), kept)[1] == marked


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_wrong_with_the_data_ends_the_search_with_its_own_words(database: Database, backend: str) -> None:
    with pytest.raises(BadInput) as caught:
        run_search(tuned(backend), AUC, Spoilt(), TrialStore(database, "s"))
    assert (caught.value.what, caught.value.where, caught.value.hint) == ("no rows", "train", "bring some")


def test_no_trial_is_begun_when_the_time_is_over(database: Database) -> None:
    kept, lines = TrialStore(database, "s"), list[str]()
    kept.save(Trial(0, {"rate": 0.5, "kind": "a"}, "complete", [0.1, 0.2], 500.0))
    found = run_search(
        tuned("processes", timeout=400), AUC, Hill(), kept, log_line=lambda *a: lines.append(a[0] % a[1:])
    )
    assert [trial.number for trial in found] == [0]
    assert lines[-1] == "timeout reached: 1 of 8 trials were run"


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_named(
    database: Database, backend: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadInput, match=rf"needs a package that is not installed: {package}(?s:.*)\[{backend}\]"):
        run_search(tuned(backend), AUC, Hill(), TrialStore(database, "s"))


def test_a_cluster_that_does_not_answer_is_an_outage_and_named(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "CONNECT_TIMEOUT", 1)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler with a worker responds at tcp://127.0.0.1:9"):
        run_search(tuned("dask", address="tcp://127.0.0.1:9"), AUC, Hill(), TrialStore(database, "s"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "optuna", "backend": "dask"}, "cannot run in parallel"),
        ({"jobs": 2}, "requires backend"),
        ({"backend": "processes", "address": "tcp://a:1"}, "address requires"),
        ({"backend": "spark"}, "backend"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tuned(**settings)
