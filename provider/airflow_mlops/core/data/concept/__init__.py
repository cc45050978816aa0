"""Concept drift: do the same scores and the same inputs still mean the same labels?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.core.data.concept.judge import check_concept_drift
from airflow_mlops.core.data.concept.policy import ConceptPolicy
from airflow_mlops.core.data.concept.relation import Relation

__all__ = ["ConceptPolicy", "Relation", "check_concept_drift", "relate"]


def relate(
    data: Any,
    *,
    label: str,
    score: str,
    features: Sequence[str] = (),
    like: Relation | None = None,
    cluster: str | None = None,
) -> Relation:
    """Sum up in one scan how labels go with predictions.

    Rows without a label or a score are only counted.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param label: the column with what came true.
    :param score: the column with what was predicted: chances for labels 0 and 1, numbers for numbers, names of
        classes for names. For a reference it has to be predicted on rows that the model was not fitted on.
    :param features: columns along which the relation is to be looked at, too.
    :param like: a reference: its strata are used. Without it they are chosen from the data, of about equal size.
    :param cluster: the column that says which rows belong together; by default that of ``like``.
    :raises BadInput: when the data cannot be read, has no such column, or scores are no chances.
    """
    from airflow_mlops.core.data.concept.scan import scan_relation  # Polars is not needed for judging relations

    return scan_relation(data, label=label, score=score, features=features, like=like, cluster=cluster)
