"""The candidates of a training, fitted side by side: those that are given, or those that its plan starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.monitoring.starting import SPACE, is_search, mappings
from airflow_mlops.operators.candidates import ChooseCandidatesOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.tune import SETTINGS, TuneModelOperator
from airflow_mlops.task_groups.base import Step, output

NAMED = "{{ task.candidate or task.build.split(':')[-1] }}"
PARAMS = "model_params"
Candidates = Sequence[str | Mapping[str, Any]]


def fitting_tasks(
    candidates: Candidates, *, model: str, plan: Any, step: Mapping[str, Any], search: Step, **wired: Any
) -> tuple[list[Any], SelectChallengerOperator]:
    """Train, or tune, the candidates side by side, and select one; gives the fitting steps and the selecting one.

    :param plan: the plan's output, which says what the training starts from; ``None``: from the candidates.
    :param step: more for ``TrainModelOperator``, or with ``search`` for that.
    :param search: more for ``TuneModelOperator``; ``None``: nothing is searched.
    :param wired: what both are given.
    :raises BadInput: when a candidate has a space, and nothing is searched.
    """
    if search is None and any(is_search(one) for one in mappings(candidates)):
        raise BadInput("a candidate has a space, and nothing is searched", mend="give tune={...}, {} for its defaults")
    if plan is None:
        fitted = [_given(candidates, {**step, **(search or {})}, tuned=search is not None, **wired)]
    elif search is None:
        fitted = [_planned(TrainModelOperator, candidates, step, None, model=model, plan=plan, **wired)]
    else:
        each = _spaced(candidates, search)
        plain = {name: value for name, value in step.items() if name == "seed" or name not in SETTINGS}
        both = {name: value for name, value in {**step, **search}.items() if name != SPACE}
        fitted = [
            _planned(TrainModelOperator, each, plain, False, model=model, plan=plan, **wired),
            _planned(TuneModelOperator, each, both, True, model=model, plan=plan, **wired),
        ]
    return fitted, _selected(fitted)


def _given(candidates: Candidates, step: Mapping[str, Any], *, tuned: bool, **wired: Any) -> Any:
    """Fit the candidates, whatever the run is for."""
    operator = TuneModelOperator if tuned else TrainModelOperator
    partial = operator.partial(**{"task_id": "train", "map_index_template": NAMED, **wired, **step})
    if all(isinstance(candidate, str) for candidate in candidates):
        return partial.expand(build=list(candidates))
    return partial.expand_kwargs(mappings(candidates))


def _planned(
    operator: type[TrainModelOperator | TuneModelOperator],
    candidates: Candidates,
    step: Mapping[str, Any],
    searched: bool | None,
    *,
    model: str,
    plan: Any,
    **wired: Any,
) -> Any:
    """Fit what the plan starts from: all of it, or as far as it is searched or not."""
    shared, each = _apart(step, candidates)
    chosen = ChooseCandidatesOperator(
        task_id="searches" if searched else "candidates",
        model=model,
        candidates=list(each),
        start_from=plan["start_from"],
        searched=searched,
    )
    named = {"task_id": "tune" if searched else "train", "map_index_template": NAMED}
    return operator.partial(**{**named, **wired, **shared}).expand_kwargs(output(chosen))


def _selected(fitted: Sequence[Any]) -> SelectChallengerOperator:
    """Choose among all that were fitted; where nothing is to be searched, or all of it, one of two steps is skipped."""
    if len(fitted) == 1:
        return SelectChallengerOperator(task_id="select", candidates=output(fitted[0]))
    first, *others = (output(step) for step in fitted)
    rule = "none_failed_min_one_success"
    return SelectChallengerOperator(task_id="select", candidates=first.concat(*others), trigger_rule=rule)


def _apart(step: Mapping[str, Any], candidates: Candidates) -> tuple[dict[str, Any], Candidates]:
    """Move parameters that all share into the candidates: the champion brings its own, and a task takes them once."""
    shared = dict(step)
    if PARAMS not in shared:
        return shared, candidates
    params = shared.pop(PARAMS)
    return shared, [{PARAMS: params, **one} for one in mappings(candidates)]


def _spaced(candidates: Candidates, tune: Mapping[str, Any]) -> Candidates:
    """Give each candidate the space that all share, as far as it has none of its own."""
    return [{SPACE: tune[SPACE], **one} for one in mappings(candidates)] if SPACE in tune else candidates
