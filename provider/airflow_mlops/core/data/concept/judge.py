"""Concept drift: do the same scores and the same inputs still mean the same labels?

Two relations come in, a report goes out. It tells concept drift from drift of the data: rows that moved to other
scores are held against rows of those scores in the reference. And from a broken source: where a feature is taken over
by missing values or a single value, or all that moved is a feature while labels stayed, the relation is not judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from airflow_mlops.core.data.concept.compare import Gaps, compare
from airflow_mlops.core.data.concept.policy import ConceptPolicy
from airflow_mlops.core.data.concept.relation import MEND, Relation, Strata
from airflow_mlops.core.data.concept.upstream import moved_alone, taken_over
from airflow_mlops.core.data.drift.statistics import holm
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report

MOST_STRATA = 20
CLASS_SCALE = 0.5  # an error rate is never wider spread than this
# No model is right everywhere, so a shift of the inputs alone moves the mean residual of a stratum a little. What is
# tested is therefore not 'no gap' but 'a gap of at most this part of the threshold'.
MARGIN = 0.5


def check_concept_drift(
    reference: Relation,
    current: Relation,
    policy: ConceptPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    *,
    subject: str = "",
) -> Report:
    """Judge whether labels still go with predictions and inputs as they did in the reference.

    :param reference: the relation on rows that the model was neither fitted nor chosen on.
    :param current: the relation now, made with ``like=reference``.
    :param policy: how much is drift; the default when None.
    :param subject: what was judged, such as ``churn v3 2026-04-06``.
    :return: a report of the kind ``concept_drift``: the checks ``level`` (labels became more or less frequent or
        larger at the same scores), ``calibration`` (scores mean something else, score by score) and one ``relation`` a
        feature. A single check ``relation``, ``not_judged``, says why nothing can be told; where it is because of
        broken columns, ``facts["broken"]`` names them.
    :raises BadInput: when the two count over different strata.
    """
    policy = ConceptPolicy.load({} if policy is None else policy)
    if not reference.same_strata(current):
        raise BadInput("the two relations count over other strata", mend=MEND)
    facts = _facts(reference, current)
    scale = CLASS_SCALE if reference.task == "classes" else reference.label_std
    weights = _weight(reference), _weight(current)
    why_not, checks = _why_not(reference, current, policy, scale), list[Check]()
    broken = {} if why_not else taken_over(reference, current, policy)
    if not why_not and not broken:
        gaps = compare(reference.score, current.score, reference.task, weights)
        why_not = _out_of_reach(gaps, policy)
        if gaps is not None and not why_not:
            checks = list(_judged(reference, current, gaps, policy, scale, weights))
        if gaps is None or gaps.covered < 1 - policy.broken or any(check.status == "fail" for check in checks):
            broken = moved_alone(reference, current, policy, scale, weights)
    if broken:
        facts["broken"] = list(broken)
        told = (
            f"{name} is broken upstream, or far from all that the reference had: {how}" for name, how in broken.items()
        )
        why_not = "; ".join(told) + ". Mend it first"
    if why_not:
        where = ", ".join(broken) or None
        checks = [Check("relation", "not_judged", policy.severity, facts, where=where, message=why_not)]
    return Report.of("concept_drift", subject or "current against reference", checks, facts=facts)


def _weight(relation: Relation) -> float:
    return relation.effective_rows / relation.rows if relation.rows else 1.0


def _facts(reference: Relation, current: Relation) -> dict[str, Any]:
    return {
        "task": reference.task,
        "rows_reference": reference.rows,
        "rows_current": current.rows,
        "effective_rows_reference": reference.effective_rows,
        "effective_rows_current": current.effective_rows,
        "unlabelled": current.unlabelled,
        "label_mean_reference": reference.label_mean,
        "label_mean_current": current.label_mean,
    }


def _why_not(reference: Relation, current: Relation, policy: ConceptPolicy, scale: float) -> str | None:
    """Say why the relation cannot be judged; None when it can."""
    sizes = reference.effective_rows, current.effective_rows
    if min(sizes) < policy.min_rows:
        return f"{sizes[0]} and {sizes[1]} independent labelled rows, {policy.min_rows} are needed on each side"
    if not math.isfinite(scale) or scale <= 0:
        return "all labels of the reference are the same: there is no relation to compare with"
    return None


def _out_of_reach(gaps: Gaps | None, policy: ConceptPolicy) -> str | None:
    """Say why the scores cannot be compared; None when they can."""
    if gaps is None:
        return "no range of scores has enough labelled rows on both sides"
    if gaps.covered < policy.overlap:
        return f"only {gaps.covered:.0%} of the rows have scores as the reference had"
    return None


@dataclass(frozen=True, slots=True)
class _Test:
    """One question to the relation.

    :param name: ``level``, ``calibration`` or ``relation``.
    :param where: the feature; None for the score.
    :param sides: the strata of the reference and of the current rows.
    :param gaps: what came out of comparing them.
    :param size: the effect, in units of the label.
    :param p_value: the chance of it without drift.
    :param limit: the effect that matters, in standard deviations of the label.
    """

    name: str
    where: str | None
    sides: tuple[Strata, Strata]
    gaps: Gaps
    size: float
    p_value: float
    limit: float

    def says(self, effect: float) -> str:
        """Say it in a sentence."""
        if self.name == "level":
            way = "higher" if self.gaps.level > 0 else "lower"
            return f"at the same scores labels are {way} by {self.size:.3g} ({effect:.2f} label sd)"
        worst = int(np.argmax(np.abs(self.gaps.gaps) * np.sqrt(self.gaps.weights)))
        most = f"most at {_span(self.sides[0], self.gaps.groups[worst])} ({self.gaps.gaps[worst]:+.3g})"
        about = "score by score labels are off" if self.where is None else "labels are off along it"
        return f"{about} by {effect:.2f} label sd, {most}"


def _judged(
    reference: Relation,
    current: Relation,
    gaps: Gaps,
    policy: ConceptPolicy,
    scale: float,
    weights: tuple[float, float],
) -> Iterator[Check]:
    """Ask all questions, correct their p-values together, judge."""
    sides, limit = (reference.score, current.score), policy.effect
    margin = limit * scale * MARGIN
    tests = [
        _Test("level", None, sides, gaps, abs(gaps.level), gaps.level_p_value(margin), limit),
        _Test("calibration", None, sides, gaps, gaps.size(), gaps.p_value(margin), limit),
    ]
    if policy.feature_effect is not None:
        for name, before in reference.features.items():
            pair = before, current.features[name]
            along = None if name in policy.ignore else compare(*pair, reference.task, weights)
            if along is not None and len(along.gaps) > 1:
                size, limit = along.size(around=along.level), policy.feature_effect
                p_value = along.shape_p_value(limit * scale * MARGIN)
                tests.append(_Test("relation", name, pair, along, size, p_value, limit))
    for test, adjusted in zip(tests, holm([test.p_value for test in tests]), strict=True):
        yield _check(test, test.size / scale, adjusted, policy)


def _check(test: _Test, effect: float, adjusted: float, policy: ConceptPolicy) -> Check:
    matters = effect >= test.limit
    drifted = matters and adjusted <= policy.alpha
    observed = {
        "effect": effect,
        "p_value": test.p_value,
        "p_adjusted": adjusted,
        "compared_share": test.gaps.covered,
        "strata": _table(*test.sides, test.gaps),
    }
    message = test.says(effect) + (", which may be chance" if matters and not drifted else "")
    expected = f"< {test.limit:g} label sd"
    return Check(test.name, "fail" if drifted else "pass", policy.severity, observed, expected, test.where, message)


def _span(strata: Strata, group: tuple[int, ...]) -> str:
    """Say which values a group of strata holds."""
    bins = strata.bins
    if len(group) == 1 or bins.edges is None:
        return ", ".join(bins.label(i) for i in group)
    left = None if group[0] == 0 else bins.edges[group[0] - 1]
    right = None if group[-1] >= len(bins.edges) else bins.edges[group[-1]]
    if left is None and right is None:
        return "all values"
    if left is None:
        return f"< {right:.4g}"
    return f">= {left:.4g}" if right is None else f"{left:.4g} to {right:.4g}"


def _table(reference: Strata, current: Strata, gaps: Gaps) -> list[dict[str, Any]]:
    """List what was compared: rows, and the mean label on both sides."""
    rows = []
    for group, gap in zip(gaps.groups[:MOST_STRATA], gaps.gaps, strict=False):
        before, now = (float(s.labels[list(group)].sum() / s.rows[list(group)].sum()) for s in (reference, current))
        counted = int(current.rows[list(group)].sum())
        of = _span(reference, group)
        rows.append({"of": of, "rows": counted, "label_reference": before, "label_current": now, "gap": float(gap)})
    return rows
