"""Training window: the labelled partitions of a training and the drift episode that requested it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.episode import CloseEpisodeOperator
from airflow_mlops.operators.plan import PlanTrainingOperator
from airflow_mlops.operators.training_set import BuildTrainingSetOperator
from airflow_mlops.task_groups.base import build_task, output_of

PARTITION = "partition"


@dataclass(frozen=True, kw_only=True)
class LabelledWindow:
    """Partitions of features joined with their labels, chosen by a plan when the run starts.

    The plan claims the drift episode that requested the training, if any. The outcome of the run closes the episode.

    :param features: name of the features dataset.
    :param labels: name of the labels dataset; a partition appears once its labels have matured.
    :param label_delay: delay between a partition and its labels.
    :param key: column that joins both, unique within a partition. Default: the column of the split.
    :param dataset: name of the joined dataset. Default: ``<model>_training_set``.
    :param cutoff: last partition, for a manual run: ``{{ params.cutoff or '' }}``. Default: the newest available.
    :param window: maximum number of labelled partitions. Default: 12.
    :param plan: more arguments for :class:`~airflow_mlops.operators.plan.PlanTrainingOperator`.
    """

    features: str
    labels: str
    label_delay: timedelta
    key: str | None = None
    dataset: str | None = None
    cutoff: str | None = None
    window: int | str = 12
    plan: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedRows:
    """Training rows and their plan.

    :param rows: rows in a form that operators accept.
    :param plan: output of the plan; ``None`` for rows without a plan.
    """

    rows: Any
    plan: Any = None

    @property
    def row_key(self) -> tuple[str, ...]:
        """Columns that identify a row, in addition to the split key."""
        return () if self.plan is None else (PARTITION,)


def open_window(rows: Any, *, model: str, key: str | Sequence[str], policy: Any = None) -> PlannedRows:
    """Create the tasks that plan and join a window; other rows are returned unchanged.

    :param key: column, or columns, of the split.
    :param policy: policy whose ``episode`` section sets the starting point of a retraining.
    """
    if not isinstance(rows, LabelledWindow):
        return PlannedRows(rows)
    plan = build_task(
        PlanTrainingOperator,
        rows.plan,
        task_id="plan",
        model=model,
        labels=rows.labels,
        label_delay=rows.label_delay,
        cutoff=rows.cutoff,
        window=rows.window,
        policy=policy,
    )
    training_set = BuildTrainingSetOperator(
        task_id="training_set",
        dataset=rows.dataset or f"{model}_training_set",
        features=rows.features,
        labels=rows.labels,
        key=rows.key or (key if isinstance(key, str) else next(iter(key))),
        first=output_of(plan)["first"],
        cutoff=output_of(plan)["cutoff"],
    )
    return PlannedRows(output_of(training_set), output_of(plan))


def close_window(
    planned: PlannedRows, gate: BaseOperator | None, promotion: BaseOperator | None, *, upstream: Sequence[BaseOperator]
) -> None:
    """Create the teardown task that closes the episode of a planned window."""
    if planned.plan is None:
        return
    close = CloseEpisodeOperator(
        task_id="close_episode",
        plan=planned.plan,
        gate=output_of(gate),
        promotion=output_of(promotion),
    ).as_teardown()
    list(upstream) >> close
