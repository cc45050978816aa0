"""The baselines of a version's predictions, from the evidence of its evaluation.

They come from the gate rows, on which the model was neither fitted nor chosen: on training rows any model looks surer
than it is, and every later week would look like drift.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlops.core.data import profile, relate
from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.evidence import KEY, TARGET, row_keys
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.store import baselines
from airflow_mlops.store.database import Database

SCORE = "score"


def keep(
    database: Database,
    version: ModelVersionRef,
    rows: Snapshot,
    evidence: Snapshot,
    *,
    role: str,
    key: Sequence[str],
    cluster: str,
    features: Sequence[str],
) -> None:
    """Keep how the version's scores were spread and how labels went with them.

    :param rows: the gate rows.
    :param evidence: their scores.
    :param role: whose scores: ``challenger`` or ``champion``.
    :param key: the columns that name a row.
    :param cluster: the column whose equal values belong together; later scores are counted by it where they have it.
    :param features: the columns along which the relation is kept, too.
    """
    frame = rows.to_pandas(list(dict.fromkeys([*key, cluster, *features])))
    scored = evidence.to_pandas([KEY, TARGET, f"score_{role}"]).rename(columns={f"score_{role}": SCORE})
    inputs = [name for name in features if name not in scored.columns]
    beside = frame[list(dict.fromkeys([cluster, *inputs]))].assign(**{KEY: row_keys(frame, key)})
    joined = scored.merge(beside, on=KEY, how="left")
    scores = profile(joined, columns=[SCORE], cluster=cluster)
    baselines.keep(database, version.model, version.version, "scores", scores.to_dict())
    try:
        relation = relate(joined, label=TARGET, score=SCORE, features=inputs, cluster=cluster).to_dict()
    except BadInput as error:  # such as margins instead of chances: concept drift will say so when it is asked for
        relation = {"why_not": error.what}
    baselines.keep(database, version.model, version.version, "relation", relation)
