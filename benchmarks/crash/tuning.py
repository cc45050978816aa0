"""A search is killed (SIGKILL) at random points; its retries have to end as a search that nobody killed."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.crash.attempts import FOLDS, ROWS, Study
from benchmarks.crash.killing import DONE, Killer

METHODS = ("grid", "random", "optuna")
MAX_LINES = 8  # an attempt is killed after it has said so many lines at most
MAX_WAIT = 0.03  # and as many seconds at most after that, unless it says the next one
PRELOAD = ["benchmarks.crash.attempts", "airflow_mlops.core.training.tuning.tune", "mlflow", "optuna", "skops.io"]
Target = Callable[[Study, str, Connection], None]


@dataclass(slots=True)
class Outcome:
    """Result.

    :param method: of the search.
    :param kills: how many attempts were killed.
    :param trials: how many there are in the end.
    :param fits: how many fits of trials were begun, in all attempts.
    :param needed: how many there would have been without the kills.
    :param wrong: what is lost, doubled or changed, in words.
    """

    method: str
    kills: int = 0
    trials: int = 0
    fits: int = 0
    needed: int = 0
    wrong: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Format it in a line."""
        said = "; ".join(self.wrong) or "none lost, doubled or changed"
        return (
            f"{self.method}: killed {self.kills} times; {self.trials} trials in {self.fits} fits, "
            f"where {self.needed} are needed: {said}"
        )


def run_kills(study: Study, kills: int, seed: int, target: Target) -> Outcome:
    """Kill a search again and again, let its last attempt come to its end, and compare with one that nobody killed.

    :param kills: how often.
    :param seed: of the points of killing.
    :param target: makes one attempt, in a process of its own.
    """
    study.prepare()
    killer = Killer(PRELOAD)
    points, found = random.Random(seed), Outcome(study.method)
    said: list[str] = []
    kept: dict[int, Any] = {}
    while DONE not in said:
        lines = points.randint(1, MAX_LINES) if found.kills < kills else None
        said = killer.attempt(target, study, "d/r/tune/-1", lines=lines, wait=points.uniform(0, MAX_WAIT))
        found.kills += DONE not in said
        _look(study, said, kept, found)
    _compare(study, kept, found)
    return found


def _look(study: Study, said: Sequence[str], kept: dict[int, Any], found: Outcome) -> None:
    """Compare an attempt's trials with those stored before it, and record the new ones."""
    fits = [line.split() for line in said if line.startswith("begin") and f" {ROWS} " not in line]
    found.fits += len(fits)
    again = {float(C) for _, _, C in fits} & {trial["params"]["C"] for trial in kept.values()}
    found.wrong += [f"the trial of C={C:g} was over and ran again" for C in sorted(again)]
    now = stored_trials(study)
    found.wrong += [f"trial {n} is lost or changed" for n, trial in kept.items() if now.get(n) != trial]
    kept.update(now)


def stored_trials(study: Study) -> dict[int, Any]:
    """Return the trials that are over, from the store."""
    from sqlalchemy import select

    from airflow_mlops.store.tables import Claim

    with study.database.session() as session:
        claims = session.scalars(select(Claim).where(Claim.kind == "trial", Claim.finished_at.is_not(None)))
        values = [claim.value for claim in claims if claim.key.startswith("d/r/tune/-1#") and claim.value]
    if doubled := [n for n, times in Counter(value["number"] for value in values).items() if times > 1]:
        raise SystemExit(f"trials {doubled} are in the store twice")
    return {value["number"]: value for value in values}


def _compare(study: Study, kept: dict[int, Any], found: Outcome) -> None:
    """Compare the search that was killed with one that was not."""
    before = Path.cwd()
    os.chdir(study.folder)
    try:
        killed, whole = (_trials(study, study.tune(key).run_id) for key in ("d/r/tune/-1", "d/r2/tune/-1"))
    finally:
        os.chdir(before)
    found.trials = len(killed)
    if [trial["number"] for trial in killed] != list(range(study.trials)):
        found.wrong.append(f"the numbers are {[trial['number'] for trial in killed]}")
    if set(kept) != set(range(study.trials)):
        found.wrong.append(f"the store has the trials {sorted(kept)}")
    found.wrong += [f"trial {a['number']} is {a}, not {b}" for a, b in zip(killed, whole, strict=False) if a != b]
    found.needed = sum(len(trial["steps"]) for trial in whole)
    if found.fits > found.needed + found.kills * FOLDS:  # each kill costs the trial that it falls into
        found.wrong.append("there were more fits than those and the ones that were broken off")
    states = _states(study)
    if states["RUNNING"] or states["FINISHED"] != 2:
        found.wrong.append(f"the runs are {dict(states)}")


def _trials(study: Study, run_id: str) -> list[dict[str, Any]]:
    from airflow_mlops.core.training.tuning.tune import TRIALS_FILE

    path = study.client.download_artifacts(run_id, TRIALS_FILE, str(study.folder))
    trials: list[dict[str, Any]] = json.loads(Path(path).read_text(encoding="utf-8"))["trials"]
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in trials]


def _states(study: Study) -> Counter[str]:
    from benchmarks.crash.attempts import EXPERIMENT

    experiment = study.client.get_experiment_by_name(EXPERIMENT)
    return Counter(run.info.status for run in study.client.search_runs([experiment.experiment_id]))
