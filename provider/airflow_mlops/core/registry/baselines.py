"""The baselines of a version's predictions, from the evidence of its evaluation.

They come from the gate rows, on which the model was neither fitted nor chosen: on training rows any model looks surer
than it is, and every later week would look like drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data import profile, relate
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.rows import GateRows
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.store import baselines
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd

SCORE, TARGET = "score", "target"


def keep(
    database: Database, version: ModelVersionRef, rows: GateRows, scores: Array, *, cluster: pd.Series[Any]
) -> None:
    """Keep how the version's scores were spread and how labels went with them.

    :param rows: the gate rows, along whose features the relation is kept, too.
    :param scores: what the version said of them: n scores, or n x k probabilities, of which the likeliest class
        is kept.
    :param cluster: n values, named; rows with the same one belong together; later scores are counted by it where they
        have it.
    """
    told: dict[str, Any] = {SCORE: scores, TARGET: rows.target}
    if rows.task == "multiclass":
        told = {SCORE: _names(rows, scores.argmax(axis=1)), TARGET: _names(rows, rows.target.astype(int))}
    beside = [name for name in rows.own.columns if name not in told]
    joined = rows.features[beside].assign(**{str(cluster.name): cluster.to_numpy(), **told})
    kept = profile(joined, columns=[SCORE], cluster=str(cluster.name))
    baselines.keep(database, version.model, version.version, "scores", kept.to_dict())
    try:
        relation = relate(joined, label=TARGET, score=SCORE, features=beside, cluster=str(cluster.name)).to_dict()
    except BadInput as error:  # such as margins instead of chances: concept drift will say so when it is asked for
        relation = {"why_not": error.what}
    baselines.keep(database, version.model, version.version, "relation", relation)


def _names(rows: GateRows, numbers: Array) -> list[str]:
    return [str(rows.classes[number]) for number in numbers]
