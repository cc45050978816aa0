"""Operator that plans a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.task_keys import run_key, run_type

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.retraining.plan import Cause

_CAUSES: dict[str, Cause] = {
    "asset_triggered": "drift",
    "scheduled": "schedule",
    "backfill": "backfill",
    "manual": "manual",
    "operator_triggered": "manual",
}


class PlanTrainingOperator(LifecycleOperator):
    """Choose the partitions of a training run, and record its cause. Returns the plan.

    The plan has ``cause``, ``first``, ``cutoff``, ``effective_at``, ``episode`` and ``start_from``; pass the last to
    :class:`~airflow_mlops.operators.candidates.ChooseCandidatesOperator`.

    The plan claims the model's requested drift episode, if there is one. Otherwise it takes the newest labelled
    partitions available at the end of the run's data interval, or up to ``cutoff``. Without work the task is skipped,
    so a duplicate or late event starts nothing.

    :param model: name of the registered model.
    :param labels: name of the labels dataset.
    :param cutoff: last labelled partition, for a manual run. Default: the newest available.
    :param window: maximum number of labelled partitions, newest first. Default: 12.
    :param label_delay: delay between a partition and its labels.
    :param policy: path of a ``policy.yaml`` with an ``episode`` section, or its content. It sets the starting point
        of an episode's retraining. Default: the default policy.
    """

    template_fields: Sequence[str] = ("model", "labels", "cutoff", "window", "label_delay", "policy")

    def __init__(
        self,
        *,
        model: str,
        labels: str,
        label_delay: timedelta,
        cutoff: str | None = None,
        window: int = 12,
        policy: str | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.model = model
        self.labels = labels
        self.label_delay = label_delay
        self.cutoff = cutoff
        self.window = window
        self.policy = policy

    def step(self, context: Context) -> dict[str, Any]:
        """Make the plan, or skip the task."""
        from airflow_mlops.common.policy import load_section
        from airflow_mlops.core.retraining.plan import plan_training
        from airflow_mlops.core.retraining.policy import EpisodePolicy

        rules = load_section(EpisodePolicy, self.policy, "episode").retraining
        cause = _CAUSES.get(run_type(context), "manual")
        end = context.get("data_interval_end") if cause in ("schedule", "backfill") else None
        cutoff = self.cutoff if self.cutoff not in (None, "", "None") else None
        training_plan = plan_training(
            self.database,
            model=self.model,
            labels=self.labels,
            cause=cause,
            actor=run_key(context),
            window=int(self.window),
            label_delay=self.label_delay,
            cutoff=cutoff,
            as_of=None if end is None else end.isoformat(),
            start_from=rules.start_from,
        )
        if training_plan is None:
            raise AirflowSkipException(f"Skipping training: no requested episode and no labelled partition ({cause})")
        self.log.info("Training on %s to %s, cause: %s", training_plan.first, training_plan.cutoff, training_plan.cause)
        return training_plan.to_dict()
