"""A self-test on leaks: no feature tells the target all by itself."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.evaluation.self_tests.learning import skill, too_little
from airflow_mlops.core.evaluation.self_tests.outcome import failed, not_judged, passed
from airflow_mlops.core.evaluation.self_tests.subject import Subject
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check
from airflow_mlops.core.training.leakage.rows import Kind, Labelled
from airflow_mlops.core.training.leakage.telling import BOUND, FIGURE, strengths, unfit

LEAST_ROWS = 100
ALL = {"binary": 0.9, "multiclass": 0.9, "regression": 0.99}
"""From here on a model is nearly perfect: the share of a constant's squared error that is gone."""
_KINDS: dict[str, Kind] = {"binary": "binary", "multiclass": "classes", "regression": "number"}


def no_feature_tells_it_all(subject: Subject, scores: Array) -> Check:
    """Look for a feature that alone tells the target, by its values or, as a text may, through the model."""
    task, target = subject.scorer.task, subject.scorer.target
    if why := too_little(task, target, LEAST_ROWS) or unfit(*_halves(subject)):
        return not_judged(why)
    found = strengths(*_halves(subject))
    figure = FIGURE[_KINDS[task]]
    first = max(found, key=lambda name: np.nan_to_num(found[name], nan=-np.inf))
    if found[first] >= BOUND:
        return failed(
            f"{first} alone tells the target: {figure} {found[first]:.4f} on rows held out; is it known before?",
            {"feature": first, figure: found[first]},
        )
    if name := _all_of_it(subject, skill(task, target, scores)):
        return failed(f"the model is nearly perfect by {name} alone: is it known before?", {"feature": name})
    return passed(f"{first} tells most: {figure} {found[first]:.3f}", {"feature": first, figure: found[first]})


def _halves(subject: Subject) -> tuple[Labelled, Labelled]:
    """Give every second row to learn from, and the others to hold what was learned against."""
    scorer = subject.scorer
    kind = _KINDS[scorer.task]
    target = scorer.target
    if kind == "classes":
        target = (target[:, None] == np.arange(len(scorer.classes))).astype(float)
    order = np.random.default_rng(0).permutation(len(target))
    learn, hold = (
        Labelled(scorer.rows.iloc[half].reset_index(drop=True), "the target", kind, scorer.classes, target[half])
        for half in (order[::2], order[1::2])
    )
    return learn, hold


def _all_of_it(subject: Subject, whole: float) -> str:
    """Name a feature by which a nearly perfect model stays so when the rows of all others are shuffled."""
    scorer = subject.scorer
    bound = ALL[scorer.task]
    if not whole >= bound:
        return ""
    order = np.random.default_rng(0).permutation(len(scorer.rows))
    others = scorer.rows.iloc[order].reset_index(drop=True)
    for name in scorer.rows.columns:
        alone = others.assign(**{name: scorer.rows[name].array})
        if skill(scorer.task, scorer.target, scorer.scores(alone)) >= bound:
            return str(name)
    return ""
