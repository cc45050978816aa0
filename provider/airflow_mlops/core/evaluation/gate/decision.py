"""The gate: a pure function from evidence and policy to a decision with its reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from airflow_mlops.core.evaluation.gate.bounds import bound_checks
from airflow_mlops.core.evaluation.gate.checks import all_pass, check, waits
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.fairness import fairness_checks
from airflow_mlops.core.evaluation.gate.gain import gain_check, paired_gain
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.evaluation.gate.predictions import prediction_checks
from airflow_mlops.core.evaluation.gate.slices import slice_checks
from airflow_mlops.core.evaluation.gate.soundness import in_order, soundness
from airflow_mlops.core.metrics import of_task
from airflow_mlops.core.report import Check, Report, verdict_of

Decision = Literal["promote", "bootstrap", "hold", "reject", "blocked"]


def decide(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> Report:
    """Decide whether the challenger becomes champion.

    ``promote``: proven better and within every bound. ``bootstrap``: there is no champion, and the challenger is
    within every bound. ``hold``: a person has to say (see ``approval``). ``reject``: not proven better, worse in a
    slice, or a bound is broken. ``blocked``: the evidence does not allow a judgement: something is missing, not
    finite, too small, not the same rows, or was seen in training. Whatever is not known never promotes.

    :param champion: ``None`` when there is no champion.
    :param challenger: the model that wants to be champion.
    :param policy: what it has to prove.
    :returns: a report of kind ``gate`` whose ``decision`` is one of the five.
    """
    facts: dict[str, Any] = {
        "metric": policy.metric,
        "challenger": challenger.subject,
        "champion": champion.subject if champion else None,
        "rows": len(challenger.target),
        "policy": policy.model_dump(mode="json", exclude_none=True),
    }
    checks = soundness(champion, challenger, policy)
    if not all_pass(checks):
        return Report.of("gate", challenger.subject, checks, decision="blocked", facts=facts)
    challenger = in_order(challenger)
    champion = None if champion is None else in_order(champion)
    facts["values"] = _values(champion, challenger, policy)
    checks += bound_checks(challenger, policy) + fairness_checks(challenger, policy)
    if champion is None:
        return Report.of("gate", challenger.subject, checks, decision=_alone(checks, policy), facts=facts)
    checks += slice_checks(champion, challenger, policy) + prediction_checks(champion, challenger, policy)
    gain = paired_gain(champion, challenger, policy)
    low, high = gain.bounds(policy.confidence)
    facts["gain"] = {"value": gain.value, "low": low, "high": high, "confidence": policy.confidence}
    proof = gain_check(gain, facts["values"]["champion"][policy.metric], policy)
    decision: Decision = "blocked"  # nobody can say how sure the gain is
    if gain.known:
        decision = _compared(proof, checks, gain.value > policy.minimum_gain, policy)
    return Report.of("gate", challenger.subject, [*checks, proof], decision=decision, facts=facts)


def blocked(report: Report, name: str, said: str, observed: Any = None) -> Report:
    """Take a decision back because of something that only the caller can know, such as self-tests of other files.

    :param name: the check that failed.
    :param said: why, in a sentence.
    """
    checks = (check(name, False, observed, None, report.subject, said), *report.checks)
    return replace(report, checks=checks, verdict=verdict_of(checks), decision="blocked")


def _alone(checks: list[Check], policy: GatePolicy) -> Decision:
    if not all_pass(checks):
        return "reject"
    return "hold" if policy.approval == "always" or waits(checks) else "bootstrap"


def _compared(proof: Check, checks: list[Check], seen: bool, policy: GatePolicy) -> Decision:
    """Weigh the proof of the gain and all other checks.

    :param seen: whether the gain is above the minimum as it was seen, sure or not.
    """
    if not all_pass(checks):
        return "reject"
    if proof.status == "pass":
        return "hold" if policy.approval == "always" or waits(checks) else "promote"
    return "hold" if seen and policy.approval != "never" else "reject"


def _values(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> dict[str, Any]:
    """All metrics of the task for both models, for people to look at."""
    return {
        role: {name: m.value(e.target, e.scores) for name, m in of_task(policy.metric).items()}
        for role, e in (("champion", champion), ("challenger", challenger))
        if e is not None
    }
