"""The DAG that scores each partition with the champion of its time."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.core.lifecycle.steps import ScoringSpec
from airflow_mlops.lifecycle.shared import CHAMPION_AT, PARTITION, Family, champion_param
from airflow_mlops.task_groups import scoring_tasks

DOC = """
### Scores of {model}

Runs when a partition of features has kept its contract, with the same key. The champion is looked up in the ledger **as
of that partition**: a backfill over a promotion scores each with the model that was in production then. Before the
first champion there is nothing to score with, and the task is skipped.
"""


def scoring_dag(family: Family, scoring: ScoringSpec) -> DAG:
    """Make ``<model>_scoring``."""
    spec = family.spec
    timetable = PartitionedAssetTimetable(assets=family.features)
    params = {"champion_at": champion_param()}
    with DAG(schedule=timetable, **family.dag("scoring", DOC.format(model=spec.model), params=params)) as dag:
        scoring_tasks(
            model=spec.model,
            rows=f"{spec.dataset('features')}@{PARTITION}",
            key=spec.key,
            contract=spec.contract_file,
            environment=spec.environment,
            champion_at=CHAMPION_AT,
            outlets=[family.scores],
            validate={} if scoring.validate_rows else None,
            score={"trusted_types": list(spec.trusted_types)},
        )
    return dag
