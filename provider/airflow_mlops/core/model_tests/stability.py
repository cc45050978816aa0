"""Model tests for stable scores: reloading, repeated calls, the order of rows and columns."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.model_scoring import summarise_error
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests.outcomes import failed, not_applicable, passed
from airflow_mlops.core.model_tests.subject import ModelUnderTest, all_close, max_difference
from airflow_mlops.core.models import artifact

EXACT_TOLERANCE = 1e-9
ROUNDING_TOLERANCE = 1e-6
"""Tolerance for another order of summation, and for libraries that compute in float32."""
SINGLE_ROWS = 20
EXAMPLE_ROWS = 5
_CLEAR_WORDS = re.compile(r"\b(nans?|missing|null|unknown|categor\w*|features?|columns?)\b", re.IGNORECASE)


def same_after_reload(subject: ModelUnderTest, scores: Array) -> Check:
    """Save and reload the model, and compare the scores."""
    with tempfile.TemporaryDirectory(prefix="mlops-self-test-") as temporary:
        folder = Path(temporary) / "model"
        example = subject.rows.head(EXAMPLE_ROWS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's, on integer columns
            digest = artifact.write(subject.scorer.model, folder, example, trusted=subject.trusted)
        model = artifact.load_model(folder, digest, trusted=subject.trusted)
    reloaded = _score_reloaded(subject, model)
    if all_close(scores, reloaded, EXACT_TOLERANCE):
        return passed(f"{len(scores)} rows get the same scores")
    return _failed_difference("after saving and reloading", scores, reloaded)


def deterministic(subject: ModelUnderTest, scores: Array) -> Check:
    """Score all rows again, in another order, and one by one."""
    rows = subject.rows
    again = subject.scorer.scores(rows)
    if not all_close(scores, again, EXACT_TOLERANCE):
        return _failed_difference("in a second call", scores, again)
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = subject.scorer.scores(rows.iloc[order].reset_index(drop=True))
    if not all_close(scores[order], shuffled, ROUNDING_TOLERANCE):
        return _failed_difference("when the rows are reordered", scores[order], shuffled)
    few = np.sort(order[:SINGLE_ROWS])
    alone = np.concatenate([subject.scorer.scores(rows.iloc[[row]]) for row in few])
    if not all_close(scores[few], alone, ROUNDING_TOLERANCE):
        return _failed_difference("when a row is scored alone", scores[few], alone)
    return passed("a second call, another order and single rows give the same scores")


def columns_by_name(subject: ModelUnderTest, scores: Array) -> Check:
    """Score with reordered columns: the scores stay the same, or the model raises a clear error."""
    names = list(subject.rows.columns)
    if len(names) < 2:
        return not_applicable("there is only one feature")
    rejection = ""
    for order in (names[::-1], names[1:] + names[:1]):
        try:
            moved = subject.scorer.scores(subject.rows[order])
        except BadInput as error:
            if not is_clear_error(error, names):
                return failed(f"the model fails on reordered columns without a clear error: {cause_message(error)}")
            rejection = f"the model rejects reordered columns: {cause_message(error)}"
            continue
        if not all_close(scores, moved, ROUNDING_TOLERANCE):
            return _failed_difference("when the columns are reordered: it uses them by position", scores, moved)
    return passed(rejection or "columns are matched by name")


def is_clear_error(error: BadInput, names: list[str]) -> bool:
    """Check whether a model's error names the problem with the rows: a column or its content."""
    text = cause_message(error)
    return bool(_CLEAR_WORDS.search(text)) or any(name in text for name in names)


def cause_message(error: BadInput) -> str:
    """Return the message of the model's own error."""
    return summarise_error(error.__cause__ or error)


def _score_reloaded(subject: ModelUnderTest, model: Any) -> Array:
    from airflow_mlops.core.evaluation.model_scoring import predict_scores

    scorer = subject.scorer
    return predict_scores(model, scorer.rows, scorer.task, scorer.classes, label="the reloaded model")


def _failed_difference(when: str, scores: Array, other: Array) -> Check:
    if scores.shape != other.shape:
        return failed(f"scores have the shape {other.shape}, not {scores.shape}, {when}")
    difference = max_difference(scores, other)
    return failed(f"scores change by up to {difference:.3g} {when}", {"difference": difference})
