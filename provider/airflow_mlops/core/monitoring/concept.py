"""Concept drift of a version's predictions, checked once labels are available."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlops.common.policy import load_section
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.drift.concept import ConceptPolicy, LabelRelation, check_concept_drift, relate
from airflow_mlops.core.monitoring.performance import input_ids, join_labels, version_of
from airflow_mlops.core.scoring import SCORE_COLUMN
from airflow_mlops.core.scoring.scores import Scores
from airflow_mlops.store import baselines, windows
from airflow_mlops.store.database import Database

KIND = "concept_drift"


def check_concept(
    database: Database,
    scores: Scores,
    labels: Snapshot,
    rows: Snapshot,
    *,
    model: str,
    key: str,
    target: str,
    policy: str | Mapping[str, Any] | None = None,
) -> Report:
    """Compare the relation of scores and labels with that of the version's evaluation, and record the window.

    :param scores: the scores written by :func:`airflow_mlops.core.scoring.job`, or a prediction log's.
    :param labels: the available labels of the same partition.
    :param rows: the scored rows, with the features.
    :param key: the column that identifies a row in all three.
    :param target: the label column.
    :param policy: the path of a ``policy.yaml`` with a ``concept`` section, or its content.
    :return: ``inconclusive`` when the version has no reference relation.
    :raises BadInput: when the scores are of more than one version, or the partitions differ.
    """
    version = version_of(scores)
    partition = scores.ref.partition or scores.ref.id
    subject = f"{model} v{version} {partition}"
    baseline = baselines.get(database, model, version, "relation")
    joined = join_labels(scores, labels, key=key, target=target)
    if baseline is None or "reason" in baseline:
        reason = "it was never evaluated with this store" if baseline is None else baseline["reason"]
        message = f"no reference relation of scores and labels for v{version}: {reason}"
        inconclusive = Check("relation", "inconclusive", message=message)
        report = Report.from_checks(KIND, subject, [inconclusive])
    else:
        reference = LabelRelation.from_dict(baseline)
        inputs = rows.to_pandas(list(dict.fromkeys([key, *reference.features])))
        frame = joined.merge(inputs, on=key, how="left", validate="one_to_one")
        strata = reference if reference.cluster in frame.columns else replace(reference, cluster=None)
        current = relate(frame, label=target, score=SCORE_COLUMN, like=strata)
        report = check_concept_drift(
            reference, current, load_section(ConceptPolicy, policy, "concept"), subject=subject
        )
    result = windows.WindowResult(
        model=model,
        version=version,
        kind=KIND,
        partition=partition,
        verdict=report.verdict,
        value=max((c.observed["effect"] for c in report.checks if c.observed and "effect" in c.observed), default=None),
        rows=len(joined),
        inputs=input_ids(scores=scores, labels=labels, rows=rows),
        broken_columns=dict.fromkeys(report.facts.get("broken") or (), "the relation to the labels is unchanged"),
    )
    windows.record(database, result, report)
    return report
