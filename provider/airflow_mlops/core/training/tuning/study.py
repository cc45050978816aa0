"""The search loop: runs trials and stores each, so that a killed search can resume."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, Protocol

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.tuning.executors import run_parallel
from airflow_mlops.core.training.tuning.proposers import Proposer, make_proposer
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.trials import Trial, TrialState, TrialStore, find_best_trial

log = logging.getLogger(__name__)


class StepScorer(Protocol):
    """Scores parameters, step by step."""

    @property
    def steps(self) -> int:
        """The number of steps of a trial."""

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        """Yield the score after each step; the last one is the trial's score."""


def run_search(
    tuning: Tuning,
    metric: Metric,
    scorer: StepScorer,
    store: TrialStore,
    *,
    log_line: Callable[..., None] = log.info,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Trial]:
    """Run all trials that no earlier attempt has finished, and return all of them.

    :param scorer: scores parameters.
    :param store: stores the trials.
    :param log_line: writes the log line of each trial; called like ``logging``'s own functions.
    :param clock: returns seconds.
    :returns: the trials by number, without gaps; fewer than requested when the timeout is reached.
    :raises BadInput: when no estimator can be built from the parameters, or a package is missing.
    """
    trial_proposer, numbers = make_proposer(tuning, metric), tuning.trial_numbers
    if tuning.backend is not None:
        return _search_parallel(
            tuning,
            metric,
            partial(_run_trial, trial_proposer=trial_proposer, scorer=scorer, clock=clock),
            store,
            log_line,
        )
    finished: list[Trial] = []
    resumed = 0
    for number in numbers:
        if _is_timed_out(tuning, finished):
            log_line("timeout reached: %d of %d trials were run", len(finished), len(numbers))
            break
        earlier = store.find_finished(number)
        resumed += earlier is not None
        trial = earlier or store.save(_run_trial(number, trial_proposer, scorer, clock))
        trial_proposer.observe(trial)
        finished.append(trial)
        if earlier is None:
            log_line("%s", format_trial(trial, numbers, find_best_trial(finished, metric), metric))
    if resumed:
        log_line("reusing %d of %d trials of an earlier attempt", resumed, len(finished))
    return finished


def _search_parallel(
    tuning: Tuning, metric: Metric, run: Callable[[int], Trial], store: TrialStore, log_line: Callable[..., None]
) -> list[Trial]:
    """Run trials in parallel; only this process writes to the store, as each trial returns."""
    numbers = tuning.trial_numbers
    finished = [trial for number in numbers if (trial := store.find_finished(number)) is not None]
    if finished:
        log_line("reusing %d of %d trials of an earlier attempt", len(finished), len(numbers))
    remaining = [number for number in numbers if number not in {trial.number for trial in finished}]
    for trial in run_parallel(tuning, takewhile(lambda _: not _is_timed_out(tuning, finished), remaining), run):
        finished.append(store.save(trial))
        log_line("%s", format_trial(finished[-1], numbers, find_best_trial(finished, metric), metric))
    if len(finished) < len(numbers):
        log_line("timeout reached: %d of %d trials were run", len(finished), len(numbers))
    return sorted(finished, key=lambda trial: trial.number)


def _is_timed_out(tuning: Tuning, finished: Sequence[Trial]) -> bool:
    """Check whether the timeout is reached; the first trial always runs."""
    return bool(finished) and tuning.timeout is not None and sum(trial.seconds for trial in finished) >= tuning.timeout


def format_trial(trial: Trial, numbers: range, best: Trial | None, metric: Metric) -> str:
    """Format a trial as a log line: number, parameters, score, best so far."""
    params = " ".join(f"{name}={_format_value(value)}" for name, value in trial.params.items())
    outcome = "failed" if trial.score is None else f"{metric.name} {trial.score:.4f}"
    if trial.state == "pruned":
        outcome = f"pruned at {outcome}"
    if trial.error:
        outcome = f"{outcome} ({trial.error})"
    best_text = "" if best is None or best.score is None else f"; best {best.score:.4f} (trial {best.number})"
    return f"trial {trial.number} of 0-{numbers[-1]}: {params}: {outcome}{best_text}"


def _run_trial(number: int, trial_proposer: Proposer, scorer: StepScorer, clock: Callable[[], float]) -> Trial:
    """Run one trial. Errors in the data or the build, and those that end the task, are raised instead of stored."""
    params, started = trial_proposer.propose(number), clock()
    steps: list[float] = []
    state: TrialState = "failed"
    error: str | None = "its score is not finite"
    try:
        with heartbeat(f"trial {number}"):
            pruned = _run_steps(params, scorer, trial_proposer, steps)
        if all(map(math.isfinite, steps)):
            state, error = "pruned" if pruned else "complete", None
    except (BadInput, MemoryError):
        raise
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}".splitlines()[0][:200]
    finite = [score for score in steps if math.isfinite(score)]
    return Trial(number, params, state, finite, clock() - started, error)


def _run_steps(params: Mapping[str, Any], scorer: StepScorer, trial_proposer: Proposer, steps: list[float]) -> bool:
    """Run the steps of a trial, recording the score of each; return whether it was pruned."""
    for step, score in enumerate(scorer.scores(params)):
        steps.append(score)
        if not math.isfinite(score):
            return False
        if trial_proposer.should_prune(step, score) and step < scorer.steps - 1:
            return True
    return False


def _format_value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:60]
