"""Who says which parameters are tried next."""

from __future__ import annotations

from itertools import product
from typing import Any, Protocol

from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.trials import Trial


class Proposer(Protocol):
    """Proposes parameters, trial after trial."""

    def propose(self, number: int) -> dict[str, Any]:
        """Give the parameters of a trial, which follow from the seed, its number and the trials told before alone."""

    def hopeless(self, step: int, score: float) -> bool:
        """Say whether the trial that was proposed last is to be given up.

        :param step: of the trial, from 0 on.
        :param score: that it has there.
        """

    def told(self, trial: Trial) -> None:
        """Learn from a trial that is over, of this attempt or of an earlier one."""


class Fixed:
    """A grid or a random search: what is tried does not depend on what came of it.

    :param tuning: says which.
    """

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.points = list(product(*(p.grid() for p in tuning.space.values()))) if tuning.method == "grid" else []

    def propose(self, number: int) -> dict[str, Any]:
        """Give the point of the grid, or draw one: each trial has a generator of its own."""
        import numpy as np

        space = self.tuning.space
        if self.points:
            return dict(zip(space, self.points[number], strict=True))
        generator = np.random.default_rng([self.tuning.seed, number])
        return {name: parameter.draw(generator) for name, parameter in space.items()}

    def hopeless(self, step: int, score: float) -> bool:
        """Never."""
        return False

    def told(self, trial: Trial) -> None:
        """Nothing is learnt."""


def proposer(tuning: Tuning, metric: Metric) -> Proposer:
    """Give the one that a method means.

    :raises BadInput: when it needs a package that is not installed.
    """
    if tuning.method != "optuna":
        return Fixed(tuning)
    from airflow_mlops.core.training.tuning.parzen import Parzen

    return Parzen(tuning, metric)
