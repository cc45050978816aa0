"""Operators that train candidates and select the challenger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.execution.steps.parameters import TrainParameters
from airflow_mlops.operators.base import LifecycleOperator, code_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.execution.runtimes import RemoteRuntime


class TrainModelOperator(LifecycleOperator):
    """Fit one candidate in an MLflow run and evaluate it on validation rows. Returns a ``RunRef``.

    Map it over candidates: ``TrainModelOperator.partial(...).expand(build=["include.churn.model:linear", ...])``.

    :param build: function, or its import path, that returns an unfitted scikit-learn estimator including its feature
        engineering; or an estimator class.
    :param train: rows to fit on: a ``SnapshotRef`` or ``dataset@partition``.
    :param validation: rows for model selection: a ``SnapshotRef`` or ``dataset@partition``.
    :param target: column to predict.
    :param features: estimator input columns. Default: the contract's features.
    :param contract: contract that names the features: its path or content. It is logged to the run with the profile of
        the training rows. Default: none.
    :param metric: metric for model selection. It also sets the task type: binary, multiclass or regression. Default:
        ``roc_auc``.
    :param model_params: keyword arguments for ``build``. Default: none.
    :param experiment: name of the MLflow experiment. Default: the DAG ID.
    :param candidate: name of the candidate. Default: the function's name.
    :param trusted_types: the project's own types that the model may contain. Default: none.
    :param sample_weight: column with the weights of the training rows. Default: none.
    :param class_weight: ``balanced``, or class -> weight. Default: none.
    :param seed: integer seed; recorded, and passed to ``build`` if it takes ``seed`` or ``random_state``. Default:
        none.
    :param input_example: save five feature rows with the model as an example. Default: ``True``.
    :param runtime: where the step runs: ``in_process`` (default), ``docker``, ``external_python``, a mapping with
        ``kind`` and settings, or a runtime object such as :class:`airflow_mlops.execution.runtimes.Docker`.
    """

    template_fields: Sequence[str] = (*TrainParameters.model_fields, "runtime")

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
        runtime: str | Mapping[str, Any] | RemoteRuntime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_parameters(TrainParameters, locals())
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Fit, evaluate on the validation rows and save the model."""
        return self.run_step("train", context)


def run_tags(context: Context, code: str | Callable[..., Any]) -> dict[str, str]:
    """Return the tags that link an MLflow training run to its Airflow task and code.

    :param code: function that builds or trains the model, or its import path.
    """
    from airflow_mlops.execution.steps.spec import origin_tags

    return origin_tags(code, code_of(context))


class SelectChallengerOperator(LifecycleOperator):
    """Select the candidate with the best metric on validation rows. Returns its ``RunRef``.

    :param candidates: ``RunRef`` of each candidate, such as the output of a mapped :class:`TrainModelOperator`.
    """

    template_fields: Sequence[str] = ("candidates",)

    def __init__(self, *, candidates: Iterable[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.candidates = candidates

    def step(self, context: Context) -> dict[str, Any]:
        """Select the best candidate and log all of them."""
        from airflow_mlops.common.refs import RunRef
        from airflow_mlops.core.training.fit import select_challenger

        runs = [RunRef.from_dict(c) for c in self.candidates if c is not None]
        best = select_challenger(runs)
        for run in runs:
            self.log.info("%s %s: %s %.4f", "*" if run is best else " ", run.candidate, run.metric, run.score)
        return best.to_dict()
