"""Detection of concept drift: changes in the relation of labels to scores and features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlops.core.drift.concept.concept_drift import check_concept_drift
from airflow_mlops.core.drift.concept.concept_policy import ConceptPolicy
from airflow_mlops.core.drift.concept.label_relation import LabelRelation

__all__ = ["ConceptPolicy", "LabelRelation", "check_concept_drift", "relate"]


def relate(
    data: Any,
    *,
    label: str,
    score: str,
    features: Sequence[str] = (),
    like: LabelRelation | None = None,
    cluster: str | None = None,
) -> LabelRelation:
    """Compute the relation of labels to predictions in one scan.

    Rows without a label or a score are only counted.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param label: the column of labels.
    :param score: the column of predictions: probabilities for labels 0 and 1, numbers for numbers, class names for
        class names. For a reference they must be predicted on rows that the model was not fitted on.
    :param features: columns by which the relation is also computed.
    :param like: a reference, whose strata are used. Without it strata of about equal size are chosen from the data.
    :param cluster: the column that identifies clusters of dependent rows; by default that of ``like``.
    :raises BadInput: when the data cannot be read, a column is missing, or binary scores are not probabilities.
    """
    from airflow_mlops.core.drift.concept.relation_scan import (
        scan_relation,  # checking relations does not require Polars
    )

    return scan_relation(data, label=label, score=score, features=features, like=like, cluster=cluster)
