"""Fairness: do decisions differ between the groups of a protected attribute, and how sure is that?"""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.gate.fairness import gap_of, rates_of
from airflow_mlops.core.evaluation.scoring import Scored
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.report import Check

MIN_ROWS = 50
PARITY, ODDS = "demographic parity", "equalised odds"
_MIN_OF_CLASS = 10  # fewer positives, or negatives, of a group give no rate
_RATES = {PARITY: ["positive"], ODDS: ["true_positive", "false_positive"]}


def fairness_checks(scored: Scored, threshold: float) -> list[Check]:
    """Tell the gaps between groups; whether one is too wide, the gate judges by its policy.

    Demographic parity: the largest difference between two groups in the share that is decided positive. Equalised odds:
    the larger of the differences in the rates of true and of false positives (Hardt, Price and Srebro 2016).

    :param threshold: the score from which on a row is decided positive.
    """
    checks = []
    for attribute in sorted(scored.rows.groups):
        if scored.rows.task != "binary":
            said = f"decisions are compared in binary tasks only, this is a {scored.rows.task} task"
            checks += [Check(n, "not_judged", "info", None, None, f"group {attribute}", said) for n in _RATES]
            continue
        checks += _of_attribute(scored, attribute, threshold)
    return checks


def _of_attribute(scored: Scored, attribute: str, threshold: float) -> list[Check]:
    groups = np.asarray(scored.rows.groups[attribute]).astype(str)
    names, counts = np.unique(groups, return_counts=True)
    large = [str(n) for n, rows in zip(names, counts, strict=True) if rows >= MIN_ROWS]
    checks = [_gap(scored, attribute, groups, large, name, threshold) for name in _RATES]
    for group, rows in zip(names, counts, strict=True):
        if rows < MIN_ROWS:
            said = f"{rows} rows, at least {MIN_ROWS} are needed: it is left out of the gaps"
            where = f"group {attribute}={group}"
            checks.append(Check("fairness", "not_judged", "info", {"rows": int(rows)}, None, where, said))
    return checks


def _gap(scored: Scored, attribute: str, groups: Array, large: list[str], name: str, threshold: float) -> Check:
    target, where = scored.rows.target, f"group {attribute}"
    rates = {role: rates_of(target, scores, threshold)[name] for role, scores in scored.scores.items()}
    ours = rates["challenger"]
    least = 1 if name == PARITY else _MIN_OF_CLASS
    judged = [g for g in large if min(int((among & (groups == g)).sum()) for _, among in ours) >= least]
    by_group = {g: _by_group(groups == g, ours, name) for g in large}
    sound = np.isfinite(scored.scores["challenger"]).all()
    if len(judged) < 2 or not sound:
        said = "fewer than two groups have enough rows" if sound else "the scores are not finite"
        return Check(name, "not_judged", "info", {"rates": by_group}, None, where, said)
    draws = Resampling(len(target), scored.rows.numbered())
    gap, part = (
        float(gap_of(groups[rows], judged, [(p[rows], a[rows]) for p, a in ours])(np.ones(len(rows))))
        for rows in (np.arange(len(target)), draws.index)
    )
    figure = gap_of(groups[draws.index], judged, [(p[draws.index], a[draws.index]) for p, a in ours])
    low, high = draws.ends(draws.values([figure])[0], part, gap)
    seen: dict[str, Any] = {"gap": gap, "low": max(0.0, low), "high": min(1.0, high), "rates": by_group}
    if "champion" in rates:
        seen["champion"] = float(gap_of(groups, judged, rates["champion"])(np.ones(len(target))))
    said = f"largest difference between groups {gap:.3f}, between {seen['low']:.3f} and {seen['high']:.3f}"
    return Check(name, "pass", "info", seen, {"threshold": threshold}, where, said)


def _by_group(member: Array, rates: list[tuple[Array, Array]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": int(member.sum())}
    for said, (part, among) in zip(_RATES[name], rates, strict=True):
        rows = int((among & member).sum())
        found[said] = float((part & member).sum() / rows) if rows else None
    return found
