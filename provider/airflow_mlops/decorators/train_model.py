"""``@task.train_model``: any Python training, with the run, tags, lineage and retry safety of the operator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator, features_of
from airflow_mlops.operators.train import contract_of, run_tags, whole

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.training.candidate import Candidate
    from airflow_mlops.core.training.recorded import Made
    from airflow_mlops.core.training.runs import ClaimedRun

PARTS = ("train", "validation")
RUN = "run"


class TrainModelDecoratedOperator(DecoratedOperator, LifecycleOperator):
    """Call a training function inside an MLflow run, judge its model on validation rows and keep it.

    The function has the parameters ``train`` and ``validation``. It is called with references to snapshots, or
    ``dataset@partition``, and gets their rows: as a pandas frame of features and target, or as a
    :class:`~airflow_mlops.core.data.snapshot.Snapshot` where the parameter is annotated so. A parameter ``run`` gets
    the run, to log to: ``run.log(metrics={"loss": 0.3}, step=7)``. All other arguments are its own, and may be mapped.
    It returns a fitted model, or a model and a dict of more metrics. What an earlier attempt of the task has
    finished is not done again.

    :param python_callable: the function.
    :param op_args: its positional arguments.
    :param op_kwargs: its keyword arguments.
    :param target: the column to predict.
    :param features: the columns that the model gets; default: the contract's features.
    :param contract: the contract that names the features; it and the profile of the training rows are kept in the run.
    :param metric: the figure that candidates are chosen by; it also says what the task is.
    :param experiment: MLflow's experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the task's id, without its groups.
    :param trusted_types: the project's own types that the model may contain.
    :param seed: recorded, and given to the function when it has a parameter ``seed`` that is not given.
    :param input_example: whether five feature rows are kept with the model.
    """

    custom_operator_name = "@task.train_model"
    template_fields: Sequence[str] = (
        "op_args",
        "op_kwargs",
        "target",
        "features",
        "contract",
        "metric",
        "experiment",
        "candidate",
        "trusted_types",
        "seed",
        "input_example",
    )

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
            raise TypeError(f"{python_callable.__name__} has a parameter without a name to call it by: {unnamed[0]!r}")
        filled = {RUN: None} if RUN in parameters else {}  # there is none before the task runs
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs={**(op_kwargs or {}), **filled},
            **kwargs,
        )
        self.target = target
        self.features = features
        self.contract = contract
        self.metric = metric
        self.experiment = experiment
        self.candidate = candidate
        self.trusted_types = trusted_types
        self.seed = seed
        self.input_example = input_example

    def step(self, context: Context) -> dict[str, Any]:
        """Call the function, judge, keep."""
        from airflow_mlops.core.training.candidate import Candidate
        from airflow_mlops.core.training.recorded import recorded
        from airflow_mlops.core.yes_no import yes_or_no

        arguments = self._arguments()
        parts = {part: self.open(arguments.pop(part)) for part in PARTS}
        candidate = Candidate(
            name=self.candidate or self.task_id.rpartition(".")[2],
            build=self.python_callable,
            features=features_of(self.contract, self.features),
            target=self.target,
            metric=self.metric,
            params={name: value for name, value in arguments.items() if name != RUN},
            trusted_types=tuple(self.trusted_types),
            seed=whole(self.seed),
        )
        ref = recorded(
            self.mlflow,
            self.database,
            candidate,
            lambda run: self._made(candidate, run, {**arguments, **parts}),
            **parts,
            experiment=self.experiment or context["ti"].dag_id,
            key=task_key(context),
            tags=run_tags(context, self.python_callable),
            artifact_location=self.mlflow_hook.artifact_location,
            contract=contract_of(self.contract),
            input_example=yes_or_no(self.input_example, "input_example"),
        )
        self.log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
        return ref.to_dict()

    def _arguments(self) -> dict[str, Any]:
        """Give all arguments by their names."""
        bound = inspect.signature(self.python_callable).bind(*self.op_args, **self.op_kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
        for parameter in bound.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                named.update(named.pop(parameter.name))
        seed = whole(self.seed)
        if seed is not None and "seed" in bound.signature.parameters and named.get("seed") is None:
            named["seed"] = seed
        return named

    def _made(self, candidate: Candidate, run: ClaimedRun, arguments: dict[str, Any]) -> Made:
        from airflow_mlops.core.training.function import call

        if RUN in arguments:
            arguments[RUN] = run
        return call(self.python_callable, candidate, arguments)


def train_model_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a task of a training function; gives a ``RunRef``, as ``TrainModelOperator`` does.

    :param python_callable: the function.
    :param kwargs: parameters of :class:`TrainModelDecoratedOperator` and of any Airflow task.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=False,
        decorated_operator_class=TrainModelDecoratedOperator,
        **kwargs,
    )
