"""Operators for drift episodes: update, close, and roll back on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator, ReportingOperator
from airflow_mlops.task_keys import run_key, task_key

if TYPE_CHECKING:
    from airflow.sdk import Context


class UpdateEpisodeOperator(ReportingOperator):
    """Update the model's drift episode after a window. Returns a ``ReportRef``.

    Drift opens an episode. Once enough labels exist, the episode requests one retraining. The request is stored in the
    lifecycle store, where a ``DriftTrigger`` or ``DriftSensor`` reads it. If the policy requests a rollback, a
    downstream :class:`RollBackOnEpisodeOperator` performs it. The report warns when a person should act: a column
    broken upstream, a signal that only notifies, or an exhausted budget or number of attempts.

    :param model: name of the registered model.
    :param partition: partition that was just checked.
    :param labels: name of the labels dataset.
    :param labelled_until: last partition whose labels may exist by now.
    :param policy: path of a ``policy.yaml`` with an ``episode`` section, or its content. Default: the default policy.
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
        """Update the episode and publish the report."""
        from airflow_mlops.common.policy import load_section
        from airflow_mlops.core.retraining.episodes import EpisodePolicy, advance

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
    """Close the drift episode that the run's plan claimed. Returns the outcome.

    The outcome is ``promoted``, ``rejected``, ``held`` or ``failed``. Without a claimed episode, the outcome is only
    logged. Place the task downstream of the last steps with ``.as_teardown()``: it then always runs and does not
    change the state of the run. A failed run releases the episode, so that the next window requests again.

    :param plan: output of :class:`~airflow_mlops.operators.plan.PlanTrainingOperator`. ``None`` skips the task.
    :param promotion: output of the promotion. ``None`` (default): the promotion did not run.
    :param gate: ``ReportRef`` of the gate. ``None``: the gate did not run. If the promotion lost a race and
        re-evaluated the challenger, the newer decision counts.
    """

    template_fields: Sequence[str] = ("plan", "promotion", "gate")

    def __init__(
        self,
        *,
        plan: Mapping[str, Any] | None,
        gate: Mapping[str, Any] | None,
        promotion: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.gate = gate
        self.promotion = promotion

    def step(self, context: Context) -> str:
        """Determine the outcome and close the episode."""
        from airflow_mlops.core.registry.promotion_race import last_decision
        from airflow_mlops.core.retraining.episodes import EpisodeOutcome, finish

        if self.plan is None:
            raise AirflowSkipException("Skipping: the run has no plan, nothing was trained")
        decision = None if self.gate is None else last_decision(self.database, str(self.gate["id"]))
        outcome: EpisodeOutcome
        if self.promotion:
            outcome = "promoted"
        elif decision == "reject":
            outcome = "rejected"
        elif decision == "hold":
            outcome = "on_hold"
        else:
            outcome = "failed"
        episode = self.plan.get("episode")
        if episode is not None:
            finish(self.database, int(episode), actor=run_key(context), outcome=outcome)
        self.log.info("Outcome: %s", outcome)
        return outcome


class RollBackOnEpisodeOperator(LifecycleOperator):
    """Roll back to the previous champion if the model's episode requests it. Returns the ledger entry.

    The policy requests a rollback when a signal with the action ``roll_back`` alarms soon after a promotion. The
    rollback happens once, however many runs there are. Without a request, the task is skipped.

    :param model: name of the registered model.
    """

    template_fields: Sequence[str] = ("model",)

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def step(self, context: Context) -> dict[str, Any]:
        """Claim the request, roll back, close the episode and emit the asset events."""
        from airflow_mlops.core.retraining.rollback import execute_requested_rollback
        from airflow_mlops.store import ledger

        entry = execute_requested_rollback(self.mlflow, self.database, model=self.model, actor=task_key(context))
        if entry is None:
            raise AirflowSkipException(f"Skipping rollback: no episode of {self.model} requests one")
        self.log.info("Rolled back to %s v%s, revision %s", entry.model, entry.version, entry.revision)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = ledger.event_payload(entry)
        return ledger.to_dict(entry)
