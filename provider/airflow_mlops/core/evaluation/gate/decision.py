"""The gate: a pure function from evidence and policy to a decision with its reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array, bootstrap_weights, metric, of_task
from airflow_mlops.core.report import Check, Report

Decision = Literal["promote", "bootstrap", "hold", "reject", "blocked"]
_CHUNK = 4_000_000  # bootstrap weights held at once: 32 MB


def decide(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> Report:
    """Decide whether the challenger becomes champion.

    ``promote``: proven better and within every bound. ``bootstrap``: there is no champion, and the challenger is
    within every bound. ``hold``: a person has to say (see ``approval``). ``reject``: not proven better, or a bound is
    broken. ``blocked``: the evidence does not allow a judgement: something is missing, not finite, too
    small, not the same rows, or was seen in training. Whatever is not known never promotes.

    :param champion: ``None`` when there is no champion.
    :param challenger: the model that wants to be champion.
    :param policy: what it has to prove.
    :returns: a report of kind ``gate`` whose ``decision`` is one of the five.
    """
    blocking = _evidence_checks(challenger, policy) + _pairing_checks(champion, challenger)
    if champion is not None:
        blocking += _evidence_checks(champion, policy)
    facts: dict[str, Any] = {
        "metric": policy.metric,
        "challenger": challenger.subject,
        "champion": champion.subject if champion else None,
        "rows": len(challenger.target),
    }
    if any(c.status != "pass" for c in blocking):
        return Report.of("gate", challenger.subject, blocking, decision="blocked", facts=facts)
    order = _order(challenger)
    challenger = _ordered(challenger, order)
    champion = None if champion is None else _ordered(champion, order)
    bounds = _floor_checks(challenger, policy) + _budget_checks(challenger, policy)
    facts["values"] = _values(champion, challenger, policy)
    if champion is None:
        decision: Decision = "bootstrap" if _all_pass(bounds) else "reject"
        if decision == "bootstrap" and policy.approval == "always":
            decision = "hold"
        return Report.of("gate", challenger.subject, blocking + bounds, decision=decision, facts=facts)
    gain, low, high = paired_gain(champion, challenger, policy)
    facts["gain"] = {"value": gain, "low": low, "high": high, "confidence": policy.confidence}
    proof = _gain_check(gain, low, high, policy)
    return Report.of(
        "gate",
        challenger.subject,
        [*blocking, *bounds, proof],
        decision=_decision(proof, bounds, gain, policy),
        facts=facts,
    )


def paired_gain(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> tuple[float, float, float]:
    """Give the challenger's gain with a bootstrap interval, each resample scoring both models on the same rows.

    Percentile bootstrap of the paired difference (Efron and Tibshirani 1993, chapter 16); whole clusters are drawn
    where rows belong together.

    :returns: the gain, and the one-sided lower and upper bounds at ``policy.confidence``; NaN where not defined.
    """
    m = metric(policy.metric)
    target = np.asarray(challenger.target, float)
    ours, theirs = (m.prepare(target, np.asarray(e.scores, float)) for e in (challenger, champion))
    gain = float(m.gain(ours(np.ones(len(target))), theirs(np.ones(len(target)))))
    clusters = None
    if challenger.clusters is not None:
        clusters = np.unique(np.asarray(challenger.clusters).astype(str), return_inverse=True)[1]
    rng, gains = np.random.default_rng(policy.seed), []
    left, step = policy.resamples, max(1, _CHUNK // len(target))
    while left > 0:
        weights = bootstrap_weights(rng, min(step, left), len(target), clusters)
        gains.append(m.gain(ours(weights), theirs(weights)))
        left -= step
    all_gains = np.concatenate(gains)
    if not np.isfinite(all_gains).all():
        # A resample without one of the classes has no AUC: too little evidence to be sure of anything.
        if np.isfinite(all_gains).mean() < 0.99:
            return gain, float("nan"), float("nan")
        all_gains = all_gains[np.isfinite(all_gains)]
    low, high = np.quantile(all_gains, [1 - policy.confidence, policy.confidence])
    return gain, float(low), float(high)


def _order(evidence: Evidence) -> Array:
    """Give the order of the row keys: resamples, and so the decision, depend on the rows, not on their order."""
    return np.lexsort((evidence.scores, evidence.target, np.asarray(evidence.keys).astype(str)))


def _ordered(evidence: Evidence, order: Array) -> Evidence:
    return replace(
        evidence,
        keys=np.asarray(evidence.keys)[order],
        target=np.asarray(evidence.target, float)[order],
        scores=np.asarray(evidence.scores, float)[order],
        clusters=None if evidence.clusters is None else np.asarray(evidence.clusters)[order],
    )


def _evidence_checks(evidence: Evidence, policy: GatePolicy) -> list[Check]:
    """Is there enough sound evidence on one model to judge it at all?"""
    target, scores = np.asarray(evidence.target, float), np.asarray(evidence.scores, float)
    rows = len(target)
    checks = [
        _check("rows", rows >= policy.min_rows, rows, f">= {policy.min_rows}", evidence, "too few gate rows"),
        _check(
            "row keys",
            # A row that is there twice would make the evidence look stronger than it is.
            len(set(map(str, evidence.keys))) == rows == len(evidence.keys)
            and (evidence.clusters is None or len(evidence.clusters) == rows),
            len(set(map(str, evidence.keys))),
            rows,
            evidence,
            "not one key of its own, and one cluster where there are any, for each row",
        ),
        _check(
            "scores finite",
            rows == len(scores) and bool(np.isfinite(scores).all()) and bool(np.isfinite(target).all()),
            int((~np.isfinite(scores)).sum()) if len(scores) else "none",
            "one finite score and target a row",
            evidence,
            "missing or not finite scores or targets",
        ),
        _check(
            "unseen rows",
            evidence.seen_rows == 0,
            evidence.seen_rows,
            0,
            evidence,
            "it is not known which rows this model was trained on"
            if evidence.seen_rows is None
            else f"{evidence.seen_rows} gate rows are in this model's training, tuning or selection data",
        ),
    ]
    if metric(policy.metric).task == "binary":
        smaller = int(min((target == 1).sum(), (target == 0).sum())) if rows else 0
        checks.append(
            _check(
                "both classes",
                smaller >= policy.min_positives and bool(np.isin(target, (0, 1)).all()),
                smaller,
                f">= {policy.min_positives} rows of each of 0 and 1",
                evidence,
                "too few rows of one class, or targets that are not 0 and 1",
            )
        )
    return checks


def _pairing_checks(champion: Evidence | None, challenger: Evidence) -> list[Check]:
    """Were both models scored on the very same rows?"""
    if champion is None:
        return []
    same = (
        champion.snapshot == challenger.snapshot
        and np.array_equal(champion.keys, challenger.keys)
        and np.array_equal(np.asarray(champion.target, float), np.asarray(challenger.target, float))
    )
    return [
        _check(
            "same rows",
            same,
            {"champion": champion.snapshot, "challenger": challenger.snapshot},
            "one snapshot, the same rows",
            challenger,
            "champion and challenger were scored on different rows",
        )
    ]


def _floor_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    checks = []
    for name, floor in policy.floors.items():
        m = metric(name)
        value = m.value(challenger.target, challenger.scores)
        good = bool(np.isfinite(value)) and (value >= floor if m.direction == "higher" else value <= floor)
        sign = ">=" if m.direction == "higher" else "<="
        checks.append(
            _check(
                f"floor {name}", good, value, f"{sign} {floor}", challenger, f"{name} {value:.4f}, asked {sign} {floor}"
            )
        )
    return checks


def _budget_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    checks = []
    for name, limit in policy.budgets.items():
        value = challenger.facts.get(name)
        # A figure that was not finite comes back from the store as its name: "nan".
        measured = isinstance(value, (int, float)) and bool(np.isfinite(value))
        good = measured and value is not None and value <= limit
        said = f"{name} {value:g} is over the budget of {limit:g}" if measured else f"{name} was not measured"
        checks.append(_check(f"budget {name}", good, value, f"<= {limit:g}", challenger, said))
    return checks


def _gain_check(gain: float, low: float, high: float, policy: GatePolicy) -> Check:
    proven = bool(np.isfinite(low)) and low > policy.minimum_gain
    said = f"{policy.metric} gain {gain:+.4f}, at {policy.confidence:.1%} one-sided between {low:+.4f} and {high:+.4f}"
    return Check(
        "minimum gain",
        "pass" if proven else "fail",
        "error",
        {"gain": gain, "low": low, "high": high},
        f"> {policy.minimum_gain:g}",
        None,
        said if proven else f"{said}: not proven to be above {policy.minimum_gain:g}",
    )


def _decision(proof: Check, bounds: list[Check], gain: float, policy: GatePolicy) -> Decision:
    if not _all_pass(bounds):
        return "reject"
    if proof.status == "pass":
        return "hold" if policy.approval == "always" else "promote"
    seen = bool(np.isfinite(gain)) and gain > policy.minimum_gain
    return "hold" if seen and policy.approval != "never" else "reject"


def _values(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> dict[str, Any]:
    """All metrics of the task for both models, for people to look at."""
    return {
        role: {name: m.value(e.target, e.scores) for name, m in of_task(policy.metric).items()}
        for role, e in (("champion", champion), ("challenger", challenger))
        if e is not None
    }


def _all_pass(checks: list[Check]) -> bool:
    return all(c.status == "pass" for c in checks)


def _check(name: str, good: bool, observed: Any, expected: Any, evidence: Evidence, message: str) -> Check:
    return Check(
        name, "pass" if good else "fail", "error", observed, expected, evidence.subject, "" if good else message
    )
