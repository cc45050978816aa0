"""Proposals by Optuna's tree of Parzen estimators (Bergstra et al. 2011), with its median rule for giving up.

Optuna keeps its study in memory, and every trial comes into it from our own record, whether this attempt ran it or an
earlier one. With a sampler that is seeded anew for each number, a resumed study proposes what it would have proposed
had nobody killed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.space import Parameter
from airflow_mlops.core.training.tuning.trials import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

HOW_TO_INSTALL = "pip install 'airflow-provider-mlops[tuning]'"
STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}


class Parzen:
    """Proposes what did well so far.

    :param tuning: the search.
    :param metric: what trials are judged by.
    :raises BadInput: when Optuna is not installed.
    """

    def __init__(self, tuning: Tuning, metric: Metric) -> None:
        try:
            import optuna
        except ImportError:
            raise BadInput(
                "method='optuna' needs Optuna, which is not installed",
                mend=f"{HOW_TO_INSTALL}, or use method='random'",
            ) from None
        self.tuning = tuning
        self.distributions = {name: distribution(parameter) for name, parameter in tuning.space.items()}
        self.pruner = optuna.pruners.MedianPruner() if tuning.prune else optuna.pruners.NopPruner()
        with _quiet():
            self.study = optuna.create_study(
                direction="maximize" if metric.direction == "higher" else "minimize", pruner=self.pruner
            )
        self.asked: Any = None

    def propose(self, number: int) -> dict[str, Any]:
        """Ask Optuna."""
        import numpy as np
        from optuna.samplers import TPESampler

        seed = np.random.SeedSequence([self.tuning.seed, number]).generate_state(1)[0]
        self.study.sampler = TPESampler(seed=int(seed))
        self.asked = self.study.ask(self.distributions)
        space = self.tuning.space
        return {name: _meant(space[name], value) for name, value in self.asked.params.items()}

    def hopeless(self, step: int, score: float) -> bool:
        """Ask Optuna's median rule."""
        self.asked.report(score, step)
        return bool(self.asked.should_prune())

    def told(self, trial: Trial) -> None:
        """Add the trial as it was kept; what was asked for it is closed, and counts for nothing."""
        from optuna.trial import TrialState, create_trial

        if self.asked is not None:
            self.study.tell(self.asked, state=TrialState.FAIL)
            self.asked = None
        if trial.state == "failed":
            return
        space = self.tuning.space
        with _quiet():
            self.study.add_trial(
                create_trial(
                    state=TrialState[STATES[trial.state]],
                    value=trial.score,
                    params={name: _internal(space[name], value) for name, value in trial.params.items()},
                    distributions=self.distributions,
                    intermediate_values=dict(enumerate(trial.steps)),
                )
            )


def distribution(parameter: Parameter) -> BaseDistribution:
    """Give Optuna's word for a parameter. Values and steps are known to it by their place: it takes no lists, and
    reckons steps of fractions otherwise than we do.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.values is not None:
        return CategoricalDistribution(range(len(parameter.values)))
    if parameter.places is not None:
        return IntDistribution(0, parameter.places - 1)
    low, high = parameter.ends
    if parameter.type == "int":
        return IntDistribution(int(low), int(high), log=parameter.log)
    return FloatDistribution(low, high, log=parameter.log)


def _meant(parameter: Parameter, value: Any) -> Any:
    return value if parameter.places is None else parameter.at(value)


def _internal(parameter: Parameter, value: Any) -> Any:
    return value if parameter.places is None else parameter.place_of(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's own words out of the task's log."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
