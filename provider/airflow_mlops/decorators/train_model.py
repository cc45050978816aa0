"""Decorator ``@task.train_model``: custom training functions with the operator's tracking, lineage and retry safety."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory

from airflow_mlops.execution.steps.parameters import TrainingParameters
from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.train import run_tags
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.training.candidate import Candidate
    from airflow_mlops.core.training.run_recording import FittedModel
    from airflow_mlops.core.training.runs import ClaimedRun

PARTS = ("train", "validation")
RUN = "run"


class TrainModelDecoratedOperator(DecoratedOperator, LifecycleOperator):
    """Call a training function inside an MLflow run, validate its model and log it.

    The function has the parameters ``train`` and ``validation``. The DAG passes snapshot references or
    ``dataset@partition``; the function gets a pandas frame of features and target, or, if annotated so, a
    :class:`~airflow_mlops.core.data.snapshots.snapshot.Snapshot`. A parameter ``run`` gets the run for logging:
    ``run.log(metrics={"loss": 0.3}, step=7)``. All other arguments belong to the function, and may be mapped.
    It returns a fitted model, or a model and a dict of additional metrics. A retry reuses the finished run of an
    earlier attempt.

    :param python_callable: the function.
    :param op_args: its positional arguments.
    :param op_kwargs: its keyword arguments.
    :param target: the column to predict.
    :param features: the feature columns; default: the contract's features.
    :param contract: the contract of the features; it is logged with the profile of the training rows.
    :param metric: the selection metric of candidates; it also determines the task type.
    :param experiment: the MLflow experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the task's id, without its groups.
    :param trusted_types: project types that the model may contain.
    :param seed: the seed to record; also passed to the function if its parameter ``seed`` is not set.
    :param input_example: whether to log five feature rows with the model.
    """

    custom_operator_name = "@task.train_model"
    template_fields: Sequence[str] = ("op_args", "op_kwargs", *TrainingParameters.model_fields)

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        experiment: str | None = None,
        candidate: str | None = None,
        trusted_types: Sequence[str] = (),
        seed: int | str | None = None,
        input_example: bool | str = True,
        **kwargs: Any,
    ) -> None:
        parameters = inspect.signature(python_callable).parameters
        if missing := [part for part in PARTS if part not in parameters]:
            raise TypeError(f"{python_callable.__name__} needs the parameter {missing[0]!r}: it trains on snapshots")
        if unnamed := [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]:
            raise TypeError(f"{python_callable.__name__} has a parameter that cannot be passed by name: {unnamed[0]!r}")
        placeholder = {RUN: None} if RUN in parameters else {}  # the run exists only while the task runs
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs={**(op_kwargs or {}), **placeholder},
            **kwargs,
        )
        self.set_parameters(TrainingParameters, locals())

    def step(self, context: Context) -> dict[str, Any]:
        """Call the function, validate its model and log it."""
        from airflow_mlops.core.training.run_recording import record_training_run

        key = task_key(context)
        parameters = TrainingParameters.load(self.rendered_parameters(TrainingParameters), where=key)
        arguments = self._bind_arguments(parameters.seed)
        parts = {part: self.open_snapshot(arguments.pop(part)) for part in PARTS}
        params = {name: value for name, value in arguments.items() if name != RUN}
        candidate = parameters.build_candidate(self.task_id.rpartition(".")[2], self.python_callable, params)
        job = parameters.build_job(
            **parts,
            experiment=context["ti"].dag_id,
            key=key,
            tags=run_tags(context, self.python_callable),
            artifact_location=self.mlflow_hook.artifact_location,
        )
        ref = record_training_run(
            self.mlflow, self.database, candidate, job, lambda run: self._call(candidate, run, {**arguments, **parts})
        )
        self.log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
        return ref.to_dict()

    def _bind_arguments(self, seed: int | None) -> dict[str, Any]:
        """Return all arguments by name, with the seed if the function has none of its own."""
        bound = inspect.signature(self.python_callable).bind(*self.op_args, **self.op_kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        for parameter in bound.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments.update(arguments.pop(parameter.name))
        if seed is not None and "seed" in bound.signature.parameters and arguments.get("seed") is None:
            arguments["seed"] = seed
        return arguments

    def _call(self, candidate: Candidate, run: ClaimedRun, arguments: dict[str, Any]) -> FittedModel:
        from airflow_mlops.core.training.training_function import call_training_function

        if RUN in arguments:
            arguments[RUN] = run
        return call_training_function(self.python_callable, candidate, arguments)


def train_model_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Create a task from a training function; it returns a ``RunRef``, like ``TrainModelOperator``.

    :param python_callable: the function.
    :param kwargs: parameters of :class:`TrainModelDecoratedOperator` and of any Airflow task.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=False,
        decorated_operator_class=TrainModelDecoratedOperator,
        **kwargs,
    )
