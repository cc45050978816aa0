"""Operator that selects the candidates of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.arguments import check_arguments
from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.tune import TuneModelOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseCandidatesOperator(LifecycleOperator):
    """Select the candidates of a training run. Returns keywords of a ``TrainModelOperator``, one mapping each.

    Map the training over the result. Put what all candidates share into ``partial``, but not ``build``, ``candidate``
    and ``model_params``: the champion brings its own::

        candidates = ChooseCandidatesOperator(
            task_id="candidates",
            model="churn",
            candidates=["include.churn.model:linear", "include.churn.model:boosted"],
            start_from=plan.output["start_from"],
        )
        TrainModelOperator.partial(task_id="train", ...).expand_kwargs(candidates.output)

    If ``start_from`` is unavailable, the operator logs a warning and falls back to all candidates, so that a
    drift-triggered retraining still runs. Reasons are: there is no champion, its run was deleted, its build function is
    not importable, or no candidate has a search space.

    :param model: name of the registered model.
    :param candidates: one entry per candidate: the import path of its build function, or a mapping of
        ``TrainModelOperator`` keywords with at least ``build``. With a ``space``, the keywords are those of a
        ``TuneModelOperator``. Functions must be import paths.
    :param start_from: ``candidates`` (default): all of them. ``champion``: only the champion's ``build`` and
        ``model_params``, plus the other keywords of the candidate with its name. ``tuning``: only candidates with a
        ``space``. Usually taken from the plan.
    :param with_space: ``True``: only candidates with a ``space``; ``False``: only those without; ``None`` (default):
        all. For a DAG with one task per kind: a task mapped over an empty list is skipped.
    """

    template_fields: Sequence[str] = ("model", "candidates", "start_from", "with_space")

    def __init__(
        self,
        *,
        model: str,
        candidates: Sequence[str | Mapping[str, Any]],
        start_from: str = "candidates",
        with_space: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(candidates, (list, tuple)):
            check_candidates(candidates)
        self.model = model
        self.candidates = candidates
        self.start_from = start_from
        self.with_space = with_space

    def step(self, context: Context) -> list[dict[str, Any]]:
        """Select the candidates and log the starting point."""
        from airflow_mlops.core.retraining.candidates import candidate_name, select_candidates
        from airflow_mlops.core.retraining.champion_config import load_champion_config

        options = check_candidates(self.candidates)
        selection = select_candidates(
            self.start_from,
            options,
            load_champion=lambda: load_champion_config(self.mlflow, self.database, self.model, options),
        )
        if selection.fallback_reason is not None:
            self.log.warning("Falling back from %s to the candidates: %s", self.start_from, selection.fallback_reason)
        selected = selection.filtered(self.with_space)
        self.log.info("Starting from %s: %s", selection.start_from, ", ".join(map(candidate_name, selected)) or "none")
        return selected


def check_candidates(candidates: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the candidates as operator keywords, after checking that the operator accepts each one.

    :raises BadInput: when a candidate has no import path, or a keyword that its operator does not have.
    """
    from airflow_mlops.core.retraining.candidates import is_search, normalise_candidates

    options = normalise_candidates(candidates)
    for number, candidate in enumerate(options):
        operator = TuneModelOperator if is_search(candidate) else TrainModelOperator
        where = f"candidates, number {number}: {candidate['build']}"
        check_arguments(operator, candidate, where=where, inherited=False)
    return options
