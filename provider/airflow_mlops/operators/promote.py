"""Promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import run_type, task_key
from airflow_mlops.operators.base import ReportingOperator, features_of, moment_of
from airflow_mlops.operators.evaluate import EvaluateModelOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.refs import ModelVersionRef
    from airflow_mlops.core.registry.regating import Judging
    from airflow_mlops.core.report import Report

_ASKED = ("slices", "groups", "threshold", "importance", "cost", "train_sample")
_BACKFILL = "backfill"


class PromoteModelOperator(ReportingOperator):
    """Make a version champion: one entry in the ledger, then MLflow's aliases; gives the entry.

    Needs a passing gate report of this very version. A run of a backfill (or one that only events of backfills have
    started), or a version trained on older data than the champion's, is registered but not promoted: the task is
    skipped and says why.

    Of two promoters at once one wins. The other has been compared with a champion that is no more: it fails, unless it
    knows how to judge again. With ``evaluation`` and ``policy`` it evaluates and gates the version against the new
    champion, publishes both reports, and becomes champion after all or is skipped with the new decision::

        judged = {"test": split.output["test"], "target": "y", "key": "id", "contract": CONTRACT}
        EvaluateModelOperator(task_id="evaluate", challenger=register.output, **judged)
        PromoteModelOperator(task_id="promote", ..., evaluation=judged, policy=POLICY)

    :param challenger: the ``ModelVersionRef``.
    :param gate: the ``ReportRef`` of its gate.
    :param effective_at: from when on, on the data's clock: an ISO date or date-time; default now.
    :param approver: who approved, where the gate held: a name, or the output of the ``ApprovalOperator``. An answer
        that is no person's approval is refused.
    :param reason: why, for the ledger.
    :param evaluation: what ``EvaluateModelOperator`` was given beside the challenger, to judge again after a lost race.
    :param policy: the gate's policy, for the same.
    :param self_tests: the ``ReportRef`` of the challenger's self-tests, for the same.
    :param allow_backfill: promote in a backfill all the same.
    :param allow_older: promote though the champion was trained on newer data.
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
        """Check the guards, append to the ledger, reconcile the aliases, tell the asset."""
        from airflow_mlops.core.refs import ModelVersionRef, ReportRef
        from airflow_mlops.core.registry import promotion
        from airflow_mlops.core.registry.regating import promote_or_judge_again
        from airflow_mlops.store import ledger

        challenger = ModelVersionRef.from_dict(self.challenger)
        promote = partial(
            promotion.promote,
            self.mlflow,
            self.database,
            challenger=challenger,
            actor=task_key(context),
            reason=self.reason,
            effective_at=moment_of("effective_at", self.effective_at),
            backfill=backfill_of(context),
            allow_backfill=self.allow_backfill,
            allow_older=self.allow_older,
        )
        how = None if self.evaluation is None else evaluation_of(self.evaluation)
        try:
            entry = promote_or_judge_again(
                promote,
                None if how is None else partial(self._judge_again, context, challenger, how),
                gate=ReportRef.from_dict(self.gate).id,
                approver=promotion.approver_of(self.approver),
            )
        except promotion.GuardRefused as guard:
            raise AirflowSkipException(str(guard)) from None
        self.log.info("%s is champion: epoch %s, effective %s", challenger, entry.epoch, entry.effective_at)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = ledger.event_of(entry)
        return ledger.as_dict(entry)

    def _judge_again(self, context: Context, challenger: ModelVersionRef, how: Mapping[str, Any]) -> Report:
        from airflow_mlops.core.registry.regating import judge_again
        from airflow_mlops.hooks.model_loading import loading_of

        self.log.warning("another version became champion first: judging %s again", challenger)
        return judge_again(
            self.database,
            self.snapshots,
            self._judging(how),
            challenger=challenger,
            tracking_uri=self.mlflow.tracking_uri,
            how=loading_of(self.mlflow_hook),
            publish=lambda report: self.publish(report, context),
        )

    def _judging(self, how: Mapping[str, Any]) -> Judging:
        from airflow_mlops.core.evaluation.asked import Asked
        from airflow_mlops.core.evaluation.gate.policy import GatePolicy
        from airflow_mlops.core.policy import load_section
        from airflow_mlops.core.refs import ReportRef
        from airflow_mlops.core.registry.comparison import Rows
        from airflow_mlops.core.registry.regating import Judging
        from airflow_mlops.store import reports

        trusted, key = how["trusted_types"], how["key"]
        return Judging(
            rows=Rows(
                snapshot=self.open(how["test"]),
                key=[key] if isinstance(key, str) else list(key),
                split_key=how["split_key"],
                target=how["target"],
                features=features_of(how["contract"], how["features"]),
            ),
            metric=how["metric"],
            policy=load_section(GatePolicy, self.policy, "gate"),
            asked=Asked.read(**{name: how[name] for name in _ASKED}),
            trusted=tuple(trusted),
            self_tests=reports.get(self.database, ReportRef.from_dict(self.self_tests).id) if self.self_tests else None,
        )


def evaluation_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters of an evaluation, with ``EvaluateModelOperator``'s own defaults.

    Called before anything is promoted: a mistake in them must not wait for a lost race.

    :raises BadInput: when one is unknown or missing.
    """
    from airflow_mlops.core.errors import BadInput

    taken = {p.name: p.default for p in signature(EvaluateModelOperator.__init__).parameters.values()}
    known = {name: default for name, default in taken.items() if name not in ("self", "challenger", "kwargs")}
    how = {**known, **given}
    if unknown := sorted(given.keys() - known.keys()):
        raise BadInput(f"evaluation has parameters that EvaluateModelOperator has not: {unknown}")
    if missing := [name for name, value in how.items() if value is Parameter.empty]:
        raise BadInput(f"evaluation does not say how to judge again: {missing} are missing")
    return how


def backfill_of(context: Context | Mapping[str, Any]) -> str | None:
    """Say which backfill a run belongs to; ``None`` when it belongs to none.

    It does when it is one of its runs, or when every asset event that started it came from such runs: backfilling a
    producer starts its consumers as ``asset_triggered``. With one event of another run among them, there was a reason
    of today's to run as well.
    """
    run = context["dag_run"]
    if run_type(context) == _BACKFILL:
        return f"run {run.run_id} is one of a backfill"
    if run_type(context) != "asset_triggered":
        return None
    sources = [event.source_run_id for events in _triggering(context) for event in events]
    if sources and all(str(source or "").startswith(f"{_BACKFILL}__") for source in sources):
        return f"run {run.run_id} was started by events of {', '.join(sorted(set(sources))[:3])}"
    return None


def _triggering(context: Context | Mapping[str, Any]) -> list[Any]:
    events = context.get("triggering_asset_events")
    return [] if events is None else list(events.values())
