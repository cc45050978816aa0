"""The plan of a training run: on what, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import run_key, run_type
from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.monitoring.retraining import Cause

_CAUSES: dict[str, Cause] = {
    "asset_triggered": "drift",
    "scheduled": "schedule",
    "backfill": "backfill",
    "manual": "hand",
    "operator_triggered": "hand",
}


class PlanTrainingOperator(LifecycleOperator):
    """Decide what a training run trains on, and why.

    Gives ``cause``, ``first``, ``cutoff``, ``effective_at``, ``episode`` and ``start_from``, which
    :class:`~airflow_mlops.operators.candidates.ChooseCandidatesOperator` makes candidates of.

    Claims the model's requested drift episode, if there is one; otherwise the newest labelled partitions that were
    known at the end of the run's data interval, or up to the asked cut-off. Skips the run when there is nothing to
    do: an event that comes twice, or late, starts nothing.

    :param model: the model's name.
    :param labels: the dataset of labels.
    :param cutoff: the last labelled partition, when asked for by hand.
    :param window: at most so many labelled partitions, the newest ones.
    :param label_delay: how long after its partition a label is known.
    :param policy: the path of a ``policy.yaml`` with an ``episode`` section, or its content: what the retraining of an
        episode starts from.
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
        """Plan, or skip."""
        from airflow_mlops.core.monitoring.episode_policy import EpisodePolicy
        from airflow_mlops.core.monitoring.retraining import plan
        from airflow_mlops.core.policy import load_section

        rules = load_section(EpisodePolicy, self.policy, "episode").retraining
        cause = _CAUSES.get(run_type(context), "hand")
        end = context.get("data_interval_end") if cause in ("schedule", "backfill") else None
        asked = self.cutoff if self.cutoff not in (None, "", "None") else None
        found = plan(
            self.database,
            model=self.model,
            labels=self.labels,
            cause=cause,
            actor=run_key(context),
            window=int(self.window),
            label_delay=self.label_delay,
            cutoff=asked,
            as_of=None if end is None else end.isoformat(),
            start_from=rules.start_from,
        )
        if found is None:
            raise AirflowSkipException(f"nothing to train: no requested episode and no labelled partition ({cause})")
        self.log.info("training on %s to %s, because of: %s", found.first, found.cutoff, found.cause)
        return found.to_dict()
