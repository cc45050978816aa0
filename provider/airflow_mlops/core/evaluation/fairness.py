"""Checks that report fairness gaps between the groups of a protected attribute."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.model_scoring import ScoredRows
from airflow_mlops.core.gate.fairness import group_rates, largest_gap
from airflow_mlops.core.metrics import Array, Resampling

MIN_ROWS = 50
PARITY, ODDS = "demographic parity", "equalised odds"
_MIN_CLASS_ROWS = 10  # positives, or negatives, that a group needs for a rate
_RATES = {PARITY: ["positive"], ODDS: ["true_positive", "false_positive"]}


def fairness_checks(scored: ScoredRows, threshold: float) -> list[Check]:
    """Report the gaps between groups. They are informative: the gate checks them by its policy.

    Demographic parity: the largest difference between two groups in the rate of positive decisions. Equalised odds: the
    larger of the differences in the true and the false positive rate (Hardt, Price and Srebro 2016).

    :param threshold: the decision threshold.
    """
    checks = []
    for attribute in sorted(scored.rows.groups):
        if scored.rows.task != "binary":
            message = f"fairness is measured in binary tasks only; this is a {scored.rows.task} task"
            checks += [Check(n, "inconclusive", "info", None, None, f"group {attribute}", message) for n in _RATES]
            continue
        checks += _attribute_checks(scored, attribute, threshold)
    return checks


def _attribute_checks(scored: ScoredRows, attribute: str, threshold: float) -> list[Check]:
    groups = np.asarray(scored.rows.groups[attribute]).astype(str)
    names, counts = np.unique(groups, return_counts=True)
    large = [str(n) for n, rows in zip(names, counts, strict=True) if rows >= MIN_ROWS]
    checks = [_gap_check(scored, attribute, groups, large, name, threshold) for name in _RATES]
    for group, rows in zip(names, counts, strict=True):
        if rows < MIN_ROWS:
            message = f"{rows} rows, at least {MIN_ROWS} are needed: excluded from the gaps"
            where = f"group {attribute}={group}"
            checks.append(Check("fairness", "inconclusive", "info", {"rows": int(rows)}, None, where, message))
    return checks


def _gap_check(
    scored: ScoredRows, attribute: str, groups: Array, large: list[str], name: str, threshold: float
) -> Check:
    target, where = scored.rows.target, f"group {attribute}"
    rates = {role: group_rates(target, scores, threshold)[name] for role, scores in scored.scores.items()}
    challenger = rates["challenger"]
    minimum = 1 if name == PARITY else _MIN_CLASS_ROWS
    compared = [g for g in large if min(int((base & (groups == g)).sum()) for _, base in challenger) >= minimum]
    by_group = {g: _group_rates(groups == g, challenger, name) for g in large}
    finite = np.isfinite(scored.scores["challenger"]).all()
    if len(compared) < 2 or not finite:
        message = "fewer than two groups have enough rows" if finite else "the scores are not finite"
        return Check(name, "inconclusive", "info", {"rates": by_group}, None, where, message)
    draws = Resampling(len(target), scored.rows.cluster_numbers())
    gap, sample_gap = (
        float(largest_gap(groups[rows], compared, [(n[rows], d[rows]) for n, d in challenger])(np.ones(len(rows))))
        for rows in (np.arange(len(target)), draws.index)
    )
    statistic = largest_gap(groups[draws.index], compared, [(n[draws.index], d[draws.index]) for n, d in challenger])
    low, high = draws.interval(draws.evaluate([statistic])[0], sample_gap, gap)
    observed: dict[str, Any] = {"gap": gap, "low": max(0.0, low), "high": min(1.0, high), "rates": by_group}
    if "champion" in rates:
        observed["champion"] = float(largest_gap(groups, compared, rates["champion"])(np.ones(len(target))))
    message = f"largest difference between groups {gap:.3f}, between {observed['low']:.3f} and {observed['high']:.3f}"
    return Check(name, "pass", "info", observed, {"threshold": threshold}, where, message)


def _group_rates(member: Array, rates: list[tuple[Array, Array]], name: str) -> dict[str, Any]:
    result: dict[str, Any] = {"rows": int(member.sum())}
    for rate, (counted, base) in zip(_RATES[name], rates, strict=True):
        rows = int((base & member).sum())
        result[rate] = float((counted & member).sum() / rows) if rows else None
    return result
