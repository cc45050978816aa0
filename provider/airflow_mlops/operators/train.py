"""Training candidates, and choosing the challenger among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator, code_of
from airflow_mlops.operators.held import Held
from airflow_mlops.run.parameters import contract_of, name_of, whole

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.runtimes.settings import Elsewhere

__all__ = [
    "SelectChallengerOperator",
    "TrainModelOperator",
    "contract_of",
    "name_of",
    "run_tags",
    "whole",
]


class TrainModelOperator(LifecycleOperator):
    """Fit one candidate in an MLflow run and judge it on validation rows; gives a ``RunRef``.

    Map it over candidates: ``TrainModelOperator.partial(...).expand(build=["include.churn.model:linear", ...])``.

    :param build: a function (or its import path) that returns an unfitted scikit-learn estimator, features inside it;
        an estimator's class will do.
    :param train: the rows to fit on: a ``SnapshotRef``, or ``dataset@partition``.
    :param validation: the rows to choose on.
    :param target: the column to predict.
    :param features: the columns that the estimator gets; default: the contract's features.
    :param contract: the contract that names the features; it and the profile of the training rows are kept in the run.
    :param metric: the figure that candidates are chosen by; it also says what the task is: two classes, several, or a
        number.
    :param model_params: keywords for ``build``.
    :param experiment: MLflow's experiment; default: the DAG's id.
    :param candidate: the candidate's name; default: the function's.
    :param trusted_types: the project's own types that the model may contain.
    :param sample_weight: the column with the weights of the training rows.
    :param class_weight: ``balanced``, or class -> weight.
    :param seed: recorded, and given to ``build`` when it takes a ``seed`` or a ``random_state``.
    :param input_example: whether five feature rows are kept with the model, for people to look at.
    :param runtime: where it runs: ``in_process`` (the default), ``docker``, ``external_python``, or a mapping with
        ``kind`` and settings, or :class:`airflow_mlops.runtimes.Docker` and its like.
    """

    template_fields: Sequence[str] = (
        "build",
        "train",
        "validation",
        "target",
        "features",
        "contract",
        "metric",
        "model_params",
        "experiment",
        "candidate",
        "trusted_types",
        "sample_weight",
        "class_weight",
        "seed",
        "input_example",
        "runtime",
    )

    def __init__(
        self,
        *,
        build: str | Callable[..., Any],
        train: str | Mapping[str, Any],
        validation: str | Mapping[str, Any],
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        model_params: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        candidate: str | None = None,
        trusted_types: Sequence[str] = (),
        sample_weight: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        seed: int | str | None = None,
        input_example: bool | str = True,
        runtime: str | Mapping[str, Any] | Elsewhere | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.build = Held.of(build)
        self.train = train
        self.validation = validation
        self.target = target
        self.features = features
        self.contract = contract
        self.metric = metric
        self.model_params = model_params
        self.experiment = experiment
        self.candidate = candidate
        self.trusted_types = trusted_types
        self.sample_weight = sample_weight
        self.class_weight = class_weight
        self.seed = seed
        self.input_example = input_example
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Fit, judge, keep."""
        return self.carry_out("train", context, build=Held.free(self.build))


def run_tags(context: Context, code: str | Callable[..., Any]) -> dict[str, str]:
    """Give the tags that lead from a training's MLflow run back to Airflow and to the code.

    :param code: the function that builds or trains the model, or its import path.
    """
    from airflow_mlops.run.spec import tags_of

    return tags_of(code, code_of(context))


class SelectChallengerOperator(LifecycleOperator):
    """Choose the best candidate by its metric on validation rows, never on gate rows; gives its ``RunRef``.

    :param candidates: the ``RunRef`` of each, such as the output of a mapped :class:`TrainModelOperator`.
    """

    template_fields: Sequence[str] = ("candidates",)

    def __init__(self, *, candidates: Iterable[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.candidates = candidates

    def step(self, context: Context) -> dict[str, Any]:
        """Choose."""
        from airflow_mlops.core.refs import RunRef
        from airflow_mlops.core.training.fit import choose

        runs = [RunRef.from_dict(c) for c in self.candidates if c is not None]
        chosen = choose(runs)
        for run in runs:
            self.log.info("%s %s: %s %.4f", "*" if run is chosen else " ", run.candidate, run.metric, run.score)
        return chosen.to_dict()
