"""Broken columns: what looks like another relation, but is another way to record the same rows.

A column that is emptied, frozen or sent in other units changes what scores and its own values mean, and nothing else:
labels come as often as before, over all rows and along every other feature. A shift of the rows themselves leaves
what scores mean alone, and a change of the relation leaves the features alone. So the three are told apart by
what stayed as it was.
"""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.data.concept.compare import compare
from airflow_mlops.core.data.concept.policy import ConceptPolicy
from airflow_mlops.core.data.concept.relation import Bins, Relation, Strata, Sums
from airflow_mlops.core.data.drift.statistics import chi_squared_p_value, holm

TAKEN_OVER = 0.98


def taken_over(reference: Relation, current: Relation, policy: ConceptPolicy) -> dict[str, str]:
    """Name the features that missing values or a single value took over.

    :return: feature -> how, in words.
    """
    watched = {name: strata for name, strata in reference.features.items() if name not in policy.ignore}
    found = {name: _how(strata, current.features[name], policy.broken) for name, strata in watched.items()}
    return {name: how for name, how in found.items() if how}


def _how(reference: Strata, current: Strata, limit: float) -> str | None:
    before, now = (_shares(side) for side in (reference, current))
    if now[-1] - before[-1] >= limit:
        return f"missing {before[-1]:.0%} -> {now[-1]:.0%}"
    most = int(np.argmax(now))
    if now[most] >= TAKEN_OVER and now[most] - before[most] >= max(limit, 0.5):
        return f"{reference.bins.label(most)} in {before[most]:.0%} -> {now[most]:.0%} of the rows"
    return None


def moved_alone(
    reference: Relation, current: Relation, policy: ConceptPolicy, scale: float, weights: tuple[float, float]
) -> dict[str, str]:
    """Name the features that moved, and scores with them, while no label did.

    It is asked when scores do not mean what they meant. Scores that stayed as they were cannot have been misled. Of
    classes only errors are known, not how often each came true: there nothing can be said.

    :param scale: the standard deviation of the reference's labels.
    :param weights: independent rows in a row of each side.
    :return: feature -> how, in words, with the share of rows that moved (the total variation distance of its strata);
        empty when labels changed, or when more features moved than stayed: then too little is left to tell by.
    """
    if reference.task == "classes":
        return {}
    sides = {name: (_shares(strata), _shares(current.features[name])) for name, strata in reference.features.items()}
    by_far = {name: float(np.abs(now - before).sum() / 2) for name, (before, now) in sides.items()}
    moved = {name: share for name, share in by_far.items() if share >= policy.broken and name not in policy.ignore}
    stayed = [name for name in by_far if name not in moved]
    if not moved or len(moved) > len(stayed):
        return {}
    misled = chi_squared_p_value(reference.score.rows, current.score.rows, *weights) <= policy.alpha
    if not misled or _labels_changed(reference, current, stayed, policy, scale, weights):
        return {}
    how = "of the rows moved along it, while labels came as before, along other features, too"
    return {name: f"{share:.0%} {how}" for name, share in moved.items()}


def _labels_changed(
    reference: Relation,
    current: Relation,
    along: list[str],
    policy: ConceptPolicy,
    scale: float,
    weights: tuple[float, float],
) -> bool:
    """Say whether labels are others, over all rows or along a feature, by an amount that matters and not by chance.

    There is no margin here, unlike where residuals are judged: what is asked is whether labels moved, and not
    whether a model was right about them.
    """
    sides = reference, current
    limit = policy.feature_effect or policy.effect
    whole = [_in_one(_of_labels(side.score, side)) for side in sides]
    asked = [(compare(whole[0], whole[1], reference.task, weights), policy.effect)]
    for name in along:
        before, now = (_of_labels(side.features[name], side) for side in sides)
        asked.append((compare(before, now, reference.task, weights), limit))
    gaps = [(found, least) for found, least in asked if found is not None]
    if not gaps:
        return True  # nothing is known of them
    certain = holm([found.p_value() for found, _ in gaps])
    return any(
        found.size() >= least * scale and chance <= policy.alpha
        for (found, least), chance in zip(gaps, certain, strict=True)
    )


def _of_labels(strata: Strata, relation: Relation) -> Strata:
    """Give strata whose residuals are the labels themselves.

    Of labels 0 and 1 the squares are the labels. Of numbers they are known over all rows only, whose variance is no
    smaller than that within a stratum is in the mean: that errs on the quiet side.
    """
    if relation.task == "binary":
        squares = strata.labels
    else:
        squares = strata.labels**2 / np.maximum(strata.rows, 1.0) + strata.rows * relation.label_std**2
    return Strata(strata.bins, strata.rows, strata.labels, strata.labels, squares)


def _in_one(strata: Strata) -> Strata:
    """Put all strata into one."""
    sums = (np.array([column.sum(), 0.0]) for column in (strata.rows, strata.labels, strata.residuals, strata.squares))
    return Strata(Bins(edges=()), *sums)


def _shares(strata: Strata) -> Sums:
    return np.asarray(strata.rows / strata.rows.sum())
