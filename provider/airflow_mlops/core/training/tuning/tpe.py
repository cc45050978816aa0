"""Proposals by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), with its median pruning rule.

The Optuna study is in memory, and is filled with the stored trials of all attempts. The sampler is seeded per trial
number, so a resumed study makes the same proposals as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.space import SearchParameter
from airflow_mlops.core.training.tuning.trials import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

INSTALL_COMMAND = "pip install 'airflow-provider-mlops[tuning]'"
OPTUNA_STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}


class TpeProposer:
    """Proposes parameters by TPE, learning from earlier trials.

    :param tuning: the search settings.
    :param metric: the metric to optimise.
    :raises BadInput: when Optuna is not installed.
    """

    def __init__(self, tuning: Tuning, metric: Metric) -> None:
        try:
            import optuna
        except ImportError:
            raise BadInput(
                "method='optuna' needs Optuna, which is not installed",
                hint=f"{INSTALL_COMMAND}, or use method='random'",
            ) from None
        self.tuning = tuning
        self.distributions = {name: to_distribution(parameter) for name, parameter in tuning.space.items()}
        self.pruner = optuna.pruners.MedianPruner() if tuning.prune else optuna.pruners.NopPruner()
        with _silence_optuna():
            self.study = optuna.create_study(
                direction="maximize" if metric.direction == "higher" else "minimize", pruner=self.pruner
            )
        self.pending: Any = None

    def propose(self, number: int) -> dict[str, Any]:
        """Return Optuna's proposal for a trial."""
        import numpy as np
        from optuna.samplers import TPESampler

        seed = np.random.SeedSequence([self.tuning.seed, number]).generate_state(1)[0]
        self.study.sampler = TPESampler(seed=int(seed))
        self.pending = self.study.ask(self.distributions)
        space = self.tuning.space
        return {name: _from_internal(space[name], value) for name, value in self.pending.params.items()}

    def should_prune(self, step: int, score: float) -> bool:
        """Return whether Optuna's median rule prunes the proposed trial."""
        self.pending.report(score, step)
        return bool(self.pending.should_prune())

    def observe(self, trial: Trial) -> None:
        """Add the stored trial to the study; the pending Optuna trial is closed and does not count."""
        from optuna.trial import TrialState, create_trial

        if self.pending is not None:
            self.study.tell(self.pending, state=TrialState.FAIL)
            self.pending = None
        if trial.state == "failed":
            return
        space = self.tuning.space
        with _silence_optuna():
            self.study.add_trial(
                create_trial(
                    state=TrialState[OPTUNA_STATES[trial.state]],
                    value=trial.score,
                    params={name: _to_internal(space[name], value) for name, value in trial.params.items()},
                    distributions=self.distributions,
                    intermediate_values=dict(enumerate(trial.steps)),
                )
            )


def to_distribution(parameter: SearchParameter) -> BaseDistribution:
    """Return the Optuna distribution of a parameter. Values and steps are represented by their index, because Optuna
    does not accept lists and rounds fractional steps differently.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.values is not None:
        return CategoricalDistribution(range(len(parameter.values)))
    if parameter.value_count is not None:
        return IntDistribution(0, parameter.value_count - 1)
    low, high = parameter.bounds
    if parameter.type == "int":
        return IntDistribution(int(low), int(high), log=parameter.log)
    return FloatDistribution(low, high, log=parameter.log)


def _from_internal(parameter: SearchParameter, value: Any) -> Any:
    return value if parameter.value_count is None else parameter.value_at(value)


def _to_internal(parameter: SearchParameter, value: Any) -> Any:
    return value if parameter.value_count is None else parameter.index_of(value)


@contextmanager
def _silence_optuna() -> Iterator[None]:
    """Silence Optuna's own logging."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
