"""DAG ``<model>_scoring``: scores of each partition by the champion at that time."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.core.lifecycle.sections import ScoringSpec
from airflow_mlops.dag_factory.model_dags import CHAMPION_AT, PARTITION, ModelDags, champion_param
from airflow_mlops.task_groups import scoring_tasks

DOC = """
### Scores of {model}

Runs for each valid partition of features, with the same key. The champion is read from the ledger **as of that
partition**, so a backfill across a promotion scores each partition with the model that was in production then. The task
is skipped for partitions before the first champion.
"""


def scoring_dag(family: ModelDags, scoring: ScoringSpec) -> DAG:
    """Create ``<model>_scoring``."""
    spec = family.spec
    timetable = PartitionedAssetTimetable(assets=family.features)
    params = {"champion_at": champion_param()}
    with DAG(schedule=timetable, **family.dag_arguments("scoring", DOC.format(model=spec.model), params=params)) as dag:
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
