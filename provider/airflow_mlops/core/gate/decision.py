"""The gate decision: a pure function of evidence and policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from airflow_mlops.common.report import Check, Report, verdict_of
from airflow_mlops.core.gate.bounds import check_bounds
from airflow_mlops.core.gate.checks import all_pass, check, requires_approval
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.evidence_checks import check_evidence, sort_by_key
from airflow_mlops.core.gate.fairness import check_fairness
from airflow_mlops.core.gate.gain import check_gain, estimate_paired_gain
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.gate.predictions import check_predictions
from airflow_mlops.core.gate.slices import check_slices
from airflow_mlops.core.metrics import get_metric, metrics_of_same_task

GateDecision = Literal["promote", "promote_first", "hold", "reject", "blocked"]


def decide(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> Report:
    """Decide whether the challenger becomes champion.

    - ``promote``: significantly better and within every bound.
    - ``promote_first``: there is no champion, and the challenger is within every bound.
    - ``hold``: within every bound, but a person must approve. The observed gain is not significant, a slice or group is
      inconclusive, or the policy always requires approval (see ``approval`` and ``inconclusive``).
    - ``reject``: worse in a slice, outside a bound, or without a gain that ``approval`` lets a person accept.
    - ``blocked``: the evidence is not valid: something is missing, not finite, too small, from different rows, or was
      seen in training.

    A missing or undefined value never leads to ``promote``.

    :param champion: ``None`` when there is no champion.
    :param challenger: the candidate for promotion.
    :param policy: the requirements.
    :returns: a report of kind ``gate`` whose ``decision`` is one of the five.
    """
    facts: dict[str, Any] = {
        "metric": policy.metric,
        "challenger": challenger.subject,
        "champion": champion.subject if champion else None,
        "rows": len(challenger.target),
        "policy": policy.model_dump(mode="json", exclude_none=True),
    }
    checks = check_evidence(champion, challenger, policy)
    if not all_pass(checks):
        return Report.from_checks("gate", challenger.subject, checks, decision="blocked", facts=facts)
    challenger = sort_by_key(challenger)
    champion = None if champion is None else sort_by_key(champion)
    facts["values"] = _values(champion, challenger, policy)
    checks += check_bounds(challenger, policy) + check_fairness(challenger, policy)
    if champion is None:
        return Report.from_checks(
            "gate", challenger.subject, checks, decision=_decide_alone(checks, policy), facts=facts
        )
    checks += check_slices(champion, challenger, policy) + check_predictions(champion, challenger, policy)
    gain = estimate_paired_gain(champion, challenger, policy)
    low, high = gain.bounds(policy.confidence)
    facts["gain"] = {"value": gain.value, "low": low, "high": high, "confidence": policy.confidence}
    gain_check = check_gain(gain, facts["values"]["champion"][policy.metric], policy)
    decision: GateDecision = "blocked"  # the standard error of the gain is unknown
    if gain.is_finite:
        decision = _decide_with_champion(gain_check, checks, gain.value > policy.minimum_gain, policy)
    return Report.from_checks("gate", challenger.subject, [*checks, gain_check], decision=decision, facts=facts)


def block(report: Report, name: str, message: str, observed: Any = None) -> Report:
    """Return a report with the decision ``blocked``.

    The reason lies outside the policy, such as model tests of other files.

    :param name: the failed check.
    :param message: the reason.
    """
    checks = (check(name, False, observed, None, report.subject, message), *report.checks)
    return replace(report, checks=checks, verdict=verdict_of(checks), decision="blocked")


def _decide_alone(checks: list[Check], policy: GatePolicy) -> GateDecision:
    if not all_pass(checks):
        return "reject"
    return "hold" if policy.approval == "always" or requires_approval(checks) else "promote_first"


def _decide_with_champion(
    gain_check: Check, checks: list[Check], above_minimum: bool, policy: GatePolicy
) -> GateDecision:
    """Combine the check of the gain with all other checks.

    :param above_minimum: whether the observed gain is above the minimum, significant or not.
    """
    if not all_pass(checks):
        return "reject"
    if gain_check.status == "pass":
        return "hold" if policy.approval == "always" or requires_approval(checks) else "promote"
    return "hold" if above_minimum and policy.approval != "never" else "reject"


def _values(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> dict[str, Any]:
    """Compute the metrics of the task, plus those with a floor in the policy, for both models; for information."""
    metrics = metrics_of_same_task(policy.metric) | {name: get_metric(name) for name in policy.floors}
    return {
        role: {name: m.value_or_reason(e.target, e.scores)[0] for name, m in metrics.items()}
        for role, e in (("champion", champion), ("challenger", challenger))
        if e is not None
    }
