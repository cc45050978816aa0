"""The window of a training: which labelled partitions, and the drift episode that asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.episode import CloseEpisodeOperator
from airflow_mlops.operators.plan import PlanTrainingOperator
from airflow_mlops.operators.training_set import BuildTrainingSetOperator
from airflow_mlops.task_groups.base import made, output

PARTITION = "partition"


@dataclass(frozen=True, kw_only=True)
class LabelledWindow:
    """Partitions of features joined with their labels, as many as a plan chooses when the run begins.

    The plan claims the drift episode that asked for the training, if one did; the episode is closed by what becomes of
    the run.

    :param features: the dataset of features.
    :param labels: the dataset of labels; a partition is there once they have matured.
    :param label_delay: how long after its partition a label is known.
    :param key: the column that both have, unique within a partition; default: the column that the split goes by.
    :param dataset: the name of the joined rows; default: ``<model>_training_set``.
    :param cutoff: exactly this last partition, when asked for by hand: ``{{ params.cutoff or '' }}``.
    :param window: at most so many labelled partitions.
    :param plan: more keywords for :class:`~airflow_mlops.operators.plan.PlanTrainingOperator`.
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
class Planned:
    """Rows to train on, and where they come from.

    :param rows: the rows, as operators take them.
    :param plan: the plan's output; ``None`` for rows that somebody else has chosen.
    """

    rows: Any
    plan: Any = None

    @property
    def row_key(self) -> tuple[str, ...]:
        """What names a row beside the split's key."""
        return () if self.plan is None else (PARTITION,)


def open_window(rows: Any, *, model: str, key: str | Sequence[str], policy: Any = None) -> Planned:
    """Plan and join a window; rows of any other kind are taken as they are.

    :param key: what the split goes by.
    :param policy: the policy, whose ``episode`` section says what a retraining starts from.
    """
    if not isinstance(rows, LabelledWindow):
        return Planned(rows)
    plan = made(
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
    joined = BuildTrainingSetOperator(
        task_id="training_set",
        dataset=rows.dataset or f"{model}_training_set",
        features=rows.features,
        labels=rows.labels,
        key=rows.key or (key if isinstance(key, str) else next(iter(key))),
        first=output(plan)["first"],
        cutoff=output(plan)["cutoff"],
    )
    return Planned(output(joined), output(plan))


def close_window(
    planned: Planned, gate: BaseOperator | None, promoted: BaseOperator | None, *, behind: Sequence[BaseOperator]
) -> None:
    """Close the episode of a planned window, whatever became of the run."""
    if planned.plan is None:
        return
    close = CloseEpisodeOperator(
        task_id="close_episode",
        plan=planned.plan,
        gate=output(gate),
        promoted=output(promoted),
    ).as_teardown()
    list(behind) >> close
