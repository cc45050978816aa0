"""Operator that tunes a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.execution.steps.parameters import TuneParameters
from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.execution.runtimes import RemoteRuntime


class TuneModelOperator(LifecycleOperator):
    """Search for a candidate's best parameters, refit with them and evaluate. Returns a ``RunRef``.

    A retry resumes a killed attempt: finished trials are neither lost nor repeated. Map the operator over candidates
    with ``.partial(...).expand(build=[...])``, or distribute one search over tasks with ``parts=4`` and
    ``.expand(part=[0, 1, 2, 3])``. :class:`~airflow_mlops.operators.train.SelectChallengerOperator` selects the best.

    :param build: function, or its import path, that returns an unfitted estimator and takes the tuned parameters as
        keyword arguments.
    :param space: parameter -> a list of values, or a range such as ``{"low": 0.01, "high": 0.3, "log": True}``; or the
        path of a YAML file with ``space`` and any of the settings below. Arguments override the file.
    :param train: rows to fit on: a ``SnapshotRef`` or ``dataset@partition``.
    :param validation: rows to evaluate the refitted model on, and without ``folds`` the trials: a ``SnapshotRef`` or
        ``dataset@partition``.
    :param target: column to predict.
    :param features: estimator input columns. Default: the contract's features.
    :param contract: contract that names the features: its path or content. It is logged to the run with the profile of
        the training rows. Default: none.
    :param metric: metric for trials and model selection. It also sets the task type. Default: ``roc_auc``.
    :param method: ``grid``, ``random`` (default) or ``optuna``, which requires the extra ``tuning``.
    :param trials: number of trials. Default: the complete grid, otherwise 20.
    :param timeout: time limit of all attempts together, in seconds. No trial starts after it. Default: none.
    :param seed: integer seed of the search and the folds, passed to ``build`` if it takes one. Default: 0.
    :param folds: number of cross-validation folds within the training rows. Default: trials use the validation rows.
    :param group: column, or columns, whose equal values must be in one fold. Default: none.
    :param time: timestamp column: each fold is evaluated on rows later than all rows it was fitted on. Default: none.
    :param gap: with ``time``: minimum age difference between fitting and evaluation rows, such as ``14d``. Default:
        none.
    :param prune: with ``optuna``: stop a trial that is worse than the median so far. Default: ``True``.
    :param iterations: ``{"name": "max_iter", "steps": [50, 100, 200]}``: the parameter for the length of a fit, and
        the steps at which a trial may be pruned. Default: none.
    :param parts: number of tasks that share a grid or random search. Default: 1.
    :param part: index of this task among them, from 0.
    :param backend: runs the trials of a grid or random search in parallel: ``processes`` on the worker, or a ``dask``
        or ``ray`` cluster, which requires the extra of that name. Default: sequential.
    :param jobs: number of parallel trials. Default: one per processor.
    :param address: address of the cluster, such as ``tcp://dask:8786``. Default: a cluster on the worker for this task.
    :param model_params: fixed keyword arguments for ``build``. Default: none.
    :param experiment: name of the MLflow experiment. Default: the DAG ID.
    :param candidate: name of the candidate. Default: the function's name.
    :param trusted_types: the project's own types that the model may contain. Default: none.
    :param sample_weight: column with the weights of the training rows. Default: none.
    :param class_weight: ``balanced``, or class -> weight. Default: none.
    :param input_example: save five feature rows with the model as an example. Default: ``True``.
    :param runtime: where the step runs: ``in_process`` (default), ``docker``, ``external_python``, a mapping with
        ``kind`` and settings, or a runtime object such as :class:`airflow_mlops.execution.runtimes.Docker`.
    """

    template_fields: Sequence[str] = (*TuneParameters.model_fields, "runtime")

    def __init__(
        self,
        *,
        build: str | Callable[..., Any],
        space: str | Mapping[str, Any],
        train: str | Mapping[str, Any],
        validation: str | Mapping[str, Any],
        target: str,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        method: str | None = None,
        trials: int | str | None = None,
        timeout: float | str | None = None,
        seed: int | str | None = None,
        folds: int | str | None = None,
        group: str | Sequence[str] | None = None,
        time: str | None = None,
        gap: str | None = None,
        prune: bool | str | None = None,
        iterations: Mapping[str, Any] | None = None,
        parts: int | str | None = None,
        part: int | str | None = None,
        backend: str | None = None,
        jobs: int | str | None = None,
        address: str | None = None,
        model_params: Mapping[str, Any] | None = None,
        experiment: str | None = None,
        candidate: str | None = None,
        trusted_types: Sequence[str] = (),
        sample_weight: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        input_example: bool | str = True,
        runtime: str | Mapping[str, Any] | RemoteRuntime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_parameters(TuneParameters, locals())
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Search, refit, evaluate on the validation rows and save the model."""
        return self.run_step("tune", context)
