"""Model tests for learning: the model beats a constant, and a fresh build can overfit a hundred rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.model_scoring import predict_scores, summarise_error
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.metrics import get_metric as metric_of
from airflow_mlops.core.model_tests.outcomes import failed, inconclusive, not_applicable, passed
from airflow_mlops.core.model_tests.subject import ModelUnderTest

OVERFIT_ROWS = 100
MIN_ROWS = 50
MIN_CLASS_ROWS = 10
REPETITIONS = 20
"""Repetitions of each row, so that minimum leaf sizes and penalties have the effect that they have with many rows."""
OVERFIT_SKILL = 0.5
MIN_SKILL = 0.01


def better_than_a_constant(subject: ModelUnderTest, scores: Array) -> Check:
    """Compare the model with the best constant prediction by the main metric."""
    scorer = subject.scorer
    if reason := too_few_rows_reason(scorer.task, scorer.target):
        return inconclusive(reason)
    metric = metric_of(metric_of(subject.metric).constant_metric or subject.metric)
    value, reason = metric.value_or_reason(scorer.target, scores)
    if not np.isfinite(value):
        return failed(f"the model's {metric.name} is not defined: {reason or value}", {"model": value})
    candidates = [metric.value_or_reason(scorer.target, constant)[0] for constant in _constants(subject)]
    constants = [candidate for candidate in candidates if np.isfinite(candidate)]
    if not constants:
        return inconclusive(f"{metric.name} of a constant is not defined on these rows")
    best = max(constants, key=lambda constant: float(metric.gain(constant, 0.0)))
    observed = {"model": value, "constant": best}
    message = f"{metric.name} {value:.4f}, the best constant has {best:.4f}"
    if metric.gain(value, best) > 0:
        return passed(message, observed)
    return failed(f"the model does not beat a constant: {message}", observed)


def overfits_a_hundred_rows(subject: ModelUnderTest, scores: Array) -> Check:
    """Fit a fresh build on a hundred rows and score the same rows: it should overfit them.

    The measure is the skill score, of which 1 is perfect. A strongly regularised model reaches less than 0.5 on so few
    rows. A fit on all rows distinguishes it from a broken training.
    """
    scorer = subject.scorer
    if reason := too_few_rows_reason(scorer.task, scorer.target, OVERFIT_ROWS):
        return inconclusive(reason)
    if subject.build_unfitted() is None:
        return not_applicable(f"{type(scorer.model).__name__} cannot be cloned; pass its build function")
    try:
        few = fit_skill(subject, _draw_hundred(scorer.task, scorer.target))
        if few >= OVERFIT_SKILL:
            return passed(f"a fresh build reaches a skill of {few:.0%} on a hundred rows", {"skill": few})
        many = few if few >= MIN_SKILL else fit_skill(subject, np.arange(len(scorer.target)))
    except MemoryError:
        raise
    except Exception as error:  # a user's model may raise anything
        return failed(f"a fresh build cannot be fitted on {OVERFIT_ROWS} of the rows: {summarise_error(error)}")
    if many >= MIN_SKILL:
        return not_applicable(
            f"the model is too regularised to overfit a hundred rows: its skill is {few:.0%}", {"skill": few}
        )
    return failed(
        f"a fresh build learns nothing, even of the rows that it is fitted on: the skill is {few:.1%} on a hundred "
        f"rows and {many:.1%} on {len(scorer.target)}",
        {"skill": few, "skill_all_rows": many},
    )


def fit_skill(subject: ModelUnderTest, rows: Array) -> float:
    """Fit a fresh build on some rows and return its skill score on them."""
    scorer = subject.scorer
    features = scorer.rows.iloc[rows].reset_index(drop=True)
    repeated = np.tile(np.arange(len(rows)), max(1, REPETITIONS * OVERFIT_ROWS // len(rows)))
    fresh = subject.build_unfitted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence warnings are expected with so few rows
        fresh.fit(features.iloc[repeated].reset_index(drop=True), subject.training_target(rows[repeated]))
        scores = predict_scores(fresh, features, scorer.task, scorer.classes, label="a fresh build")
    return skill_score(scorer.task, scorer.target[rows], scores)


def skill_score(task: Task, target: Array, scores: Array) -> float:
    """Return the skill score: 1 minus squared error relative to a constant; 1 is perfect, below 0 worse than it.

    For values it is R², for probabilities the Brier skill score, summed over the classes. Unlike the log loss, it is
    not dominated by a few overconfident rows. The constant is the mean of the target, or the class frequencies.
    """
    truth = target if task != "multiclass" else (target[:, None] == np.arange(scores.shape[1])).astype(float)
    baseline = float(((truth - constant_scores(task, target, scores.shape)) ** 2).mean())
    return 1 - float(((truth - scores) ** 2).mean()) / baseline if baseline > 0 else float("nan")


def constant_scores(task: Task, target: Array, shape: tuple[int, ...]) -> Array:
    """Return the constant scores with the least squared error: the mean, or the class frequencies."""
    if task != "multiclass":
        return np.full(shape, target.mean())
    frequencies = np.bincount(target.astype(int), minlength=shape[1]) / len(target)
    return np.tile(frequencies, (shape[0], 1))


def too_few_rows_reason(task: Task, target: Array, min_rows: int = MIN_ROWS) -> str:
    """Return why the rows are too few for a learning test; empty when they are enough."""
    if len(target) < min_rows:
        return f"{len(target)} rows, at least {min_rows} are needed"
    if task == "regression":
        return "" if np.ptp(target) > 0 else "all rows have the same target"
    counts = sorted(np.unique(target, return_counts=True)[1], reverse=True)
    second = int(counts[1]) if len(counts) > 1 else 0
    if second >= MIN_CLASS_ROWS:
        return ""
    return f"{second} rows of the second class, at least {MIN_CLASS_ROWS} are needed"


def _constants(subject: ModelUnderTest) -> Iterator[Array]:
    """Yield the constants that are optimal for one metric or another."""
    task, target, rows = subject.scorer.task, subject.scorer.target, len(subject.scorer.target)
    if task == "multiclass":
        frequencies = constant_scores(task, target, (rows, len(subject.scorer.classes)))
        yield frequencies
        yield (np.arange(frequencies.shape[1]) == frequencies[0].argmax()) * np.ones((rows, 1))
        return
    values = [target.mean(), *([0.0, 1.0] if task == "binary" else np.quantile(target, [0.1, 0.5, 0.9]))]
    for value in values:
        yield np.full(rows, float(value))


def _draw_hundred(task: Task, target: Array) -> Array:
    """Draw a hundred rows, with classes balanced as far as possible."""
    rng = np.random.default_rng(0)
    drawn = rng.permutation(len(target))
    if task == "regression":
        return np.sort(drawn[:OVERFIT_ROWS])
    rank_in_class = pd.Series(target[drawn]).groupby(target[drawn]).cumcount().to_numpy()
    return np.sort(drawn[np.argsort(rank_in_class, kind="stable")[:OVERFIT_ROWS]])
