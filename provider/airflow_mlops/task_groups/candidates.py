"""Tasks that fit the candidates of a training in parallel and select one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.candidates import SPACE_KEY, is_search, normalise_candidates
from airflow_mlops.execution.steps.parameters import SEARCH_SETTINGS
from airflow_mlops.operators.arguments import check_arguments
from airflow_mlops.operators.candidates import ChooseCandidatesOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.tune import TuneModelOperator
from airflow_mlops.task_groups.base import StepOptions, output_of

MAP_INDEX_TEMPLATE = "{{ task.candidate or task.build.split(':')[-1] }}"
PARAMS = "model_params"
Candidates = Sequence[str | Mapping[str, Any]]


def fitting_tasks(
    candidates: Candidates, *, model: str, plan: Any, step: Mapping[str, Any], search: StepOptions, **wired: Any
) -> tuple[list[Any], SelectChallengerOperator]:
    """Train or tune the candidates in parallel and select one; return the fitting tasks and the selecting task.

    :param plan: output of the plan, which sets the starting point. ``None``: start from the candidates.
    :param step: more arguments for ``TrainModelOperator``, and with ``search`` also for ``TuneModelOperator``.
    :param search: more arguments for ``TuneModelOperator``. ``None``: no tuning.
    :param wired: arguments for both.
    :raises BadInput: when a candidate has a search space but tuning is disabled, or an argument is unknown.
    """
    if search is None and any(is_search(candidate) for candidate in normalise_candidates(candidates)):
        raise BadInput("a candidate has a search space, but tuning is disabled", hint="set tune={...}, {} for defaults")
    fitting = TrainModelOperator if search is None else TuneModelOperator
    check_arguments(fitting, step, where="train")
    check_arguments(fitting, search or (), where="tune")
    if plan is None:
        fitted = [_fit_all(candidates, {**step, **(search or {})}, tuned=search is not None, **wired)]
    elif search is None:
        fitted = [_fit_planned(TrainModelOperator, candidates, step, None, model=model, plan=plan, **wired)]
    else:
        options = _with_shared_space(candidates, search)
        train_options = {name: value for name, value in step.items() if name == "seed" or name not in SEARCH_SETTINGS}
        tune_options = {name: value for name, value in {**step, **search}.items() if name != SPACE_KEY}
        fitted = [
            _fit_planned(TrainModelOperator, options, train_options, False, model=model, plan=plan, **wired),
            _fit_planned(TuneModelOperator, options, tune_options, True, model=model, plan=plan, **wired),
        ]
    return fitted, _select(fitted)


def _fit_all(candidates: Candidates, step: Mapping[str, Any], *, tuned: bool, **wired: Any) -> Any:
    """Fit all candidates, without a plan."""
    operator = TuneModelOperator if tuned else TrainModelOperator
    partial = operator.partial(**{"task_id": "train", "map_index_template": MAP_INDEX_TEMPLATE, **wired, **step})
    if all(isinstance(candidate, str) for candidate in candidates):
        return partial.expand(build=list(candidates))
    options = normalise_candidates(candidates)
    for number, candidate in enumerate(options):
        check_arguments(operator, candidate, where=f"candidates, number {number}", inherited=False)
    return partial.expand_kwargs(options)


def _fit_planned(
    operator: type[TrainModelOperator | TuneModelOperator],
    candidates: Candidates,
    step: Mapping[str, Any],
    with_space: bool | None,
    *,
    model: str,
    plan: Any,
    **wired: Any,
) -> Any:
    """Fit the candidates that the plan starts from: all, or only those with or without a search space."""
    shared, options = _move_params(step, candidates)
    selection = ChooseCandidatesOperator(
        task_id="searches" if with_space else "candidates",
        model=model,
        candidates=list(options),
        start_from=plan["start_from"],
        with_space=with_space,
    )
    task_options = {"task_id": "tune" if with_space else "train", "map_index_template": MAP_INDEX_TEMPLATE}
    return operator.partial(**{**task_options, **wired, **shared}).expand_kwargs(output_of(selection))


def _select(fitted: Sequence[Any]) -> SelectChallengerOperator:
    """Select among all fitted candidates. With two fitting tasks, the one without candidates is skipped."""
    if len(fitted) == 1:
        return SelectChallengerOperator(task_id="select", candidates=output_of(fitted[0]))
    first, *others = (output_of(step) for step in fitted)
    rule = "none_failed_min_one_success"
    return SelectChallengerOperator(task_id="select", candidates=first.concat(*others), trigger_rule=rule)


def _move_params(step: Mapping[str, Any], candidates: Candidates) -> tuple[dict[str, Any], Candidates]:
    """Move shared model parameters into the candidates: the champion brings its own, and a task takes them once."""
    shared = dict(step)
    if PARAMS not in shared:
        return shared, candidates
    params = shared.pop(PARAMS)
    return shared, [{PARAMS: params, **candidate} for candidate in normalise_candidates(candidates)]


def _with_shared_space(candidates: Candidates, tune: Mapping[str, Any]) -> Candidates:
    """Add the shared search space to each candidate without its own."""
    if SPACE_KEY not in tune:
        return candidates
    return [{SPACE_KEY: tune[SPACE_KEY], **candidate} for candidate in normalise_candidates(candidates)]
