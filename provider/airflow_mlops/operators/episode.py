"""Drift episodes: moving one on after each window, and closing it when its training run is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import run_key, task_key
from airflow_mlops.operators.base import LifecycleOperator, ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class UpdateEpisodeOperator(ReportingOperator):
    """Open an episode on drift, and ask for its one retraining once the labels allow it; gives a ``ReportRef``.

    The request stands in the lifecycle store, where a ``DriftTrigger`` or ``DriftSensor`` sees it. Where the policy
    asks for a rollback, :class:`RollBackOnEpisodeOperator` behind this task does it. The report warns where a person
    has to look: a column that is broken upstream, signals that only notify, a budget or attempts that are used up.

    :param model: the model's name.
    :param partition: the partition that was judged.
    :param labels: the dataset of labels.
    :param labelled_until: the last partition whose labels may be known by now.
    :param policy: the path of a ``policy.yaml`` with an ``episode`` section, or its content.
    """

    template_fields: Sequence[str] = ("model", "partition", "labels", "labelled_until", "policy")

    def __init__(
        self,
        *,
        model: str,
        partition: str,
        labels: str,
        labelled_until: str,
        policy: str | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.partition = partition
        self.labels = labels
        self.labelled_until = labelled_until
        self.policy = policy

    def step(self, context: Context) -> dict[str, Any]:
        """Move the episode on and publish what was done."""
        from airflow_mlops.core.monitoring.episodes import EpisodePolicy, advance
        from airflow_mlops.core.policy import load_section

        report = advance(
            self.database,
            load_section(EpisodePolicy, self.policy, "episode"),
            model=self.model,
            partition=self.partition,
            labels=self.labels,
            labelled_until=self.labelled_until,
        )
        self.log.info("%s", report.checks[0].message)
        return self.publish(report, context)


class CloseEpisodeOperator(LifecycleOperator):
    """Close the episode that this run's plan has claimed, by what became of the run; does nothing without one.

    Put it behind the last steps with ``.as_teardown()``: then it runs whatever became of them, and the run is still
    as good as they were. A run that failed gives the episode back, so that the next window asks again.

    :param plan: the plan: output of :class:`~airflow_mlops.operators.plan.PlanTrainingOperator`.
    :param promoted: the output of the promotion; ``None`` when it was not reached.
    :param gate: the ``ReportRef`` of the gate; ``None`` when it was not reached. Where the promotion lost a race and
        judged again, what it found counts.
    """

    template_fields: Sequence[str] = ("plan", "promoted", "gate")

    def __init__(
        self,
        *,
        plan: Mapping[str, Any] | None,
        gate: Mapping[str, Any] | None,
        promoted: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.gate = gate
        self.promoted = promoted

    def step(self, context: Context) -> str:
        """Find the outcome and close."""
        from airflow_mlops.core.monitoring.episodes import Outcome, finish
        from airflow_mlops.core.registry.regating import last_decision

        if self.plan is None:
            raise AirflowSkipException("the run had no plan: there was nothing to train")
        decision = None if self.gate is None else last_decision(self.database, str(self.gate["id"]))
        outcome: Outcome
        if self.promoted:
            outcome = "promoted"
        elif decision == "reject":
            outcome = "rejected"
        elif decision == "hold":
            outcome = "held"
        else:
            outcome = "failed"
        episode = self.plan.get("episode")
        if episode is not None:
            finish(self.database, int(episode), actor=run_key(context), outcome=outcome)
        self.log.info("outcome: %s", outcome)
        return outcome


class RollBackOnEpisodeOperator(LifecycleOperator):
    """Go back to the champion before when the model's episode asks for it; gives the ledger's entry, skipped otherwise.

    The policy asks where a signal whose action is ``roll_back`` alarms soon after a promotion. However many runs come,
    one rolls back, once.

    :param model: the model's name.
    """

    template_fields: Sequence[str] = ("model",)

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def step(self, context: Context) -> dict[str, Any]:
        """Claim, roll back, close, tell the assets."""
        from airflow_mlops.core.monitoring.rolling_back import roll_back_requested
        from airflow_mlops.store import ledger

        entry = roll_back_requested(self.mlflow, self.database, model=self.model, actor=task_key(context))
        if entry is None:
            raise AirflowSkipException(f"no episode of {self.model} asks for a rollback")
        self.log.info("%s v%s is champion again: epoch %s", entry.model, entry.version, entry.epoch)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = ledger.event_of(entry)
        return ledger.as_dict(entry)
