"""Detection of features that are broken upstream, which would look like concept drift.

A column that is emptied, frozen or sent in other units changes the relation of its own values and of the scores to the
labels. The labels stay the same, over all rows and by every other feature. A shift of the inputs does not change the
relation of the scores, and concept drift does not change the features, so the three can be distinguished.
"""

from __future__ import annotations

import numpy as np

from airflow_mlops.common.statistics.significance import chi_squared_p_value, holm
from airflow_mlops.core.drift.concept.concept_policy import ConceptPolicy
from airflow_mlops.core.drift.concept.label_relation import LabelRelation, Strata, StratumBins, StratumSums
from airflow_mlops.core.drift.concept.residual_gaps import compare_residuals

MIN_DOMINANT_FRACTION = 0.98


def find_collapsed_features(reference: LabelRelation, current: LabelRelation, policy: ConceptPolicy) -> dict[str, str]:
    """Find features in which missing values or a single value took over.

    :return: feature -> description.
    """
    checked = {name: strata for name, strata in reference.features.items() if name not in policy.ignore}
    changes = {
        name: _describe_takeover(s, current.features[name], policy.broken_threshold) for name, s in checked.items()
    }
    return {name: change for name, change in changes.items() if change}


def _describe_takeover(reference: Strata, current: Strata, limit: float) -> str | None:
    before, now = (_fractions(side) for side in (reference, current))
    if now[-1] - before[-1] >= limit:
        return f"missing {before[-1]:.0%} -> {now[-1]:.0%}"
    mode = int(np.argmax(now))
    if now[mode] >= MIN_DOMINANT_FRACTION and now[mode] - before[mode] >= max(limit, 0.5):
        return f"{reference.bins.label(mode)} in {before[mode]:.0%} -> {now[mode]:.0%} of the rows"
    return None


def find_shifted_features(
    reference: LabelRelation, current: LabelRelation, policy: ConceptPolicy, scale: float, weights: tuple[float, float]
) -> dict[str, str]:
    """Find features that shifted together with the scores while the labels did not.

    To be called when the relation of the scores changed. Unshifted scores rule out a broken feature. For classes the
    label frequencies are unknown, so the result is empty.

    :param scale: the standard deviation of the reference's labels.
    :param weights: effective rows per row of each side.
    :return: feature -> description with the fraction of shifted rows (the total variation distance of its strata);
        empty when labels changed, or when more features shifted than not, so that the evidence is insufficient.
    """
    if reference.task == "classes":
        return {}
    sides = {
        name: (_fractions(strata), _fractions(current.features[name])) for name, strata in reference.features.items()
    }
    distances = {name: float(np.abs(now - before).sum() / 2) for name, (before, now) in sides.items()}
    shifted = {
        n: distance
        for n, distance in distances.items()
        if distance >= policy.broken_threshold and n not in policy.ignore
    }
    stable = [name for name in distances if name not in shifted]
    if not shifted or len(shifted) > len(stable):
        return {}
    scores_shifted = chi_squared_p_value(reference.score.rows, current.score.rows, *weights) <= policy.alpha
    if not scores_shifted or _labels_changed(reference, current, stable, policy, scale, weights):
        return {}
    return {
        name: f"{distance:.0%} of its rows shifted, while labels did not change" for name, distance in shifted.items()
    }


def _labels_changed(
    reference: LabelRelation,
    current: LabelRelation,
    features: list[str],
    policy: ConceptPolicy,
    scale: float,
    weights: tuple[float, float],
) -> bool:
    """Check whether labels changed significantly, over all rows or by a feature.

    There is no margin, unlike for residuals: the model's errors play no role here.
    """
    sides = reference, current
    limit = policy.feature_effect_threshold or policy.effect_threshold
    total = [_merge_strata(_label_strata(side.score, side)) for side in sides]
    comparisons = [(compare_residuals(total[0], total[1], reference.task, weights), policy.effect_threshold)]
    for name in features:
        before, now = (_label_strata(side.features[name], side) for side in sides)
        comparisons.append((compare_residuals(before, now, reference.task, weights), limit))
    tests = [(gaps, threshold) for gaps, threshold in comparisons if gaps is not None]
    if not tests:
        return True  # an unchanged distribution cannot be shown
    adjusted = holm([gaps.p_value() for gaps, _ in tests])
    return any(
        gaps.rms_gap() >= threshold * scale and p_value <= policy.alpha
        for (gaps, threshold), p_value in zip(tests, adjusted, strict=True)
    )


def _label_strata(strata: Strata, relation: LabelRelation) -> Strata:
    """Return strata whose residuals are the labels themselves.

    For labels 0 and 1 the squares equal the labels. For numbers only the squares over all rows are stored; their
    variance is at least the mean variance within strata, so the test is conservative.
    """
    if relation.task == "binary":
        squares = strata.labels
    else:
        squares = strata.labels**2 / np.maximum(strata.rows, 1.0) + strata.rows * relation.label_std**2
    return Strata(strata.bins, strata.rows, strata.labels, strata.labels, squares)


def _merge_strata(strata: Strata) -> Strata:
    """Merge all strata into one."""
    sums = (np.array([column.sum(), 0.0]) for column in (strata.rows, strata.labels, strata.residuals, strata.squares))
    return Strata(StratumBins(edges=()), *sums)


def _fractions(strata: Strata) -> StratumSums:
    return np.asarray(strata.rows / strata.rows.sum())
