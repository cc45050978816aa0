"""The DAG that watches the champion, partition by partition."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.core.lifecycle.steps import MonitoringSpec
from airflow_mlops.lifecycle.shared import CHAMPION_AT, Family, champion_param
from airflow_mlops.task_groups import monitoring_tasks
from airflow_mlops.task_groups.base import Step

DOC = """
### Watching the champion of {model}

The inputs and the scores of each partition are compared with what the champion learned from; its predictions with the
labels that have come. Drift opens an episode, which asks for **one** retraining once the labels allow it. Drift is
news, not an error: the tasks stay green, and the verdicts are in their reports. What counts as drift, and what
follows, is in `{policy}`.
"""


def monitoring_dag(family: Family, monitoring: MonitoringSpec) -> DAG:
    """Make ``<model>_monitoring``."""
    spec = family.spec
    doc = DOC.format(model=spec.model, policy=spec.policy_file)
    watched = family.features if spec.scoring is None else family.scores
    timetable = PartitionedAssetTimetable(assets=watched)
    told = {"on_success_callback": family.notifier()}
    params = {"champion_at": champion_param()}

    def asked(wanted: bool, step: Step) -> Step:
        return step if wanted else None

    with DAG(schedule=timetable, **family.dag("monitoring", doc, params=params)) as dag:
        monitoring_tasks(
            model=spec.model,
            features=spec.dataset("features"),
            labels=spec.dataset("labels"),
            key=spec.key,
            target=spec.target,
            labelled=family.labelled,
            policy=spec.policy_file,
            champion_at=CHAMPION_AT,
            drift=asked(monitoring.drift, told),
            predictions=asked(monitoring.predictions, {}),
            estimate=asked(monitoring.estimate, {}),
            performance=asked(monitoring.performance, {}),
            concept=asked(monitoring.concept, {}),
            episode=asked(monitoring.episode, {}),
        )
    return dag
