"""Concept drift check of two relations.

It separates concept drift from data drift: current rows are compared with reference rows of the same score. It also
detects broken sources: if missing values or a single value take over a feature, or only a feature shifts while labels
do not, the check is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.common.statistics.significance import holm
from airflow_mlops.core.drift.concept.broken_features import find_collapsed_features, find_shifted_features
from airflow_mlops.core.drift.concept.concept_policy import ConceptPolicy
from airflow_mlops.core.drift.concept.label_relation import STRATA_HINT, LabelRelation, Strata
from airflow_mlops.core.drift.concept.residual_gaps import ResidualGaps, compare_residuals

MAX_STRATA = 20
CLASS_SCALE = 0.5  # the maximum standard deviation of an error rate
# No model is exact everywhere, so a shift of the inputs alone changes the mean residual of a stratum slightly. The null
# hypothesis is therefore not 'no gap' but 'a gap of at most this fraction of the threshold'.
MARGIN = 0.5


def check_concept_drift(
    reference: LabelRelation,
    current: LabelRelation,
    policy: ConceptPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    *,
    subject: str = "",
) -> Report:
    """Check whether the relation of labels to predictions and features has changed from the reference.

    :param reference: the relation on rows that the model was neither fitted nor selected on.
    :param current: the current relation, made with ``like=reference``.
    :param policy: the concept drift policy; the default when None.
    :param subject: the subject of the report, such as ``churn v3 2026-04-06``.
    :return: a report of the kind ``concept_drift`` with the checks ``level`` (higher or lower labels at equal scores),
        ``calibration`` (changes by score) and one ``relation`` per feature. If the check is impossible, it has a single
        check ``relation``, ``inconclusive``, with the reason; ``facts["broken"]`` lists broken columns.
    :raises BadInput: when the two count over different strata.
    """
    policy = ConceptPolicy.load({} if policy is None else policy)
    if not reference.same_strata(current):
        raise BadInput("the two relations count over different strata", hint=STRATA_HINT)
    facts = _facts(reference, current)
    scale = CLASS_SCALE if reference.task == "classes" else reference.label_std
    weights = _weight(reference), _weight(current)
    reason, checks = _data_problem(reference, current, policy, scale), list[Check]()
    broken = {} if reason else find_collapsed_features(reference, current, policy)
    if not reason and not broken:
        gaps = compare_residuals(reference.score, current.score, reference.task, weights)
        reason = _overlap_problem(gaps, policy)
        if gaps is not None and not reason:
            checks = list(_run_checks(reference, current, gaps, policy, scale, weights))
        if (
            gaps is None
            or gaps.covered < 1 - policy.broken_threshold
            or any(check.status == "fail" for check in checks)
        ):
            broken = find_shifted_features(reference, current, policy, scale, weights)
    if broken:
        facts["broken"] = list(broken)
        problems = (f"{name} is broken upstream, or outside of the reference: {how}" for name, how in broken.items())
        reason = "; ".join(problems) + ". Fix it first"
    if reason:
        where = ", ".join(broken) or None
        checks = [Check("relation", "inconclusive", policy.severity, facts, where=where, message=reason)]
    return Report.from_checks("concept_drift", subject or "current against reference", checks, facts=facts)


def _weight(relation: LabelRelation) -> float:
    return relation.effective_rows / relation.rows if relation.rows else 1.0


def _facts(reference: LabelRelation, current: LabelRelation) -> dict[str, Any]:
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


def _data_problem(reference: LabelRelation, current: LabelRelation, policy: ConceptPolicy, scale: float) -> str | None:
    """Return why the relation cannot be checked; None when it can."""
    sizes = reference.effective_rows, current.effective_rows
    if min(sizes) < policy.min_rows:
        return f"{sizes[0]} and {sizes[1]} independent labelled rows; each side requires {policy.min_rows}"
    if not math.isfinite(scale) or scale <= 0:
        return "all labels of the reference are the same: no relation to compare with"
    return None


def _overlap_problem(gaps: ResidualGaps | None, policy: ConceptPolicy) -> str | None:
    """Return why the scores cannot be compared; None when they can."""
    if gaps is None:
        return "no range of scores has enough labelled rows on both sides"
    if gaps.covered < policy.min_overlap:
        return f"only {gaps.covered:.0%} of the rows have scores in the range of the reference"
    return None


@dataclass(frozen=True, slots=True)
class _Test:
    """One hypothesis test of the relation.

    :param name: ``level``, ``calibration`` or ``relation``.
    :param where: the feature; None for the score.
    :param sides: the strata of the reference and of the current rows.
    :param gaps: the differences of their residuals.
    :param size: the effect, in units of the label.
    :param p_value: the p-value before correction.
    :param limit: the effect threshold, in standard deviations of the label.
    """

    name: str
    where: str | None
    sides: tuple[Strata, Strata]
    gaps: ResidualGaps
    size: float
    p_value: float
    limit: float

    def describe(self, effect: float) -> str:
        """Return the message of the check."""
        if self.name == "level":
            direction = "higher" if self.gaps.level > 0 else "lower"
            return f"at the same scores labels are {direction} by {self.size:.3g} ({effect:.2f} label sd)"
        worst = int(np.argmax(np.abs(self.gaps.gaps) * np.sqrt(self.gaps.weights)))
        largest = f"most at {_format_group(self.sides[0], self.gaps.groups[worst])} ({self.gaps.gaps[worst]:+.3g})"
        subject = "labels at equal scores differ" if self.where is None else "labels by this feature differ"
        return f"{subject} by {effect:.2f} label sd, {largest}"


def _run_checks(
    reference: LabelRelation,
    current: LabelRelation,
    gaps: ResidualGaps,
    policy: ConceptPolicy,
    scale: float,
    weights: tuple[float, float],
) -> Iterator[Check]:
    """Run all tests, adjust their p-values together, and yield the checks."""
    sides, limit = (reference.score, current.score), policy.effect_threshold
    margin = limit * scale * MARGIN
    tests = [
        _Test("level", None, sides, gaps, abs(gaps.level), gaps.level_p_value(margin), limit),
        _Test("calibration", None, sides, gaps, gaps.rms_gap(), gaps.p_value(margin), limit),
    ]
    if policy.feature_effect_threshold is not None:
        for name, before in reference.features.items():
            pair = before, current.features[name]
            differences = None if name in policy.ignore else compare_residuals(*pair, reference.task, weights)
            if differences is not None and len(differences.gaps) > 1:
                size, limit = differences.rms_gap(around=differences.level), policy.feature_effect_threshold
                p_value = differences.shape_p_value(limit * scale * MARGIN)
                tests.append(_Test("relation", name, pair, differences, size, p_value, limit))
    for test, adjusted in zip(tests, holm([test.p_value for test in tests]), strict=True):
        yield _check(test, test.size / scale, adjusted, policy)


def _check(test: _Test, effect: float, adjusted: float, policy: ConceptPolicy) -> Check:
    exceeds = effect >= test.limit
    drifted = exceeds and adjusted <= policy.alpha
    observed = {
        "effect": effect,
        "p_value": test.p_value,
        "p_adjusted": adjusted,
        "compared_fraction": test.gaps.covered,
        "strata": _table(*test.sides, test.gaps),
    }
    message = test.describe(effect) + (", not significant" if exceeds and not drifted else "")
    expected = f"< {test.limit:g} label sd"
    return Check(test.name, "fail" if drifted else "pass", policy.severity, observed, expected, test.where, message)


def _format_group(strata: Strata, group: tuple[int, ...]) -> str:
    """Return the values of a group of strata as text."""
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


def _table(reference: Strata, current: Strata, gaps: ResidualGaps) -> list[dict[str, Any]]:
    """Return the compared groups with their rows and mean labels."""
    rows = []
    for group, gap in zip(gaps.groups[:MAX_STRATA], gaps.gaps, strict=False):
        before, now = (float(s.labels[list(group)].sum() / s.rows[list(group)].sum()) for s in (reference, current))
        counted = int(current.rows[list(group)].sum())
        values = _format_group(reference, group)
        rows.append(
            {"stratum": values, "rows": counted, "label_reference": before, "label_current": now, "gap": float(gap)}
        )
    return rows
