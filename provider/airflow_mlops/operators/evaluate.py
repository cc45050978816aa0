"""Evaluation: challenger and champion on the same unseen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.runtimes.settings import Elsewhere


class EvaluateModelOperator(ReportingOperator):
    """Score the gate rows with challenger and champion, judge what they said, keep the evidence; gives a ``ReportRef``.

    Both models are loaded through the verified path and score the very same rows; each row's scores and losses are kept
    as a snapshot, so that the gate's comparison is paired. The report says for both how good they are by all
    metrics of the task, how sure that is, what they cost, and how many of the rows they have seen before. It tells
    and does not decide: that is for the gate. When a model or the rows cannot be judged at all, a report that says why
    is published, and the task fails.

    :param challenger: the ``ModelVersionRef`` of the version that wants to be champion.
    :param test: the gate rows: rows in no training, tuning or selection data of either model.
    :param target: the column to predict.
    :param key: the columns that name a row.
    :param split_key: the column, or columns, that the split went by: by them a row that a model has seen is known
        again, and rows that share the first belong together. Default: the first of ``key``. Where a customer's later
        weeks are judged by a model of the earlier ones, name both: ``["customer", "week"]``.
    :param features: the columns that the models get; default: the contract's features.
    :param contract: the contract that names them.
    :param metric: the task's main figure; it fixes the task.
    :param slices: columns of the gate rows in which both models are compared value by value; numbers are cut into
        quarters. The gate's rule on slices needs them.
    :param groups: columns with protected attributes, between whose values decisions are compared. They need not be
        features.
    :param threshold: the score from which on a row is decided positive, for ``groups``.
    :param importance: whether to shuffle each feature, and to search for the worst slice.
    :param cost: whether to measure latency, memory and loading time. The gate's budgets need them.
    :param train_sample: how many training rows overfitting is looked for on; 0: it is not.
    :param trusted_types: the project's own types that the models may contain.
    :param runtime: where it runs: ``in_process`` (the default), ``docker``, ``external_python``, or a mapping with
        ``kind`` and settings, or :class:`airflow_mlops.runtimes.Docker` and its like.
    """

    template_fields: Sequence[str] = (
        "challenger",
        "test",
        "target",
        "key",
        "split_key",
        "features",
        "contract",
        "metric",
        "slices",
        "groups",
        "threshold",
        "importance",
        "cost",
        "train_sample",
        "trusted_types",
        "runtime",
    )

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
        runtime: str | Mapping[str, Any] | Elsewhere | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger
        self.test = test
        self.target = target
        self.key = key
        self.split_key = split_key
        self.features = features
        self.contract = contract
        self.metric = metric
        self.slices = slices
        self.groups = groups
        self.threshold = threshold
        self.importance = importance
        self.cost = cost
        self.train_sample = train_sample
        self.trusted_types = trusted_types
        self.runtime = runtime

    def step(self, context: Context) -> dict[str, Any] | None:
        """Load both, score, judge, publish; what cannot be judged is published, too, before the task fails."""
        return self.carry_out("evaluate", context)
