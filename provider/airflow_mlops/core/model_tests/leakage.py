"""Model test for target leakage: no single feature predicts the target."""

from __future__ import annotations

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests.learning import skill_score, too_few_rows_reason
from airflow_mlops.core.model_tests.outcomes import failed, inconclusive, passed
from airflow_mlops.core.model_tests.subject import ModelUnderTest
from airflow_mlops.core.training.leakage.rows import LeakageRows, TargetKind
from airflow_mlops.core.training.leakage.target_proxy import (
    PROXY_THRESHOLD,
    STRENGTH_METRICS,
    compute_strengths,
    find_unsuitability,
)

MIN_ROWS = 100
NEAR_PERFECT_SKILL = {"binary": 0.9, "multiclass": 0.9, "regression": 0.99}
"""Skill score from which a model counts as nearly perfect."""
_KINDS: dict[str, TargetKind] = {"binary": "binary", "multiclass": "classes", "regression": "number"}


def no_target_proxy(subject: ModelUnderTest, scores: Array) -> Check:
    """Search for a feature that alone predicts the target, by its values or, as with text, through the model."""
    task, target = subject.scorer.task, subject.scorer.target
    if reason := too_few_rows_reason(task, target, MIN_ROWS) or find_unsuitability(*_split_halves(subject)):
        return inconclusive(reason)
    by_feature = compute_strengths(*_split_halves(subject))
    metric = STRENGTH_METRICS[_KINDS[task]]
    first = max(by_feature, key=lambda name: np.nan_to_num(by_feature[name], nan=-np.inf))
    observed = {"feature": first, metric: by_feature[first]}
    if by_feature[first] >= PROXY_THRESHOLD:
        return failed(
            f"{first} alone predicts the target: {metric} {by_feature[first]:.4f} on held-out rows; "
            "check that it is available before the outcome",
            observed,
        )
    if name := _dominant_feature(subject, skill_score(task, target, scores)):
        return failed(
            f"the model is nearly perfect with {name} alone; check that it is available before the outcome",
            {"feature": name},
        )
    return passed(f"the strongest feature is {first}: {metric} {by_feature[first]:.3f}", observed)


def _split_halves(subject: ModelUnderTest) -> tuple[LeakageRows, LeakageRows]:
    """Split the rows at random into one half to fit on and one to evaluate on."""
    scorer = subject.scorer
    kind = _KINDS[scorer.task]
    target = scorer.target
    if kind == "classes":
        target = (target[:, None] == np.arange(len(scorer.classes))).astype(float)
    order = np.random.default_rng(0).permutation(len(target))
    fit, held_out = (
        LeakageRows(scorer.rows.iloc[half].reset_index(drop=True), "the target", kind, scorer.classes, target[half])
        for half in (order[::2], order[1::2])
    )
    return fit, held_out


def _dominant_feature(subject: ModelUnderTest, model_skill: float) -> str:
    """Return a feature with which a nearly perfect model stays so when the rows of all others are shuffled."""
    scorer = subject.scorer
    bound = NEAR_PERFECT_SKILL[scorer.task]
    if not model_skill >= bound:
        return ""
    order = np.random.default_rng(0).permutation(len(scorer.rows))
    others = scorer.rows.iloc[order].reset_index(drop=True)
    for name in scorer.rows.columns:
        alone = others.assign(**{name: scorer.rows[name].array})
        if skill_score(scorer.task, scorer.target, scorer.scores(alone)) >= bound:
            return str(name)
    return ""
