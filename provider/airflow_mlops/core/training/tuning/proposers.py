"""Proposers of parameters: grid search, random search and TPE."""

from __future__ import annotations

from itertools import product
from typing import Any, Protocol

from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.trials import Trial


class Proposer(Protocol):
    """Proposes the parameters of each trial."""

    def propose(self, number: int) -> dict[str, Any]:
        """Return the parameters of a trial, determined by the seed, its number and the earlier trials."""

    def should_prune(self, step: int, score: float) -> bool:
        """Return whether to prune the trial that was proposed last.

        :param step: the step of the trial, from 0.
        :param score: the score at this step.
        """

    def observe(self, trial: Trial) -> None:
        """Learn from a finished trial, of this attempt or an earlier one."""


class StaticProposer:
    """A grid or random search, which does not learn from results.

    :param tuning: the search settings.
    """

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.points = list(product(*(p.grid() for p in tuning.space.values()))) if tuning.method == "grid" else []

    def propose(self, number: int) -> dict[str, Any]:
        """Return a grid point, or a random draw from a generator seeded per trial."""
        import numpy as np

        space = self.tuning.space
        if self.points:
            return dict(zip(space, self.points[number], strict=True))
        generator = np.random.default_rng([self.tuning.seed, number])
        return {name: parameter.draw(generator) for name, parameter in space.items()}

    def should_prune(self, step: int, score: float) -> bool:
        """Return ``False``: trials are never pruned."""
        return False

    def observe(self, trial: Trial) -> None:
        """Ignore the trial."""


def make_proposer(tuning: Tuning, metric: Metric) -> Proposer:
    """Return the proposer of the search method.

    :raises BadInput: when the method needs a package that is not installed.
    """
    if tuning.method != "optuna":
        return StaticProposer(tuning)
    from airflow_mlops.core.training.tuning.tpe import TpeProposer

    return TpeProposer(tuning, metric)
