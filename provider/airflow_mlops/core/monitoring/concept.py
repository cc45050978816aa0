"""Concept drift of a version's predictions, when the labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlops.core.data import ConceptPolicy, Relation, check_concept_drift, relate
from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.monitoring.performance import inputs_of, join, version_of
from airflow_mlops.core.monitoring.scoring import SCORE
from airflow_mlops.core.monitoring.scoring.scores import Scores
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Check, Report
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
    """Hold scores and labels against how they went together when the version was evaluated, and keep the window.

    :param scores: what :func:`airflow_mlops.core.monitoring.scoring.score` wrote, or those in a prediction log.
    :param labels: the labels of the same partition that have come.
    :param rows: what was scored, with the features.
    :param key: the column that all three have, once a row.
    :param target: the label's column.
    :param policy: the path of a ``policy.yaml`` with a ``concept`` section, or its content.
    :return: ``not_judged`` when the version has no relation to compare with.
    :raises BadInput: when the scores are of more than one version, or the partitions differ.
    """
    version = version_of(scores)
    partition = scores.ref.partition or scores.ref.id
    subject = f"{model} v{version} {partition}"
    kept = baselines.get(database, model, version, "relation")
    joined = join(scores, labels, key=key, target=target)
    if kept is None or "why_not" in kept:
        why = "it was never evaluated with this store" if kept is None else kept["why_not"]
        told = Check("relation", "not_judged", message=f"nothing is known of how v{version} went with labels: {why}")
        report = Report.of(KIND, subject, [told])
    else:
        reference = Relation.from_dict(kept)
        inputs = rows.to_pandas(list(dict.fromkeys([key, *reference.features])))
        frame = joined.merge(inputs, on=key, how="left", validate="one_to_one")
        strata = reference if reference.cluster in frame.columns else replace(reference, cluster=None)
        now = relate(frame, label=target, score=SCORE, like=strata)
        report = check_concept_drift(reference, now, load_section(ConceptPolicy, policy, "concept"), subject=subject)
    windows.record(
        database,
        model=model,
        version=version,
        kind=KIND,
        partition=partition,
        verdict=report.verdict,
        value=max((c.observed["effect"] for c in report.checks if c.observed and "effect" in c.observed), default=None),
        rows=len(joined),
        report=report.id,
        inputs=inputs_of(scores=scores, labels=labels, rows=rows),
        broken=dict.fromkeys(report.facts.get("broken") or (), "labels came as before"),
    )
    return report
