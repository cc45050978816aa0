"""Operator that evaluates the challenger and the champion on the same unseen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.execution.steps.parameters import EvaluateParameters
from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.execution.runtimes import RemoteRuntime


class EvaluateModelOperator(ReportingOperator):
    """Evaluate the challenger and the champion on the gate rows. Returns a ``ReportRef``.

    Both models are loaded with digest verification and score the same rows. The scores and losses of each row are saved
    as a snapshot, so that the gate can compare them in pairs. For both models the report has all metrics of the task
    with confidence intervals, the resource usage, and how many of the rows they were trained on. The report makes no
    decision; that is the gate's task. If a model or the rows cannot be evaluated, a report with the reason is
    published and the task fails.

    :param challenger: ``ModelVersionRef`` of the version under evaluation.
    :param test: gate rows, unused in training, tuning or selection of either model: a ``SnapshotRef`` or
        ``dataset@partition``.
    :param target: column to predict.
    :param key: columns that identify a row.
    :param split_key: column, or columns, that the split used. They identify rows that a model has seen; rows that share
        the first column form a cluster. Default: the first of ``key``. If a customer's later weeks are predicted by a
        model of the earlier ones, name both: ``["customer", "week"]``.
    :param features: model input columns. Default: the contract's features.
    :param contract: contract that names the features: its path or content. Default: none.
    :param metric: primary metric; it also sets the task type. Default: ``roc_auc``.
    :param slices: columns whose values are compared one by one; numeric columns are binned into quartiles. Required
        by the gate's rule on slices. Default: none.
    :param groups: columns with protected attributes, whose groups are compared for fairness. They need not be features.
        Default: none.
    :param threshold: decision threshold on the score for ``groups``, 0 to 1. Default: 0.5.
    :param importance: compute permutation importance and search for the worst slice. Default: ``True``.
    :param cost: measure latency, memory and loading time. Required by the gate's budgets. Default: ``True``.
    :param train_sample: number of training rows for the overfitting check. Default: 5000; 0 disables it.
    :param trusted_types: the project's own types that the models may contain. Default: none.
    :param runtime: where the step runs: ``in_process`` (default), ``docker``, ``external_python``, a mapping with
        ``kind`` and settings, or a runtime object such as :class:`airflow_mlops.execution.runtimes.Docker`.
    """

    template_fields: Sequence[str] = (*EvaluateParameters.model_fields, "runtime")

    def __init__(
        self,
        *,
        challenger: Mapping[str, Any],
        test: str | Mapping[str, Any],
        target: str,
        key: Sequence[str],
        split_key: str | Sequence[str] | None = None,
        features: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        metric: str = "roc_auc",
        slices: Sequence[str] = (),
        groups: Sequence[str] = (),
        threshold: float | str = 0.5,
        importance: bool | str = True,
        cost: bool | str = True,
        train_sample: int | str = 5000,
        trusted_types: Sequence[str] = (),
        runtime: str | Mapping[str, Any] | RemoteRuntime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_parameters(EvaluateParameters, locals())
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Load both models, score the gate rows, compute the metrics and publish the report."""
        return self.run_step("evaluate", context)
