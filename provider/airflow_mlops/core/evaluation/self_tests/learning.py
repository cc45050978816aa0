"""Self-tests on learning: the model knows more than a constant, and its kind can learn a hundred rows by heart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd

from airflow_mlops.core.evaluation.scoring import said, scores_of
from airflow_mlops.core.evaluation.self_tests.outcome import failed, not_judged, passed, set_aside
from airflow_mlops.core.evaluation.self_tests.subject import Subject
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.metrics import metric as metric_of
from airflow_mlops.core.report import Check

HUNDRED = 100
LEAST_ROWS = 50
LEAST_OF_CLASS = 10
TIMES = 20
"""Each row is given so often, so that minimum sizes of leaves and penalties weigh no more than with many rows."""
BY_HEART = 0.5
SOMETHING = 0.01
# A constant is perfect by these: one that says yes to all recalls all, the mean is calibrated.
_BY_ANOTHER = {"recall": "roc_auc", "calibration_error": "roc_auc"}


def better_than_a_constant(subject: Subject, scores: Array) -> Check:
    """Compare with the best score that is the same for all rows, by the task's main figure."""
    scorer = subject.scorer
    if why := too_little(scorer.task, scorer.target):
        return not_judged(why)
    metric = metric_of(_BY_ANOTHER.get(subject.metric, subject.metric))
    ours = metric.value(scorer.target, scores)
    if not np.isfinite(ours):
        return failed(f"its {metric.name} is {ours}, which is no figure", {"model": ours})
    figures = [metric.value(scorer.target, constant) for constant in _constants(subject)]
    known = [figure for figure in figures if np.isfinite(figure)]
    if not known:
        return not_judged(f"no constant has a {metric.name} on these rows")
    best = max(known, key=lambda figure: float(metric.gain(figure, 0.0)))
    seen = {"model": ours, "constant": best}
    words = f"{metric.name} {ours:.4f}, the best constant has {best:.4f}"
    return passed(words, seen) if metric.gain(ours, best) > 0 else failed(f"it is no better: {words}", seen)


def overfits_a_hundred_rows(subject: Subject, scores: Array) -> Check:
    """Fit a fresh build on a hundred rows, and ask it about those: it should know much of them by heart.

    Learned is the share of a constant's squared error that is gone: 1 is all of it. A model that is kept simple on
    purpose learns less of so few rows than half; whether it is that, or its training is broken, more rows tell.
    """
    scorer = subject.scorer
    if why := too_little(scorer.task, scorer.target, HUNDRED):
        return not_judged(why)
    if subject.fresh() is None:
        return set_aside(f"{type(scorer.model).__name__} cannot be copied without its fit; name its build")
    try:
        few = learned(subject, _hundred(scorer.task, scorer.target))
        if few >= BY_HEART:
            return passed(f"of a hundred rows it learns {few:.0%}", {"learned": few})
        many = few if few >= SOMETHING else learned(subject, np.arange(len(scorer.target)))
    except MemoryError:
        raise
    except Exception as error:  # a user's model may raise anything
        return failed(f"a fresh build cannot be fitted on {HUNDRED} of the rows: {said(error)}")
    if many >= SOMETHING:
        return set_aside(
            f"it is kept too simple to know a hundred rows by heart: it learns {few:.0%} of them", {"learned": few}
        )
    return failed(
        f"a fresh build learns nothing, not even the rows that it is fitted on: of a hundred {few:.1%}, of "
        f"{len(scorer.target)} {many:.1%} of a constant's error is gone",
        {"learned": few, "learned of all": many},
    )


def learned(subject: Subject, rows: Array) -> float:
    """Fit a fresh build on some rows, and give what it has learned of them."""
    scorer = subject.scorer
    features = scorer.rows.iloc[rows].reset_index(drop=True)
    again = np.tile(np.arange(len(rows)), max(1, TIMES * HUNDRED // len(rows)))
    fresh = subject.fresh()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is no news on so few rows
        fresh.fit(features.iloc[again].reset_index(drop=True), subject.labels(rows[again]))
        scores = scores_of(fresh, features, scorer.task, scorer.classes, called="a fresh build")
    return skill(scorer.task, scorer.target[rows], scores)


def skill(task: Task, target: Array, scores: Array) -> float:
    """Give the share of a constant's squared error that is gone with these scores: 1 is all, below 0 it is worse.

    Of values that is R²; of chances the Brier skill score (of several classes, summed over them), which, unlike the
    log loss, does not let a few rows of which a model is too sure weigh more than all others. The constant is the mean
    of the target, or the share of each class.
    """
    truth = target if task != "multiclass" else (target[:, None] == np.arange(scores.shape[1])).astype(float)
    plain = float(((truth - mean_of(task, target, scores.shape)) ** 2).mean())
    return 1 - float(((truth - scores) ** 2).mean()) / plain if plain > 0 else float("nan")


def mean_of(task: Task, target: Array, shape: tuple[int, ...]) -> Array:
    """Give the constant scores that have the least error: the mean, or the share of each class."""
    if task != "multiclass":
        return np.full(shape, target.mean())
    shares = np.bincount(target.astype(int), minlength=shape[1]) / len(target)
    return np.tile(shares, (shape[0], 1))


def too_little(task: Task, target: Array, rows: int = LEAST_ROWS) -> str:
    """Say why nothing can be said about learning; nothing when something can."""
    if len(target) < rows:
        return f"there are {len(target)} rows, and {rows} are needed"
    if task == "regression":
        return "" if np.ptp(target) > 0 else "all rows have the same target"
    counts = sorted(np.unique(target, return_counts=True)[1], reverse=True)
    second = int(counts[1]) if len(counts) > 1 else 0
    return "" if second >= LEAST_OF_CLASS else f"{second} rows are of the second class; {LEAST_OF_CLASS} are needed"


def _constants(subject: Subject) -> Iterator[Array]:
    """Give the constants that are best by one figure or another."""
    task, target, rows = subject.scorer.task, subject.scorer.target, len(subject.scorer.target)
    if task == "multiclass":
        shares = mean_of(task, target, (rows, len(subject.scorer.classes)))
        yield shares
        yield (np.arange(shares.shape[1]) == shares[0].argmax()) * np.ones((rows, 1))
        return
    values = [target.mean(), *([0.0, 1.0] if task == "binary" else np.quantile(target, [0.1, 0.5, 0.9]))]
    for value in values:
        yield np.full(rows, float(value))


def _hundred(task: Task, target: Array) -> Array:
    """Draw a hundred rows; of classes as equal numbers as there are, so that a rare one counts."""
    rng = np.random.default_rng(0)
    drawn = rng.permutation(len(target))
    if task == "regression":
        return np.sort(drawn[:HUNDRED])
    place = pd.Series(target[drawn]).groupby(target[drawn]).cumcount().to_numpy()  # the how-manieth of its class
    return np.sort(drawn[np.argsort(place, kind="stable")[:HUNDRED]])
