"""A study: trial after trial, each kept when it is over, so that a killed one goes on where it was."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, Protocol

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.tuning.proposals import Proposer, proposer
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.spread import spread
from airflow_mlops.core.training.tuning.trials import Kept, State, Trial, best_of

log = logging.getLogger(__name__)


class Judge(Protocol):
    """What judges parameters, step by step."""

    @property
    def steps(self) -> int:
        """How many steps a trial has."""

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        """Give the score after each step; the last is the trial's."""


def search(
    tuning: Tuning,
    metric: Metric,
    judge: Judge,
    kept: Kept,
    *,
    say: Callable[..., None] = log.info,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Trial]:
    """Run the trials that no earlier attempt has run, and give all.

    :param judge: judges parameters.
    :param kept: where trials are kept.
    :param say: where the line of each trial goes; called like ``logging``'s own.
    :param clock: gives seconds.
    :returns: the trials in the order of their numbers, without a gap; fewer than asked for when the time is over.
    :raises BadInput: when parameters cannot be built with at all, or a package is missing.
    """
    proposes, numbers = proposer(tuning, metric), tuning.numbers
    if tuning.backend is not None:
        return _side_by_side(tuning, metric, partial(_run, proposes=proposes, judge=judge, clock=clock), kept, say)
    tried: list[Trial] = []
    resumed = 0
    for number in numbers:
        if _is_over(tuning, tried):
            say("the time is over: %d of %d trials were run", len(tried), len(numbers))
            break
        earlier = kept.begin(number)
        resumed += earlier is not None
        trial = earlier or kept.keep(_run(number, proposes, judge, clock))
        proposes.told(trial)
        tried.append(trial)
        if earlier is None:
            say("%s", told(trial, numbers, best_of(tried, metric), metric))
    if resumed:
        say("%d of %d trials are of an earlier attempt", resumed, len(tried))
    return tried


def _side_by_side(
    tuning: Tuning, metric: Metric, run: Callable[[int], Trial], kept: Kept, say: Callable[..., None]
) -> list[Trial]:
    """Run trials on many workers; this process alone knows the store, and keeps each when it comes back."""
    numbers = tuning.numbers
    tried = [trial for number in numbers if (trial := kept.begin(number)) is not None]
    if tried:
        say("%d of %d trials are of an earlier attempt", len(tried), len(numbers))
    waiting = [number for number in numbers if number not in {trial.number for trial in tried}]
    for trial in spread(tuning, takewhile(lambda _: not _is_over(tuning, tried), waiting), run):
        tried.append(kept.keep(trial))
        say("%s", told(tried[-1], numbers, best_of(tried, metric), metric))
    if len(tried) < len(numbers):
        say("the time is over: %d of %d trials were run", len(tried), len(numbers))
    return sorted(tried, key=lambda trial: trial.number)


def _is_over(tuning: Tuning, tried: Sequence[Trial]) -> bool:
    """Whether the trials have had their time; the first always runs."""
    return bool(tried) and tuning.timeout is not None and sum(trial.seconds for trial in tried) >= tuning.timeout


def told(trial: Trial, numbers: range, best: Trial | None, metric: Metric) -> str:
    """Say a trial in a line: number, parameters, score, best so far."""
    params = " ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    outcome = "failed" if trial.score is None else f"{metric.name} {trial.score:.4f}"
    if trial.state == "pruned":
        outcome = f"given up at {outcome}"
    if trial.error:
        outcome = f"{outcome} ({trial.error})"
    known = "" if best is None or best.score is None else f"; best {best.score:.4f} (trial {best.number})"
    return f"trial {trial.number} of 0-{numbers[-1]}: {params}: {outcome}{known}"


def _run(number: int, proposes: Proposer, judge: Judge, clock: Callable[[], float]) -> Trial:
    """Run one trial. What is wrong with the data or the build, and what ends the task, is not the trial's to keep."""
    params, began = proposes.propose(number), clock()
    steps: list[float] = []
    state: State = "failed"
    error: str | None = "its score is not finite"
    try:
        with heartbeat(f"trial {number}"):
            pruned = _steps(params, judge, proposes, steps)
        if all(map(math.isfinite, steps)):
            state, error = "pruned" if pruned else "complete", None
    except (BadInput, MemoryError):
        raise
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}".splitlines()[0][:200]
    finite = [score for score in steps if math.isfinite(score)]
    return Trial(number, params, state, finite, clock() - began, error)


def _steps(params: Mapping[str, Any], judge: Judge, proposes: Proposer, steps: list[float]) -> bool:
    """Go through the steps of a trial, noting the score of each; gives whether it was given up before its end."""
    for step, score in enumerate(judge.scores(params)):
        steps.append(score)
        if not math.isfinite(score):
            return False
        if proposes.hopeless(step, score) and step < judge.steps - 1:
            return True
    return False


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:60]
