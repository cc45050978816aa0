"""Operator that promotes a version to champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.execution.steps.parameters import EvaluateParameters
from airflow_mlops.operators.base import ReportingOperator, parse_timestamp
from airflow_mlops.task_keys import run_type, task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.refs import ModelVersionRef
    from airflow_mlops.common.report import Report
    from airflow_mlops.core.registry.promotion_race import ReevaluationInputs

_BACKFILL = "backfill"


class PromoteModelOperator(ReportingOperator):
    """Promote a version to champion: one ledger entry, then MLflow's aliases. Returns the ledger entry.

    Requires a passing gate report of this version. The task is skipped, with the reason, if the run belongs to a
    backfill or was triggered only by events of backfills. It is also skipped if the version was trained on older data
    than the champion.

    If two runs promote at once, one wins. The other was compared with a champion that has been replaced, and fails,
    unless ``evaluation`` and ``policy`` are set. Then the operator evaluates and gates the version against the new
    champion, publishes both reports, and promotes it or is skipped with the new decision::

        options = {"test": split.output["test"], "target": "y", "key": "id", "contract": CONTRACT}
        EvaluateModelOperator(task_id="evaluate", challenger=register.output, **options)
        PromoteModelOperator(task_id="promote", ..., evaluation=options, policy=POLICY)

    :param challenger: ``ModelVersionRef`` of the version.
    :param gate: ``ReportRef`` of its gate.
    :param effective_at: start of the champion period on the data's clock, as an ISO date or date-time. Default: now.
    :param approver: approver of a held version: a name, or the output of the ``ApprovalOperator``. A response that is
        not an approval by a person is refused. Default: none.
    :param reason: reason recorded in the ledger. Default: ``passed the gate``.
    :param evaluation: parameters of ``EvaluateModelOperator`` except ``challenger``, to re-evaluate after a lost race.
        Default: no re-evaluation.
    :param policy: gate policy for the re-evaluation: path of a ``policy.yaml`` or its content. Default: the default
        policy.
    :param self_tests: ``ReportRef`` of the challenger's model tests, for the re-evaluation. Default: none.
    :param allow_backfill: also promote in a backfill. Default: ``False``.
    :param allow_older: also promote if the champion was trained on newer data. Default: ``False``.
    """

    template_fields: Sequence[str] = (
        "challenger",
        "gate",
        "effective_at",
        "approver",
        "reason",
        "evaluation",
        "policy",
        "self_tests",
    )

    def __init__(
        self,
        *,
        challenger: Mapping[str, Any],
        gate: Mapping[str, Any],
        effective_at: str | None = None,
        approver: str | Mapping[str, Any] | None = None,
        reason: str = "passed the gate",
        evaluation: Mapping[str, Any] | None = None,
        policy: str | Mapping[str, Any] | None = None,
        self_tests: Mapping[str, Any] | None = None,
        allow_backfill: bool = False,
        allow_older: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger
        self.gate = gate
        self.effective_at = effective_at
        self.approver = approver
        self.reason = reason
        self.evaluation = evaluation
        self.policy = policy
        self.self_tests = self_tests
        self.allow_backfill = allow_backfill
        self.allow_older = allow_older

    def step(self, context: Context) -> dict[str, Any]:
        """Check the guards, append to the ledger, reconcile the aliases and emit the asset events."""
        from airflow_mlops.common.refs import ModelVersionRef, ReportRef
        from airflow_mlops.core.registry import promotion
        from airflow_mlops.core.registry.promotion_race import promote_with_retry
        from airflow_mlops.store import ledger

        challenger = ModelVersionRef.from_dict(self.challenger)
        promote = partial(
            promotion.promote,
            self.mlflow,
            self.database,
            challenger=challenger,
            actor=task_key(context),
            reason=self.reason,
            effective_at=parse_timestamp("effective_at", self.effective_at),
            backfill=describe_backfill(context),
            allow_backfill=self.allow_backfill,
            allow_older=self.allow_older,
        )
        evaluation = None if self.evaluation is None else self._evaluation_parameters(self.evaluation)
        try:
            entry = promote_with_retry(
                promote,
                None if evaluation is None else partial(self._reevaluate, context, challenger, evaluation),
                gate=ReportRef.from_dict(self.gate).id,
                approver=promotion.approver_of(self.approver),
            )
        except promotion.GuardRefused as guard:
            raise AirflowSkipException(str(guard)) from None
        self.log.info(
            "Promoted %s to champion: revision %s, effective %s", challenger, entry.revision, entry.effective_at
        )
        for asset in self.outlets:
            context["outlet_events"][asset].extra = ledger.event_payload(entry)
        return ledger.to_dict(entry)

    def _evaluation_parameters(self, evaluation: Mapping[str, Any]) -> EvaluateParameters:
        """Return the parameters of a re-evaluation.

        Called before the promotion, so that an error in them does not surface only after a lost race.
        """
        values = {name: value for name, value in evaluation.items() if name != "runtime"}
        return EvaluateParameters.load({**values, "challenger": self.challenger}, where="evaluation")

    def _reevaluate(self, context: Context, challenger: ModelVersionRef, parameters: EvaluateParameters) -> Report:
        from airflow_mlops.core.registry.promotion_race import reevaluate
        from airflow_mlops.hooks.model_loading import loading_options

        self.log.warning("Another version was promoted first; re-evaluating %s", challenger)
        return reevaluate(
            self.database,
            self.snapshots,
            self._reevaluation(parameters),
            challenger=challenger,
            tracking_uri=self.mlflow.tracking_uri,
            loading=loading_options(self.mlflow_hook),
            publish=lambda report: self.publish(report, context),
        )

    def _reevaluation(self, parameters: EvaluateParameters) -> ReevaluationInputs:
        from airflow_mlops.common.policy import load_section
        from airflow_mlops.common.refs import ReportRef
        from airflow_mlops.core.gate.policy import GatePolicy
        from airflow_mlops.core.registry.promotion_race import ReevaluationInputs
        from airflow_mlops.store import reports

        return ReevaluationInputs(
            rows=parameters.to_dataset(self.open_snapshot(parameters.test)),
            metric=parameters.metric,
            policy=load_section(GatePolicy, self.policy, "gate"),
            options=parameters.to_options(),
            trusted=parameters.trusted_types,
            self_tests=reports.get(self.database, ReportRef.from_dict(self.self_tests).id) if self.self_tests else None,
        )


def describe_backfill(context: Context | Mapping[str, Any]) -> str | None:
    """Describe the backfill that a run belongs to; return ``None`` when there is none.

    A run belongs to a backfill if it is one of its runs, or if backfill runs emitted all asset events that triggered
    it: backfilling a producer starts its consumers as ``asset_triggered``. One event of a regular run is enough to
    make it a regular run.
    """
    run = context["dag_run"]
    if run_type(context) == _BACKFILL:
        return f"run {run.run_id} belongs to a backfill"
    if run_type(context) != "asset_triggered":
        return None
    sources = [event.source_run_id for events in _triggering_events(context) for event in events]
    if sources and all(str(source or "").startswith(f"{_BACKFILL}__") for source in sources):
        return f"run {run.run_id} was triggered by {', '.join(sorted(set(sources))[:3])}"
    return None


def _triggering_events(context: Context | Mapping[str, Any]) -> list[Any]:
    events = context.get("triggering_asset_events")
    return [] if events is None else list(events.values())
