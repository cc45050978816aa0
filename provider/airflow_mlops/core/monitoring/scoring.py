"""Batch scoring with one pinned version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SCORE, VERSION = "score", "model_version"


def score(
    root: SnapshotRoot,
    dataset: str,
    rows: Snapshot,
    model: Any,
    version: ModelVersionRef,
    *,
    key: Sequence[str],
    features: Sequence[str],
) -> SnapshotRef:
    """Score a snapshot, file by file.

    The scores are a snapshot themselves, so the same rows scored by the same version are the same score set, however
    often and after whatever kill it is done.

    :param key: columns that are kept to name the row.
    :returns: the snapshot of ``key..., score, model_version``. For three classes or more the score is the name of the
        likeliest one, and ``score_<i>`` the probability of class number i.
    """

    def batches() -> Iterator[pd.DataFrame]:
        for frame in rows.batches(list(dict.fromkeys([*key, *features]))):
            scored = frame[list(key)].copy()
            scored = scored.assign(**_columns(model, predict(model, frame[list(features)])))
            scored[VERSION] = version.version
            yield scored

    source = {"rows": rows.ref.id, "model": version.model, "version": version.version}
    return root.write(dataset, batches(), partition=rows.ref.partition, source=source)


def _columns(model: Any, scores: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Give the columns in which scores are kept; a row with a probability that is NaN has no likeliest class."""
    if scores.ndim == 1:
        return {SCORE: scores}
    names = [str(name) for name in model.classes_]
    known = (scores == scores).all(axis=1)
    likeliest = [names[number] if ok else None for number, ok in zip(scores.argmax(axis=1), known, strict=True)]
    return {SCORE: likeliest, **{f"{SCORE}_{number}": scores[:, number] for number in range(len(names))}}
