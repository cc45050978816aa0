"""The candidates of a training run: those of its DAG, or what the champion was made with."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.tune import TuneModelOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseCandidatesOperator(LifecycleOperator):
    """Choose what a training run fits; gives the keywords of a ``TrainModelOperator`` for each candidate.

    Map the training over it. What all candidates share stands in ``partial``; ``build``, ``candidate`` and
    ``model_params`` do not, as the champion brings its own::

        candidates = ChooseCandidatesOperator(
            task_id="candidates",
            model="churn",
            candidates=["include.churn.model:linear", "include.churn.model:boosted"],
            start_from=plan.output["start_from"],
        )
        TrainModelOperator.partial(task_id="train", ...).expand_kwargs(candidates.output)

    Where the champion's configuration is not to be had (no champion yet, its run is gone, it was not built by what can
    be imported), or no candidate has a space for a new search, it says so in the log and gives the candidates: a
    retraining that drift has asked for is not lost because of that.

    :param model: the model's name.
    :param candidates: for each an import path, or keywords of a ``TrainModelOperator`` with at least ``build``; with a
        ``space`` they are those of a ``TuneModelOperator``. Functions have to be named by their import paths.
    :param start_from: ``candidates``: all of them; ``champion``: the champion's ``build`` and ``model_params`` alone,
        with what else the candidate of its name has; ``tuning``: the candidates that have a ``space``. Mostly that of
        the plan.
    :param searched: give only those that have a ``space`` (``True``), or only the others (``False``), where a DAG has a
        task for each kind; a task that is mapped over none is skipped. Default: all.
    """

    template_fields: Sequence[str] = ("model", "candidates", "start_from", "searched")

    def __init__(
        self,
        *,
        model: str,
        candidates: Sequence[str | Mapping[str, Any]],
        start_from: str = "candidates",
        searched: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(candidates, (list, tuple)):
            checked(candidates)
        self.model = model
        self.candidates = candidates
        self.start_from = start_from
        self.searched = searched

    def step(self, context: Context) -> list[dict[str, Any]]:
        """Choose."""
        from airflow_mlops.core.monitoring.configuration import champions_own
        from airflow_mlops.core.monitoring.starting import called, start

        given = checked(self.candidates)
        found = start(self.start_from, given, own=lambda: champions_own(self.mlflow, self.database, self.model, given))
        if found.instead is not None:
            self.log.warning("starting from the candidates, not from the %s: %s", self.start_from, found.instead)
        chosen = found.of(self.searched)
        self.log.info("from the %s: %s", found.start_from, ", ".join(map(called, chosen)) or "none here")
        return chosen


def checked(candidates: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give candidates as keywords, all of which the operator that they are for takes.

    :raises BadInput: when one has no import path, or a keyword that its operator does not have.
    """
    from airflow_mlops.core.errors import BadInput
    from airflow_mlops.core.monitoring.starting import is_search, mappings

    found = mappings(candidates)
    for number, one in enumerate(found):
        operator = TuneModelOperator if is_search(one) else TrainModelOperator
        known = inspect.signature(operator.__init__).parameters.keys() - {"self", "kwargs"}
        for name in one.keys() - known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise BadInput(
                f"{operator.__name__} has no {name!r} that a candidate could give",
                where=f"candidates, number {number}: {one['build']}",
                mend=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}",
            )
    return found
