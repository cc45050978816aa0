"""Tasks that train, evaluate and promote a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import NO_OVERRIDES, RowsInput, StepOptions, as_task_group, build_task, output_of
from airflow_mlops.task_groups.candidates import fitting_tasks
from airflow_mlops.task_groups.promotion_steps import PromotionInputs, promotion_tasks
from airflow_mlops.task_groups.training_window import LabelledWindow, PlannedRows, close_window, open_window

__all__ = ["LabelledWindow", "TrainingOutputs", "training_task_group", "training_tasks"]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class TrainingOutputs:
    """Outputs of the training steps; ``None`` for an omitted step.

    :param plan: plan of a :class:`LabelledWindow`: ``cause``, ``first``, ``cutoff``, ``effective_at``, ``episode``.
    :param rows: labelled rows.
    :param validation: ``ReportRef`` of their validation.
    :param parts: part name -> ``SnapshotRef``: ``train``, ``validation`` and ``test``.
    :param run: ``RunRef`` of the challenger.
    :param version: ``ModelVersionRef`` of the challenger.
    :param self_tests: ``ReportRef`` of its model tests.
    :param evaluation: ``ReportRef`` of its evaluation.
    :param decision: ``ReportRef`` of the gate.
    :param promotion: ledger entry.
    :param card: ``ReportRef`` of its model card.
    """

    plan: Any
    rows: Any
    validation: Any
    parts: Mapping[str, Any]
    run: Any
    version: Any
    self_tests: Any
    evaluation: Any
    decision: Any
    promotion: Any
    card: Any


def training_tasks(
    *,
    model: str,
    rows: RowsInput | LabelledWindow,
    target: str,
    key: str | Sequence[str],
    candidates: Sequence[str | Mapping[str, Any]],
    row_key: Sequence[str] | None = None,
    contract: str | Mapping[str, Any] | None = None,
    features: Sequence[str] | None = None,
    policy: str | Mapping[str, Any] | None = None,
    metric: str = "roc_auc",
    slices: Sequence[str] = (),
    groups: Sequence[str] = (),
    threshold: float | str = 0.5,
    self_tests: str | None = None,
    about: str | None = None,
    trusted_types: Sequence[str] = (),
    outlets: Sequence[Any] = (),
    notify: Callable[..., Any] | None = None,
    validate: StepOptions = NO_OVERRIDES,
    split: Mapping[str, Any] = NO_OVERRIDES,
    leakage: StepOptions = NO_OVERRIDES,
    train: Mapping[str, Any] = NO_OVERRIDES,
    tune: StepOptions = None,
    self_test: StepOptions = NO_OVERRIDES,
    evaluate: StepOptions = NO_OVERRIDES,
    gate: StepOptions = NO_OVERRIDES,
    approval: StepOptions = NO_OVERRIDES,
    promote: Mapping[str, Any] = NO_OVERRIDES,
    card: StepOptions = NO_OVERRIDES,
) -> TrainingOutputs:
    """Create the tasks of a training, from rows to champion.

    The tasks are ``plan``, ``training_set`` and ``candidates`` (only for a :class:`LabelledWindow`), ``validate``,
    ``split``, ``leakage``, ``train`` (mapped over the candidates), ``select``, ``register``, ``self_test``,
    ``evaluate`` and ``gate``. Then follow ``promote``, ``hold`` or ``reject``, ``card``, and ``close_episode`` (only
    for a window).

    A ``StepOptions`` parameter is optional: ``None`` omits the step, a mapping has more arguments for its operator,
    which override those set here. Without a card, a downstream task needs ``trigger_rule="none_failed"`` to join
    branches.

    :param model: name of the registered model.
    :param rows: labelled rows: a ``SnapshotRef``, ``dataset@partition``, the output of a task, or a
        :class:`LabelledWindow` of partitions that a plan chooses.
    :param target: column to predict.
    :param key: column, or columns, that the split hashes: rows with equal values stay in one part.
    :param candidates: import paths of functions that return an unfitted estimator; or a mapping of
        :class:`~airflow_mlops.operators.train.TrainModelOperator` arguments for each, with the same keys in all, such
        as ``{"build": "include.churn.model:boosted", "candidate": "deep", "model_params": {"depth": 8}}``.
    :param row_key: columns that identify a row. Default: ``key``, plus ``partition`` for a :class:`LabelledWindow`.
    :param contract: contract of the rows, which also names the features: its path or content. Default: none.
    :param features: feature columns. Default: the contract's.
    :param policy: path of a ``policy.yaml`` with a ``gate`` section, or its content. Its ``episode`` section sets the
        starting point of a retraining. Default: the default policies.
    :param metric: metric for model selection; it also sets the task type. Default: ``roc_auc``.
    :param slices: columns whose values the challenger and champion are compared on. Default: none.
    :param groups: columns with protected attributes. Default: none.
    :param threshold: decision threshold on the score for ``groups``, 0 to 1. Default: 0.5.
    :param self_tests: module with the team's own tests, such as ``include.churn.self_tests``. Default: none.
    :param about: owners' section of the model card: the path of a Markdown file, or the text. Default: none.
    :param trusted_types: the project's own types that the models may contain. Default: none.
    :param outlets: asset outlets of the promotion. Default: none.
    :param notify: callback of gate and promotion, such as a ``LifecycleNotifier``. Default: none.
    :param validate: more arguments for :class:`~airflow_mlops.operators.validate.ValidateDatasetOperator`. The step
        requires a contract.
    :param split: more arguments for :class:`~airflow_mlops.operators.split.SplitDatasetOperator`, such as
        ``{"test": 0.3}``.
    :param leakage: more arguments for :class:`~airflow_mlops.operators.leakage.CheckLeakageOperator`.
    :param train: more arguments for ``TrainModelOperator``, and with ``tune`` also for ``TuneModelOperator``.
    :param tune: tune with :class:`~airflow_mlops.operators.tune.TuneModelOperator` in place of
        ``TrainModelOperator``, with at least ``{"space": ...}``. For a :class:`LabelledWindow`, a task ``tune`` is
        added next to ``train``, which fits candidates without a search space, such as the champion's configuration. A
        task with nothing to fit is skipped. Default: no tuning.
    :param self_test: more arguments for :class:`~airflow_mlops.operators.self_test.SelfTestModelOperator`.
    :param evaluate: more arguments for :class:`~airflow_mlops.operators.evaluate.EvaluateModelOperator`. ``None``: the
        version is registered but not evaluated.
    :param gate: more arguments for :class:`~airflow_mlops.operators.gate.EvaluationGateOperator`. ``None``: the version
        is evaluated but not promoted.
    :param approval: more arguments for Airflow's ``ApprovalOperator``, which a held version waits for. ``None``: a held
        version is rejected.
    :param promote: more arguments for :class:`~airflow_mlops.operators.promote.PromoteModelOperator`.
    :param card: more arguments for :class:`~airflow_mlops.operators.model_card.ModelCardOperator`.
    """
    planned = open_window(rows, model=model, key=key, policy=policy)
    model_options = {"target": target, "contract": contract, "features": features, "metric": metric}
    trusted = {"trusted_types": list(trusted_types)}
    validation, split_task = _validate_and_split(planned, contract, validate, split=split, key=key)
    parts = {part: output_of(split_task)[part] for part in PARTS}
    leakage_task = _check_leakage(leakage, parts, planned, contract=contract, target=target, features=features, key=key)
    inputs = {"train": parts["train"], "validation": parts["validation"], **model_options, **trusted}
    fitted, select = fitting_tasks(candidates, model=model, plan=planned.plan, step=train, search=tune, **inputs)
    if leakage_task is not None:
        leakage_task >> fitted
    register = RegisterModelOperator(
        task_id="register", model=model, run=output_of(select), data=parts, contract=contract, features=features
    )
    promotion_inputs = PromotionInputs(
        challenger=register,
        parts=parts,
        row_key=list(row_key) if row_key else [*([key] if isinstance(key, str) else key), *planned.row_key],
        slicing_options={"slices": list(slices), "groups": list(groups), "threshold": threshold},
        model_options={**model_options, **trusted},
        policy=policy,
        self_tests=self_tests,
        about=about,
        plan=planned.plan,
        outlets=list(outlets),
        notify=notify,
    )
    steps = promotion_tasks(
        promotion_inputs,
        self_test=self_test,
        evaluate=evaluate,
        gate=gate,
        approval=approval,
        promote=promote,
        card=card,
    )
    close_window(planned, steps.gate, steps.promotion, upstream=steps.last)
    return TrainingOutputs(
        plan=planned.plan,
        rows=planned.rows,
        validation=validation,
        parts=parts,
        run=output_of(select),
        version=output_of(register),
        self_tests=steps.self_tests,
        evaluation=steps.evaluation,
        decision=output_of(steps.gate),
        promotion=output_of(steps.promotion),
        card=steps.card,
    )


def _validate_and_split(
    planned: PlannedRows, contract: Any, validate: StepOptions, *, split: Mapping[str, Any], key: Any
) -> tuple[Any, SplitDatasetOperator]:
    """Create the validation, if enabled, and the split downstream of it."""
    split_task = build_task(
        SplitDatasetOperator, split, task_id="split", snapshot=planned.rows, key=_split_key(split, key)
    )
    if validate is None or contract is None:
        return None, split_task
    validation = build_task(
        ValidateDatasetOperator, validate, task_id="validate", snapshot=planned.rows, contract=contract
    )
    validation >> split_task
    return output_of(validation), split_task


def _split_key(split: Mapping[str, Any], key: Any) -> Any:
    """Return the key of a split by key; other methods have none."""
    return key if split.get("method", "key") == "key" else None


def _check_leakage(
    step: StepOptions, parts: Mapping[str, Any], planned: PlannedRows, **wired: Any
) -> BaseOperator | None:
    """Create the leakage check of the parts; a window is checked up to its cutoff."""
    if step is None:
        return None
    key = wired.pop("key")
    if planned.plan is not None:
        # All partitions of a key are in one part.
        groups = key if isinstance(key, str) else list(key)
        wired |= {"groups": groups, "time": "partition", "ordered": False, "cutoff": planned.plan["cutoff"]}
    return build_task(CheckLeakageOperator, step, task_id="leakage", parts=dict(parts), **wired)


training_task_group = as_task_group(training_tasks)
