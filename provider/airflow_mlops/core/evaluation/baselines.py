"""Baselines of a version's predictions, for monitoring.

They are computed on the gate rows, which were not used for training or selection. On training rows a model is
overconfident, and every later week would look like drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.core.evaluation.gate_rows import GateRows
from airflow_mlops.core.metrics import Array
from airflow_mlops.store import baselines
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd

SCORE, TARGET = "score", "target"


def store_baselines(
    database: Database, version: ModelVersionRef, rows: GateRows, scores: Array, *, cluster: pd.Series[Any]
) -> None:
    """Store the distribution of the version's scores and their relation to the labels.

    :param rows: the gate rows; the relation is also stored by feature.
    :param scores: the version's n scores, or n x k probabilities, of which the most probable class is stored.
    :param cluster: n values with a name; rows with the same value are dependent.
    """
    outcomes: dict[str, Any] = {SCORE: scores, TARGET: rows.target}
    if rows.task == "multiclass":
        outcomes = {
            SCORE: _class_names(rows, scores.argmax(axis=1)),
            TARGET: _class_names(rows, rows.target.astype(int)),
        }
    features = [name for name in rows.challenger_features.columns if name not in outcomes]
    frame = rows.features[features].assign(**{str(cluster.name): cluster.to_numpy(), **outcomes})
    score_profile = profile(frame, columns=[SCORE], cluster=str(cluster.name))
    baselines.save(database, version.model, version.version, "scores", score_profile.to_dict())
    try:
        relation = relate(frame, label=TARGET, score=SCORE, features=features, cluster=str(cluster.name)).to_dict()
    except BadInput as error:  # such as margins instead of probabilities; the concept drift check reports it
        relation = {"reason": error.what}
    baselines.save(database, version.model, version.version, "relation", relation)


def _class_names(rows: GateRows, numbers: Array) -> list[str]:
    return [str(rows.classes[number]) for number in numbers]
