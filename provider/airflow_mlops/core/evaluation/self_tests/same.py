"""Self-tests on what must not change a score: writing and loading, asking again, the order of rows and columns."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.scoring import said
from airflow_mlops.core.evaluation.self_tests.outcome import failed, passed, set_aside
from airflow_mlops.core.evaluation.self_tests.subject import Subject, alike, distance
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check
from airflow_mlops.core.training import artifact

EXACT = 1e-9
ROUNDED = 1e-6
"""A row is added up in another order when it comes alone, and some libraries count in 32 bits."""
ALONE = 20
EXAMPLE = 5
_CLEAR = re.compile(r"\b(nans?|missing|null|unknown|categor\w*|features?|columns?)\b", re.IGNORECASE)


def reload(subject: Subject, scores: Array) -> Check:
    """Write the model, load it again, and compare the scores."""
    with tempfile.TemporaryDirectory(prefix="mlops-self-test-") as temporary:
        folder = Path(temporary) / "model"
        example = subject.rows.head(EXAMPLE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's, on columns of whole numbers
            digest = artifact.write(subject.scorer.model, folder, example, trusted=subject.trusted)
        again = artifact.load(folder, digest, trusted=subject.trusted)
    loaded = _asked(subject, again, scores)
    if alike(scores, loaded, EXACT):
        return passed(f"{len(scores)} rows get the same scores")
    return _other("after it was written and loaded again", scores, loaded)


def deterministic(subject: Subject, scores: Array) -> Check:
    """Ask again: all rows, in another order, and one by one."""
    rows = subject.rows
    again = subject.scorer.scores(rows)
    if not alike(scores, again, EXACT):
        return _other("when it is asked a second time", scores, again)
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = subject.scorer.scores(rows.iloc[order].reset_index(drop=True))
    if not alike(scores[order], shuffled, ROUNDED):
        return _other("when the rows come in another order", scores[order], shuffled)
    few = np.sort(order[:ALONE])
    alone = np.concatenate([subject.scorer.scores(rows.iloc[[row]]) for row in few])
    if not alike(scores[few], alone, ROUNDED):
        return _other("when a row comes alone", scores[few], alone)
    return passed("asked again, in another order and row by row it gives the same scores")


def columns_by_name(subject: Subject, scores: Array) -> Check:
    """Give the columns in other orders: the scores stay, or the model says that they are in the wrong order."""
    names = list(subject.rows.columns)
    if len(names) < 2:
        return set_aside("there is only one feature")
    refused = ""
    for order in (names[::-1], names[1:] + names[:1]):
        try:
            moved = subject.scorer.scores(subject.rows[order])
        except BadInput as error:
            if not clear(error, names):
                return failed(f"with its columns in another order it fails without clear words: {cause(error)}")
            refused = f"it refuses columns in another order: {cause(error)}"
            continue
        if not alike(scores, moved, ROUNDED):
            return _other("when its columns come in another order: it takes them by their place", scores, moved)
    return passed(refused or "it finds its columns by their names")


def clear(error: BadInput, names: list[str]) -> bool:
    """Say whether a model's refusal tells a person what is wrong with the rows: a column, or what is in it."""
    text = cause(error)
    return bool(_CLEAR.search(text)) or any(name in text for name in names)


def cause(error: BadInput) -> str:
    """Give what the model itself said."""
    return said(error.__cause__ or error)


def _asked(subject: Subject, model: Any, scores: Array) -> Array:
    from airflow_mlops.core.evaluation.scoring import scores_of

    scorer = subject.scorer
    return scores_of(model, scorer.rows, scorer.task, scorer.classes, called="the model, loaded again,")


def _other(when: str, scores: Array, other: Array) -> Check:
    if scores.shape != other.shape:
        return failed(f"it gives scores of the shape {other.shape}, not {scores.shape}, {when}")
    far = distance(scores, other)
    return failed(f"it gives other scores {when}: up to {far:.3g} away", {"difference": far})
