"""DAG ``<model>_monitoring``: drift and performance checks for each partition."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.core.lifecycle.sections import MonitoringSpec
from airflow_mlops.dag_factory.model_dags import CHAMPION_AT, ModelDags, champion_param
from airflow_mlops.task_groups import monitoring_tasks
from airflow_mlops.task_groups.base import StepOptions

DOC = """
### Monitoring the champion of {model}

Inputs and scores of each partition are compared with the champion's training data, and predictions with the available
labels. Drift opens an episode, which requests **one** retraining when enough labels are available. Drift is not a task
failure: the tasks succeed, and the verdicts are in their reports. `{policy}` defines drift and the actions.
"""


def monitoring_dag(family: ModelDags, monitoring: MonitoringSpec) -> DAG:
    """Create ``<model>_monitoring``."""
    spec = family.spec
    doc = DOC.format(model=spec.model, policy=spec.policy_file)
    trigger_asset = family.features if spec.scoring is None else family.scores
    timetable = PartitionedAssetTimetable(assets=trigger_asset)
    notify = {"on_success_callback": family.notifier()}
    params = {"champion_at": champion_param()}

    def step_if(enabled: bool, step: StepOptions) -> StepOptions:
        return step if enabled else None

    with DAG(schedule=timetable, **family.dag_arguments("monitoring", doc, params=params)) as dag:
        monitoring_tasks(
            model=spec.model,
            features=spec.dataset("features"),
            labels=spec.dataset("labels"),
            key=spec.key,
            target=spec.target,
            labelled_partition=family.labelled_partition,
            policy=spec.policy_file,
            champion_at=CHAMPION_AT,
            drift=step_if(monitoring.drift, notify),
            predictions=step_if(monitoring.predictions, {}),
            estimate=step_if(monitoring.estimate, {}),
            performance=step_if(monitoring.performance, {}),
            concept=step_if(monitoring.concept, {}),
            episode=step_if(monitoring.episode, {}),
        )
    return dag
